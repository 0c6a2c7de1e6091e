"""How often something may be tried on an account, and from an address: guessing passwords takes for ever.

Tries are counted in the database, which all workers share, with or without a Redis.
"""

import hashlib
from datetime import timedelta
from ipaddress import IPv6Address, ip_address, ip_network
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Select, delete, select

from extensions import db
from models import Try, clock
from services.refusals import TooManyTries


class Limits(NamedTuple):
    """How many tries each may have within `window`."""

    window: timedelta
    of_address: int
    """By one address, whatever the account: an office shares one."""
    of_account: int
    """On one account, from wherever."""
    of_both: int
    """By one address on one account."""


SIGN_IN = "sign-in"
REGISTER = "register"
RESET = "reset"
LIMITS = {
    SIGN_IN: Limits(timedelta(minutes=15), of_address=100, of_account=50, of_both=5),
    REGISTER: Limits(timedelta(hours=1), of_address=20, of_account=20, of_both=5),
    RESET: Limits(timedelta(hours=1), of_address=20, of_account=5, of_both=3),
}
_OLDEST = max(limits.window for limits in LIMITS.values())
_FORGOTTEN_AT_ONCE = 100


class Attempt(NamedTuple):
    """Something that is tried: under which subjects it counts, and what it counts there once it is counted."""

    what: str
    of_address: bytes
    of_account: bytes
    of_both: bytes
    counted: list[Try]


def begin(what: str, *, account: str, address: str) -> Attempt:
    """`account` is the normal form of an e-mail address, whether anybody has it or not."""
    network = _network(address)
    of_address, of_account = _subject(what, "address", network), _subject(what, "account", account)
    return Attempt(what, of_address, of_account, _subject(what, "both", account, network), [])


def count(attempt: Attempt) -> None:
    """Counts it before it is known how it ends: what is tried at the same instant is counted too.

    For that it has to be committed before `check` is asked again.
    """
    _forget_old()
    subjects = (attempt.of_address, attempt.of_account, attempt.of_both)
    attempt.counted.extend(Try(subject=subject, at=clock.utc_now()) for subject in subjects)
    db.session.add_all(attempt.counted)
    db.session.flush()


def check(attempt: Attempt) -> None:
    """Raises TooManyTries, and counts it no more then: who waits as long as told may try again."""
    limits = LIMITS[attempt.what]
    room = 0 if attempt.counted else 1  # for itself, as long as it is not among them
    of_account, of_both = _wait(attempt.of_account, limits.of_account - room, limits.window), limits.of_both
    if of_account and attempt.what == SIGN_IN:
        # Strangers must not shut out who knows the password: each address still has a try.
        of_account, of_both = 0, 1
    of_address = _wait(attempt.of_address, limits.of_address - room, limits.window)
    if wait := max(of_address, of_account, _wait(attempt.of_both, of_both - room, limits.window)):
        forget(attempt)
        raise TooManyTries(wait)


def forget(attempt: Attempt) -> None:
    """It was none to be held against anybody."""
    if attempt.counted:
        _delete(select(Try.id).where(Try.id.in_([one.id for one in attempt.counted])))


def clear(attempt: Attempt) -> None:
    """Whoever knows the password has not been guessing, on this account."""
    forget(attempt)
    _delete(select(Try.id).where(Try.subject.in_([attempt.of_account, attempt.of_both])))


def _wait(subject: bytes, most: int, window: timedelta) -> int:
    """Seconds until the subject has no more than `most` tries within the window."""
    now = clock.utc_now()
    recent = select(Try.at).where(Try.subject == subject, Try.at > now - window)
    times = db.session.scalars(recent.order_by(Try.at.desc(), Try.id.desc()).limit(most + 1)).all()
    if len(times) <= most:
        return 0
    return max(1, round((times[most] + window - now).total_seconds()))


def _forget_old() -> None:
    _delete(select(Try.id).where(Try.at < clock.utc_now() - _OLDEST).order_by(Try.id).limit(_FORGOTTEN_AT_ONCE))


def _delete(found: Select[UUID]) -> None:
    """But for those that somebody else is deleting: two who wait for each other's would do so for ever."""
    db.session.execute(delete(Try).where(Try.id.in_(found.with_for_update(skip_locked=True))))


def _network(address: str) -> str:
    """What one client has: an IPv4 address, or the /64 of IPv6 in which it can choose any address."""
    try:
        known = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(known, IPv6Address):
        return str(known.ipv4_mapped or ip_network((known, 64), strict=False))
    return str(known)


def _subject(*parts: str) -> bytes:
    return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogatepass")).digest()
