"""Accounts: opening a shop, signing in and out, passwords."""

import hashlib
import secrets
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError

from extensions import db
from models import PasswordReset, Shop, User, UserSession, clock
from models.dialect import violated_constraint
from schemas.account import Credentials, PasswordChange, Registration
from services.refusals import EmailTaken, WrongPassword

# OWASP's second choice for Argon2id: 19 MiB, two passes, one lane.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


def register(details: Registration) -> User:
    """Opens a shop with its first user. Raises EmailTaken."""
    shop = Shop(name=details.shop_name, currency=details.currency, country=details.country, time_zone=details.time_zone)
    user = User(
        shop=shop,
        email=details.email.shown,
        email_normal=details.email.normal,
        password_hash=hash_password(details.password),
    )
    try:
        with db.session.begin_nested():
            db.session.add_all([shop, user])
    except IntegrityError as error:
        if violated_constraint(error) != "uq_users_email_normal":
            raise
        raise EmailTaken("This e-mail address already has an account. Sign in instead") from None
    return user


def hash_password(password: str) -> str:
    """By which it is checked and cannot be found out. Takes its time, on purpose."""
    return _HASHER.hash(password)


def check_credentials(credentials: Credentials) -> User | None:
    """The user whose address and password these are. Takes as long for an unknown address (ASVS 6.3.8)."""
    user = find_user(credentials.email)
    if not _is_password(user.password_hash if user else _nobodys_hash(), credentials.password):
        return None
    if user and _HASHER.check_needs_rehash(user.password_hash):
        user.password_hash = hash_password(credentials.password)
    return user


def find_user(email_normal: str) -> User | None:
    """The user whose address has this normal form."""
    return db.session.scalar(select(User).where(User.email_normal == email_normal))


def get_user(shop_id: int, id: int) -> User:
    """A user of the shop, who is known to be there."""
    return db.session.scalars(select(User).where(User.shop_id == shop_id, User.id == id)).one()


def open_session(user: User, browser: str | None = None) -> None:
    """Signs a browser in: from here on the user's `get_id` is the token of a new session.

    Raises WrongPassword when the password was changed since the user was read.
    """
    # A change of the password ends all sessions: none may slip in with the old one while it is made. Who only points
    # at the user, like an import that they have under way, need not be waited for.
    hash_of_now = select(User.password_hash).where(User.id == user.id).with_for_update(key_share=True)
    if db.session.scalar(hash_of_now) != user.password_hash:
        raise WrongPassword("The password was changed just now. Sign in with the new one")
    token = secrets.token_urlsafe(32)
    now = clock.utc_now()
    db.session.add(
        UserSession(
            token_hash=hash_of(token),
            shop_id=user.shop_id,
            user_id=user.id,
            created_at=now,
            last_seen_at=now,
            browser=browser,
        )
    )
    db.session.flush()
    user.session_token = token


def find_session(token: str) -> tuple[User, UserSession] | None:
    """The user signed in by this token, and the session; None when it has ended or run out."""
    found = db.session.execute(
        select(User, UserSession)
        .join(UserSession, (UserSession.shop_id == User.shop_id) & (UserSession.user_id == User.id))
        .where(UserSession.token_hash == hash_of(token))
    ).one_or_none()
    if found is None or not found.UserSession.is_alive(clock.utc_now()):
        return None
    found.User.session_token = token
    return found.User, found.UserSession


def mark_seen(token: str) -> None:
    """Notes that the session is in use, which keeps it from running out."""
    db.session.execute(
        update(UserSession).where(UserSession.token_hash == hash_of(token)).values(last_seen_at=clock.utc_now())
    )


def end_session(user: User) -> None:
    """Signs out the browser by which this user was loaded."""
    db.session.execute(delete(UserSession).where(UserSession.token_hash == hash_of(user.get_id())))


def list_sessions(user: User) -> list[UserSession]:
    """Where the user is signed in, the latest seen first."""
    found = select(UserSession).where(UserSession.shop_id == user.shop_id, UserSession.user_id == user.id)
    now = clock.utc_now()
    ordered = found.order_by(UserSession.last_seen_at.desc(), UserSession.created_at.desc(), UserSession.token_hash)
    return [session for session in db.session.scalars(ordered) if session.is_alive(now)]


def end_other_session(user: User, token_hash: bytes) -> None:
    """Signs out one of the user's browsers. Once more changes nothing."""
    of_user = (UserSession.shop_id == user.shop_id, UserSession.user_id == user.id)
    db.session.execute(delete(UserSession).where(*of_user, UserSession.token_hash == token_hash))


def end_sessions(user: User) -> None:
    """Signs the user out everywhere."""
    db.session.execute(delete(UserSession).where(UserSession.shop_id == user.shop_id, UserSession.user_id == user.id))


def change_password(user: User, change: PasswordChange, browser: str | None = None) -> None:
    """Ends every session of the user and opens a new one. Raises WrongPassword."""
    if not _is_password(user.password_hash, change.current_password):
        raise WrongPassword("Enter the password you sign in with now")
    set_password(user, change.new_password)
    open_session(user, browser)


def set_password(user: User, password: str) -> None:
    """Whatever let somebody in by the old one ends: sessions, and links that set a new one."""
    db.session.add(user)  # who is signed in is not watched for changes
    user.password_hash = hash_password(password)
    end_sessions(user)
    of_user = (PasswordReset.shop_id == user.shop_id, PasswordReset.user_id == user.id)
    db.session.execute(delete(PasswordReset).where(*of_user))


def _is_password(password_hash: str, password: str) -> bool:
    try:
        return _HASHER.verify(password_hash, password.encode("utf-8", "surrogatepass"))
    except (VerificationError, InvalidHashError):
        return False


@cache
def _nobodys_hash() -> str:
    return hash_password(secrets.token_urlsafe())


def hash_of(token: str) -> bytes:
    """By which a token is kept."""
    return hashlib.sha256(token.encode()).digest()
