"""What a browser calls itself, roughly: enough for its owner to know it again."""

import re

# In this order, as many of them claim to be others too.
_BROWSERS = {
    "Edg": "Edge",
    "OPR": "Opera",
    "SamsungBrowser": "Samsung Internet",
    "Firefox|FxiOS": "Firefox",
    "Chrome|CriOS": "Chrome",
    "Safari": "Safari",
}
_SYSTEMS = {
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Android": "Android",
    "CrOS": "ChromeOS",
    "Windows": "Windows",
    "Mac OS X": "Mac",
    "Linux": "Linux",
}


def browser_named_in(user_agent: str) -> str | None:
    """Firefox on Windows; None for what is not told apart."""
    found = [_first(names, user_agent) for names in (_BROWSERS, _SYSTEMS)]
    return " on ".join(filter(None, found)) or None


def _first(names: dict[str, str], user_agent: str) -> str | None:
    return next((name for pattern, name in names.items() if re.search(pattern, user_agent)), None)
