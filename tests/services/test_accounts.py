"""Accounts: opening a shop, signing in and out, passwords."""

import hashlib
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from argon2 import PasswordHasher
from flask import Flask
from sqlalchemy import func, select, update

from extensions import db
from models import Shop, User, UserSession
from schemas.account import Credentials, PasswordChange, Registration
from schemas.problems import judge
from services import accounts
from services.capture import capture
from services.refusals import EmailTaken, WrongPassword
from tests.cast import PASSWORD, Person, make_colleague, make_person, registration_values

NEW_PASSWORD = "another long enough one"
SetClock = Callable[[str], None]


def register(app: Flask, **changes: str) -> int:
    """The id of the new user."""
    with app.app_context():
        user = accounts.register(judge(Registration, registration_values(**changes)))
        db.session.commit()
        return user.id


def credentials(email: str = "owner@example.com", password: str = PASSWORD) -> Credentials:
    return judge(Credentials, {"email": email, "password": password})


def signs_in(app: Flask, email: str = "owner@example.com", password: str = PASSWORD) -> int | None:
    """The id of the user whom this lets in."""
    with app.app_context():
        user = accounts.check_credentials(credentials(email, password))
        db.session.commit()
        return user and user.id


def open_session(person: Person) -> str:
    """The token of a new session."""
    with person.app.app_context():
        user = person.user
        accounts.open_session(user)
        db.session.commit()
        return user.get_id()


def who_has(app: Flask, token: str) -> int | None:
    """The id of the user whom the session of this token belongs to."""
    with app.app_context():
        found = accounts.find_session(token)
        return found and found[0].id


def count(app: Flask, model: type[Shop] | type[User] | type[UserSession]) -> int:
    with app.app_context():
        return db.session.scalar(select(func.count()).select_from(model)) or 0


# Opening a shop


def test_registering_opens_a_shop(app: Flask) -> None:
    user_id = register(app, email="Owner@Example.com", shop_name="Café", country="GB", currency="GBP")
    with app.app_context():
        user = db.session.get_one(User, user_id)
        assert (user.email, user.email_normal) == ("Owner@Example.com", "owner@example.com")
        assert (user.shop.name, user.shop.country, user.shop.currency) == ("Café", "GB", "GBP")
        assert user.shop.time_zone == "America/New_York"


def test_two_people_have_two_shops(owner: Person, stranger: Person) -> None:
    assert owner.shop_id != stranger.shop_id


@pytest.mark.parametrize("email", ["owner@example.com", "OWNER@example.COM", " Owner@Example.com "])
def test_an_address_has_one_account_whatever_its_case(app: Flask, owner: Person, email: str) -> None:
    with pytest.raises(EmailTaken) as refused:
        register(app, email=email)
    assert refused.value.field == "email"
    assert refused.value.message == "This e-mail address already has an account. Sign in instead"
    assert (count(app, User), count(app, Shop)) == (1, 1)


@pytest.mark.parametrize(
    ("one", "other"),
    [("jörg@example.com", "JO\u0308RG@example.com"), ("straße@example.com", "STRASSE@example.com")],
)
def test_an_address_has_one_account_however_it_is_spelled(app: Flask, one: str, other: str) -> None:
    user_id = register(app, email=one)
    with pytest.raises(EmailTaken):
        register(app, email=other)
    assert signs_in(app, other) == user_id


def test_a_refused_registration_leaves_the_session_fit_for_more(app: Flask, owner: Person) -> None:
    with app.app_context():
        with pytest.raises(EmailTaken):
            accounts.register(judge(Registration, registration_values()))
        accounts.register(judge(Registration, registration_values(email="other@example.com")))
        db.session.commit()
    assert (count(app, User), count(app, Shop)) == (2, 2)


def test_of_two_registrations_at_the_same_instant_one_wins(app: Flask) -> None:
    ready = threading.Barrier(2)

    def try_to_register(name: str) -> str:
        with app.app_context():
            details = judge(Registration, registration_values(shop_name=name))
            ready.wait(timeout=10)
            try:
                accounts.register(details)
                db.session.commit()
            except EmailTaken:
                return "taken"
            return "registered"

    with ThreadPoolExecutor(2) as pool:
        outcomes = sorted(pool.map(try_to_register, ["One", "Other"]))
    assert outcomes == ["registered", "taken"]
    assert (count(app, User), count(app, Shop)) == (1, 1)
    assert signs_in(app) is not None


# Signing in


@pytest.mark.parametrize("email", ["owner@example.com", "OWNER@Example.com", "  owner@example.com\n"])
def test_the_right_password_signs_in(owner: Person, email: str) -> None:
    assert signs_in(owner.app, email) == owner.user_id


