# Two images: `web`, which migrates and serves, and `proxy`, which stands in front with the files of its pages.

FROM python:3.11.14-slim-trixie AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
# Before the code, so that a change of it installs nothing anew.
COPY requirements.txt /build/
RUN python -m venv /venv && /venv/bin/pip install --require-hashes --only-binary :all: -r /build/requirements.txt
WORKDIR /build
COPY static static
COPY deploy deploy
COPY routes/__init__.py routes/files.py routes/
# Whatever the rights in the working copy are, the users below may read.
RUN /venv/bin/python -m deploy.static_files /files && chmod -R a+rX /files


FROM nginx:1.28-alpine AS proxy
# What nginx buffers goes to a volume, and its entry point fills in the templates.
RUN chown 101:101 /var/cache/nginx
ENV NGINX_ENVSUBST_FILTER=^TILLBOOK_ \
    NGINX_ENVSUBST_TEMPLATE_DIR=/etc/nginx/http \
    NGINX_ENVSUBST_OUTPUT_DIR=/tmp
COPY --chmod=644 deploy/nginx.conf /etc/nginx/http/nginx.conf.template
COPY --chmod=644 deploy/nginx.conf /etc/nginx/https/nginx.conf.template
COPY --chmod=644 deploy/https.conf /etc/nginx/https/https.conf.template
COPY --from=build /files /srv/tillbook
USER 101:101
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s \
    CMD ["wget", "-q", "-O", "/dev/null", "http://127.0.0.1:8080/healthz"]
CMD ["nginx", "-c", "/tmp/nginx.conf"]


FROM python:3.11.14-slim-trixie AS web
# pg_dump for `flask backup`, as new as the database; Debian's own is older.
ADD --chmod=644 https://www.postgresql.org/media/keys/ACCC4CF8.asc /usr/share/keyrings/postgresql.asc
# hadolint ignore=DL3008
RUN echo "deb [signed-by=/usr/share/keyrings/postgresql.asc] https://apt.postgresql.org/pub/repos/apt trixie-pgdg main" \
        > /etc/apt/sources.list.d/postgresql.list \
    && apt-get update \
    && apt-get install --yes --no-install-recommends postgresql-client-18 \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 10001 tillbook \
    && useradd --uid 10001 --gid tillbook --no-create-home --shell /usr/sbin/nologin tillbook
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 FLASK_APP=app:create_app BIND=0.0.0.0:8000
WORKDIR /tillbook
COPY --from=build /venv /venv
COPY . .
RUN chmod -R a+rX . && python -m compileall -q .
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --start-interval=1s \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
CMD ["gunicorn", "app:create_app()"]
