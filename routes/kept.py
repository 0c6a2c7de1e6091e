"""What was typed and cannot be taken yet: it goes along with the page that says so, and comes back from there."""

from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode

from flask import request
from werkzeug.datastructures import MultiDict

from routes.origin import is_from_here
from routes.reading import local_path

_LONGEST = 24_000
"""Characters: a form that carries it in one of its fields must still be taken."""
_NOT_TYPED = {"csrf_token", "key", "version", "back"}
_NOT_TYPED |= {"read", "picked", "picked_as", "kept_on", "offered", "asked_about"}


class Kept(NamedTuple):
    path: str
    """Where it was sent to."""
    fields: list[tuple[str, str]]

    @classmethod
    def of(cls, path: str, text: str) -> "Kept":
        """What `text` has written down."""
        return cls(path, parse_qsl(text, keep_blank_values=True))

    @property
    def text(self) -> str:
        return urlencode(self.fields)

    @property
    def typed(self) -> list[tuple[str, str]]:
        """What a person would know again."""
        return [(name.replace("_", " "), value) for name, value in self.fields if value and name not in _NOT_TYPED]

    @property
    def form(self) -> MultiDict[str, str]:
        return MultiDict(self.fields)


def what_was_typed() -> Kept | None:
    """The form of this request, which a person has sent from a page of ours.

    None where another site sent it, who would have it sent again in their name, and where a password or a file is in
    it: those are never sent back.
    """
    if request.method != "POST" or request.files or not request.form or not is_from_here():
        return None
    if carried := request.form.get("kept"):  # on its way through a sign-in
        return Kept.of(local_path(request.form.get("kept_path")) or "/", carried)
    fields = [(name, value) for name, value in request.form.items(multi=True) if name != "csrf_token"]
    kept = Kept(request.full_path.rstrip("?"), fields)
    has_password = any("password" in name for name, _ in fields)
    return None if has_password or not kept.typed or len(kept.text) > _LONGEST else kept