@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("owner@example.com", "wrong horse battery"),
        ("owner@example.com", PASSWORD.upper()),
        ("owner@example.com", PASSWORD + " "),
        ("owner@example.com", " " + PASSWORD),
        ("owner@example.com", PASSWORD + "\0"),
        ("owner@example.com", PASSWORD[:-1]),
        ("owner@example.com", "\ud800"),
        ("owner@example.com", "x" * 64_000),
        ("nobody@example.com", PASSWORD),
        ("owner", PASSWORD),
        ("owner+1@example.com", PASSWORD),
        ("o.wner@example.com", PASSWORD),
        ("' OR 1=1 --", PASSWORD),
        ("%", PASSWORD),
        ("x" * 10_000, PASSWORD),
        ("owner@example.com\0", PASSWORD),
        ("owner\ud800@example.com", PASSWORD),
        ("\ufffd", PASSWORD),
    ],
    ids=ascii,
)
def test_anything_else_does_not(owner: Person, email: str, password: str) -> None:
    assert signs_in(owner.app, email, password) is None


@pytest.mark.parametrize(
    "password",
    ["pässwörd", "👩🦊🌲🚲🎈👑⚡🍋", "long enough " + "x" * 116, "cafe\u0301 olé olé", " a b c d e ", "\t \n tabs"],
)
def test_every_password_that_is_accepted_signs_in(app: Flask, password: str) -> None:
    user_id = register(app, password=password)
    assert signs_in(app, password=password) == user_id


def test_a_password_is_not_kept(owner: Person) -> None:
    with owner.app.app_context():
        assert owner.user.password_hash.startswith("$argon2id$")
        assert PASSWORD not in owner.user.password_hash


def test_the_same_password_twice_has_two_hashes(app: Flask) -> None:
    ids = register(app), register(app, email="other@example.com")
    with app.app_context():
        hashes = [db.session.get_one(User, user_id).password_hash for user_id in ids]
        assert hashes[0] != hashes[1]


def set_hash(person: Person, password_hash: str) -> None:
    with person.app.app_context():
        person.user.password_hash = password_hash
        db.session.commit()


def hash_of(person: Person) -> str:
    with person.app.app_context():
        return person.user.password_hash


def test_signing_in_renews_a_hash_of_weaker_make(owner: Person) -> None:
    strong = hash_of(owner)
    weak = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    set_hash(owner, weak)
    assert signs_in(owner.app) == owner.user_id
    assert hash_of(owner) != weak
    assert hash_of(owner).split("$")[:4] == strong.split("$")[:4]
    assert signs_in(owner.app) == owner.user_id


def test_a_wrong_password_does_not_renew_a_hash(owner: Person) -> None:
    weak = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    set_hash(owner, weak)
    assert signs_in(owner.app, password="wrong") is None
    assert hash_of(owner) == weak


def test_a_hash_of_the_right_make_stays(owner: Person) -> None:
    before = hash_of(owner)
    signs_in(owner.app)
    assert hash_of(owner) == before


@pytest.mark.parametrize("broken", ["", "-", "$2b$12$" + "x" * 53, PASSWORD])
def test_no_password_fits_a_hash_that_is_none(owner: Person, broken: str) -> None:
    set_hash(owner, broken)
    assert signs_in(owner.app) is None


# Sessions


def test_no_session_begins_with_a_password_that_was_just_changed(owner: Person) -> None:
    with owner.app.app_context():
        user = accounts.check_credentials(judge(Credentials, {"email": owner.email, "password": PASSWORD}))
        assert user is not None
        # Another browser changes it between the check and the session.
        with db.engine.connect() as other:
            db.session.commit()
            other.execute(update(User).values(password_hash="another"))
            other.commit()
        with pytest.raises(WrongPassword):
            accounts.open_session(user)


@pytest.mark.parametrize("migrated_app", ["postgresql"], indirect=True)
def test_nobody_waits_to_sign_in_while_they_record(owner: Person) -> None:
    """As an import does, which may take minutes. SQLite has one writer."""
    with owner.app.app_context():
        capture(owner.details(), shop=owner.user.shop, by=owner.user, source="web", key="1")
        assert who_has(owner.app, open_session(owner)) == owner.user_id


def test_a_session_belongs_to_its_user(owner: Person, stranger: Person) -> None:
    assert who_has(owner.app, open_session(owner)) == owner.user_id
    assert who_has(owner.app, open_session(stranger)) == stranger.user_id


def test_the_token_of_a_session_is_not_kept(owner: Person) -> None:
    token = open_session(owner)
    with owner.app.app_context():
        [session] = db.session.scalars(select(UserSession))
    assert session.token_hash == hashlib.sha256(token.encode()).digest()
    assert len(token) >= 43  # 256 bits


