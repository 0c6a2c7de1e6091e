"""Where a request comes from, as far as the browser says."""

from urllib.parse import urlsplit

from flask import request


def is_from_here() -> bool:
    """Whether a page of ours sent it, for certain."""
    # Every browser of today sends the first; what asks for a page by other means says at least where it comes from.
    if site := request.headers.get("Sec-Fetch-Site"):
        return site == "same-origin"
    return _is_ours(request.headers.get("Origin") or request.referrer or "")


def is_from_elsewhere() -> bool:
    """Whether a page of another site sent it, for certain; what is no browser says nothing of it."""
    if site := request.headers.get("Sec-Fetch-Site"):
        return site in ("cross-site", "same-site")
    origin = request.headers.get("Origin")
    return origin is not None and not _is_ours(origin)


def _is_ours(address: str) -> bool:
    try:
        return urlsplit(address).netloc == request.host
    except ValueError:  # no address at all, like http://[
        return False
