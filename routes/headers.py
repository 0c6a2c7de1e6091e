"""What every answer says to the browser about trust."""

from flask import Flask, Response, request

from routes.gate import FILES

_POLICY = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
)


_OF_ALL = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    # Not no-referrer: Flask-WTF refuses a form sent over https without one.
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
_OVER_HTTPS = {"Strict-Transport-Security": "max-age=31536000"}
_OF_PAGES = {"Cache-Control": "no-store", "Vary": "Cookie"}


def register(app: Flask, *, is_https: bool) -> None:
    of_all = _OF_ALL | (_OVER_HTTPS if is_https else {})
    of_pages = of_all | _OF_PAGES

    @app.after_request
    def protect(response: Response) -> Response:
        # Not by `setdefault`: it raises and catches an error for each header that is not there.
        given = {name.lower() for name, _ in response.headers}
        for name, value in (of_all if request.endpoint in FILES else of_pages).items():
            if name.lower() not in given:
                response.headers.add(name, value)
        return response
