"""Setting a forgotten password anew, by a link that works once."""

import hmac
import secrets

from sqlalchemy import delete, select

from extensions import db
from models import PasswordReset, User, clock
from services import accounts


def make_token(user: User) -> str:
    """What a link to the user carries: 256 bits, kept nowhere but in it."""
    token, now = secrets.token_urlsafe(32), clock.utc_now()
    db.session.execute(delete(PasswordReset).where(PasswordReset.created_at <= now - PasswordReset.LIFETIME))
    db.session.add(
        PasswordReset(token_hash=accounts.hash_of(token), shop_id=user.shop_id, user_id=user.id, created_at=now)
    )
    db.session.flush()
    return token


def find_user(token: str) -> User | None:
    """Whose password the link sets; None when it has been used, has run out or never was."""
    token_hash = accounts.hash_of(token)
    found = db.session.execute(
        select(User, PasswordReset.token_hash)
        .join(PasswordReset, (PasswordReset.shop_id == User.shop_id) & (PasswordReset.user_id == User.id))
        .where(PasswordReset.token_hash == token_hash)
        .where(PasswordReset.created_at > clock.utc_now() - PasswordReset.LIFETIME)
    ).one_or_none()
    return found.User if found and hmac.compare_digest(found.token_hash, token_hash) else None


def reset(token: str, user: User, new_password: str) -> bool:
    """Sets the password and signs the user out everywhere; not when somebody used the link just before."""
    by_token = PasswordReset.token_hash == accounts.hash_of(token)
    if db.session.scalar(delete(PasswordReset).where(by_token).returning(PasswordReset.user_id)) is None:
        return False
    accounts.set_password(user, new_password)
    return True