@pytest.mark.parametrize("token", ["", "x", "x" * 43, "\0", "é", "1", "None"])
def test_a_token_that_was_never_given_opens_nothing(owner: Person, token: str) -> None:
    open_session(owner)
    assert who_has(owner.app, token) is None


def test_a_user_without_a_session_has_no_cookie(owner: Person) -> None:
    with owner.app.app_context(), pytest.raises(ValueError, match="not loaded by a session"):
        owner.user.get_id()


@pytest.mark.parametrize(
    ("later", "is_alive"),
    [
        ("2026-11-21T12:00:00", True),
        ("2026-11-21T23:59:59", True),
        ("2026-11-22T00:00:00", False),
        ("2026-12-31T00:00:00", False),
    ],
)
def test_a_session_ends_when_it_is_idle_for_twelve_hours(
    owner: Person, at: SetClock, later: str, is_alive: bool
) -> None:
    at("2026-11-21T12:00:00")
    token = open_session(owner)
    at(later)
    assert (who_has(owner.app, token) == owner.user_id) is is_alive


def use(app: Flask, token: str) -> None:
    with app.app_context():
        accounts.mark_seen(token)
        db.session.commit()


def test_a_session_in_use_goes_on(owner: Person, at: SetClock) -> None:
    at("2026-11-21T12:00:00")
    token, other = open_session(owner), open_session(owner)
    at("2026-11-21T23:00:00")
    use(owner.app, token)
    at("2026-11-22T10:59:59")
    assert who_has(owner.app, token) == owner.user_id
    assert who_has(owner.app, other) is None
    at("2026-11-22T11:00:00")
    assert who_has(owner.app, token) is None


def test_a_session_in_use_ends_after_thirty_days(owner: Person, at: SetClock) -> None:
    began = datetime(2026, 11, 1, 12)
    at(began.isoformat())
    token = open_session(owner)
    for hours in range(0, 30 * 24, 11):
        at((began + timedelta(hours=hours)).isoformat())
        assert who_has(owner.app, token) == owner.user_id
        use(owner.app, token)
    at("2026-12-01T11:59:59")
    assert who_has(owner.app, token) == owner.user_id
    use(owner.app, token)
    at("2026-12-01T12:00:00")
    assert who_has(owner.app, token) is None


def test_signing_out_ends_this_session_and_no_other(owner: Person) -> None:
    here, there = open_session(owner), open_session(owner)
    with owner.app.app_context():
        found = accounts.find_session(here)
        assert found is not None
        accounts.end_session(found[0])
        db.session.commit()
    assert who_has(owner.app, here) is None
    assert who_has(owner.app, there) == owner.user_id


# Changing a password


def change_password(person: Person, token: str, current: str, new: str) -> str:
    """The token of the session that goes on."""
    with person.app.app_context():
        found = accounts.find_session(token)
        assert found is not None
        accounts.change_password(found[0], judge(PasswordChange, {"current_password": current, "new_password": new}))
        db.session.commit()
        return found[0].get_id()


def test_a_new_password_signs_in_and_the_old_one_does_not(owner: Person) -> None:
    change_password(owner, open_session(owner), PASSWORD, NEW_PASSWORD)
    assert signs_in(owner.app, password=NEW_PASSWORD) == owner.user_id
    assert signs_in(owner.app, password=PASSWORD) is None


def test_a_new_password_ends_every_session_but_this_one(owner: Person, stranger: Person) -> None:
    here, there, theirs = open_session(owner), open_session(owner), open_session(stranger)
    colleague = make_colleague(owner)
    of_colleague = open_session(colleague)
    now = change_password(owner, here, PASSWORD, NEW_PASSWORD)
    assert now != here
    assert who_has(owner.app, now) == owner.user_id
    assert who_has(owner.app, here) is None
    assert who_has(owner.app, there) is None
    assert who_has(owner.app, theirs) == stranger.user_id
    assert who_has(owner.app, of_colleague) == colleague.user_id


def test_a_wrong_current_password_changes_nothing(owner: Person) -> None:
    here, there = open_session(owner), open_session(owner)
    with pytest.raises(WrongPassword) as refused:
        change_password(owner, here, "wrong", NEW_PASSWORD)
    assert refused.value.field == "current_password"
    assert refused.value.message == "Enter the password you sign in with now"
    assert signs_in(owner.app) == owner.user_id
    assert signs_in(owner.app, password=NEW_PASSWORD) is None
    assert who_has(owner.app, here) == who_has(owner.app, there) == owner.user_id


def test_sessions_of_one_shop_are_of_its_users_only(app: Flask) -> None:
    one, other = make_person(app, "one@example.com"), make_person(app, "other@example.com")
    tokens = {person.user_id: open_session(person) for person in (one, other)}
    assert {user: who_has(app, token) for user, token in tokens.items()} == {user: user for user in tokens}
    assert count(app, UserSession) == 2
