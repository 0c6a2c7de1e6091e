"""API tokens: made, told from noise, found, revoked."""

import hashlib
import hmac
import re
import secrets
import string
import zlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import unquote
from uuid import UUID

from sqlalchemy import and_, bindparam, select, update

from extensions import db
from models import ApiToken, Shop, User, clock
from schemas.token import TokenDetails

_TABLES = ApiToken.__table__, User.__table__, Shop.__table__
_BY_HASH = (
    select(*_TABLES)
    .join(User, and_(User.shop_id == ApiToken.shop_id, User.id == ApiToken.user_id))
    .join(Shop, Shop.id == User.shop_id)
    .where(ApiToken.token_hash == bindparam("token_hash"))
)
"""Past the session: it takes three times as long for one who is asked for at each request, and never changed."""
_DIGITS = string.digits + string.ascii_uppercase + string.ascii_lowercase
_LEFT_UNMARKED_AT: dict[bytes, datetime] = {}
_SECRET_LENGTH = 43  # 256 bits in base62
_CHECKSUM_LENGTH = 6  # 32 bits in base62
# The prefix and the checksum are for scanners that look for secrets in code and logs, as GitHub's tokens have them:
# https://github.blog/engineering/behind-githubs-new-authentication-token-formats/
_FORM = re.compile(f"till_[0-9A-Za-z]{{{_SECRET_LENGTH + _CHECKSUM_LENGTH}}}")


def make(details: TokenDetails, *, user: User) -> tuple[ApiToken, str]:
    """A token that acts as the user, and its text: the only time that it is known."""
    text, now = _new_text(), clock.utc_now()
    token = ApiToken(
        shop_id=user.shop_id,
        user_id=user.id,
        name=details.name,
        scopes=list(details.scopes),
        token_hash=_hash_of(text),
        last_four=text[-4:],
        created_at=now,
        expires_at=now + timedelta(days=details.expires_in_days) if details.expires_in_days else None,
    )
    db.session.add(token)
    db.session.flush()
    return token, text


def find(text: str) -> ApiToken | None:
    """The token of this text, with its user and shop; None when there is none, or it was revoked or has expired."""
    if not _is_token(text):
        return None
    return _find(_hash_of(text))


def is_in_use(token: ApiToken) -> bool:
    """Whether it still lets anybody in, as the transaction sees it."""
    return _find(token.token_hash) is not None


def _find(token_hash: bytes) -> ApiToken | None:
    row = db.session.connection().execute(_BY_HASH, {"token_hash": token_hash}).one_or_none()
    if row is None:
        return None
    token = _made_of(row)
    is_right = hmac.compare_digest(token.token_hash, token_hash) and token.is_alive(clock.utc_now())
    return token if is_right else None


def _made_of(row: Sequence[Any]) -> ApiToken:
    values = iter(row)
    token, user, shop = ({name: next(values) for name in table.columns.keys()} for table in _TABLES)  # noqa: SIM118
    return ApiToken.of(token | {"user": User.of(user | {"shop": Shop.of(shop)})})


def holds_token(address: str) -> bool:
    """Whether a token's text stands somewhere in an address, percent-encoded or not."""
    return any(_is_token(found) for found in _FORM.findall(unquote(address)))


def needs_mark(token: ApiToken) -> bool:
    """Whether `last_used_at` has become too stale for a request by this token to leave it so."""
    last = max(filter(None, (token.last_used_at, _LEFT_UNMARKED_AT.get(token.token_hash))), default=None)
    return last is None or clock.utc_now() - last >= ApiToken.USED_EVERY


def mark_used(token: ApiToken) -> None:
    """Notes that the token is in use."""
    _LEFT_UNMARKED_AT.pop(token.token_hash, None)
    now = clock.utc_now()
    own = update(ApiToken).where(ApiToken.shop_id == token.shop_id, ApiToken.id == token.id)
    db.session.execute(own.values(last_used_at=now))
    token.last_used_at = now


def leave_unmarked(token: ApiToken) -> None:
    """Does not ask for the mark again for a while."""
    _LEFT_UNMARKED_AT[token.token_hash] = clock.utc_now()


def list_tokens(shop_id: int) -> Sequence[ApiToken]:
    """All of the shop with their users, the newest first; those that let nobody in any more, too."""
    found = select(ApiToken).where(ApiToken.shop_id == shop_id)
    return db.session.scalars(found.order_by(ApiToken.created_at.desc(), ApiToken.id.desc())).all()


def get(shop_id: int, id: UUID) -> ApiToken | None:
    return db.session.get(ApiToken, (shop_id, id))


def revoke(token: ApiToken) -> None:
    """Lets nobody in by it from here on. Once more changes nothing."""
    if token.revoked_at is None:
        token.revoked_at = clock.utc_now()
        db.session.flush()


def _new_text() -> str:
    text = "till_" + _base62(int.from_bytes(secrets.token_bytes(32)), _SECRET_LENGTH)
    return text + _checksum(text)


def _is_token(text: str) -> bool:
    """Whether the text could be one of ours: most of what is not never reaches the database."""
    return _FORM.fullmatch(text) is not None and text[-_CHECKSUM_LENGTH:] == _checksum(text[:-_CHECKSUM_LENGTH])


def _checksum(text: str) -> str:
    return _base62(zlib.crc32(text.encode()), _CHECKSUM_LENGTH)


def _base62(number: int, length: int) -> str:
    digits = ""
    for _ in range(length):
        number, digit = divmod(number, len(_DIGITS))
        digits = _DIGITS[digit] + digits
    return digits


def _hash_of(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
