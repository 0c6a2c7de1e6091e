"""API tokens: made, found, revoked; told from noise without asking the database."""

import hashlib
import hmac
import re
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event, select

from extensions import db
from models import ApiToken
from models.columns import new_id
from schemas.problems import judge
from schemas.token import TokenDetails
from services import tokens
from tests.cast import Person, make_colleague

BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
SetClock = Callable[[str], None]


def make(person: Person, **changes: Any) -> tuple[UUID, str]:
    """The id and the text of a new token."""
    values = {"name": "Till 7", "scopes": ApiToken.SCOPES} | changes
    with person.app.app_context():
        token, text = tokens.make(judge(TokenDetails, values), user=person.user)
        db.session.commit()
        return token.id, text


def found(app: Flask, text: str) -> UUID | None:
    """The id of the token that this text opens the door with."""
    with app.app_context():
        token = tokens.find(text)
        return token and token.id


def revoke(person: Person, id: UUID) -> None:
    with person.app.app_context():
        token = tokens.get(person.shop_id, id)
        assert token is not None
        tokens.revoke(token)
        db.session.commit()


def row(person: Person, id: UUID) -> ApiToken:
    with person.app.app_context():
        return db.session.get_one(ApiToken, (person.shop_id, id))


@contextmanager
def statements(app: Flask) -> Iterator[list[str]]:
    """What the database is asked meanwhile."""
    asked: list[str] = []

    def note(_: object, __: object, statement: str, *___: object) -> None:
        if not statement.startswith("BEGIN"):
            asked.append(statement)

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    yield asked
    event.remove(engine, "before_cursor_execute", note)


def number_of(text: str) -> int:
    number = 0
    for digit in text:
        number = number * 62 + BASE62.index(digit)
    return number


def forged(secret: str) -> str:
    """A text whose checksum is right."""
    checksum, digits = zlib.crc32(f"till_{secret}".encode()), ""
    for _ in range(6):
        checksum, digit = divmod(checksum, 62)
        digits = BASE62[digit] + digits
    return f"till_{secret}{digits}"


# Made


def test_the_text_of_a_token_can_be_told_from_noise(owner: Person) -> None:
    _, text = make(owner)
    assert re.fullmatch(r"till_[0-9A-Za-z]{49}", text)
    assert number_of(text[5:48]) < 2**256
    assert number_of(text[48:]) == zlib.crc32(text[:48].encode())
    assert forged(text[5:48]) == text


def test_no_two_tokens_are_alike(owner: Person) -> None:
    texts = [make(owner)[1] for _ in range(20)]
    assert len({text[5:48] for text in texts}) == 20
    # 256 bits of chance: somewhere among twenty of them each half takes many values.
    assert len({text[5:8] for text in texts}) > 10
    assert len({text[40:48] for text in texts}) == 20
    assert max(number_of(text[5:48]).bit_length() for text in texts) > 250


def test_a_token_is_stored_as_its_hash_and_its_end(owner: Person) -> None:
    token_id, text = make(owner, name="  Till   7 ", scopes=["reports:read", "purchases:write"])
    token = row(owner, token_id)
    assert token.token_hash == hashlib.sha256(text.encode()).digest()
    assert token.last_four == text[-4:]
    assert (token.name, token.scopes) == ("Till 7", ["purchases:write", "reports:read"])
    assert (token.user_id, token.shop_id) == (owner.user_id, owner.shop_id)
    assert (token.last_used_at, token.expires_at, token.revoked_at) == (None, None, None)


def test_a_token_that_expires_does_so_after_whole_days(owner: Person, at: SetClock) -> None:
    at("2026-11-21T12:00:01")
    token = row(owner, make(owner, expires_in_days="30")[0])
    assert token.created_at == datetime(2026, 11, 21, 12, 0, 1, tzinfo=UTC)
    assert token.expires_at == datetime(2026, 12, 21, 12, 0, 1, tzinfo=UTC)


def test_what_is_not_committed_is_no_token(owner: Person) -> None:
    with owner.app.app_context():
        _, text = tokens.make(judge(TokenDetails, {"name": "x", "scopes": ApiToken.SCOPES}), user=owner.user)
        assert tokens.find(text) is not None
        db.session.rollback()
    assert found(owner.app, text) is None


# Found


def test_a_token_is_found_with_its_user_and_shop_by_one_question(owner: Person, stranger: Person) -> None:
    make(stranger)
    token_id, text = make(owner)
    with statements(owner.app) as asked, owner.app.app_context():
        token = tokens.find(text)
        assert token is not None
        assert token.id == token_id
        assert token.user.email == owner.email
        assert token.user.shop.currency == "USD"
        assert token.author == (owner.user_id, token_id)
    assert len(asked) == 1


def test_each_token_is_the_user_s_who_made_it(owner: Person, stranger: Person) -> None:
    colleague = make_colleague(owner)
    for person in (owner, stranger, colleague):
        _, text = make(person)
        with owner.app.app_context():
            token = tokens.find(text)
            assert token is not None
            assert (token.user.id, token.user.shop.id) == (person.user_id, person.shop_id)


WRONG_FORMS: list[Callable[[str], str]] = [
    lambda text: "",
    lambda text: "till_",
    lambda text: text[:-1],
    lambda text: text[1:],
    lambda text: text + "0",
    lambda text: " " + text,
    lambda text: text + "\n",
    lambda text: text + "\0",
    lambda text: text.replace("till_", "TILL_"),
    lambda text: text.replace("till_", "ghp_"),
    lambda text: text.replace("till_", "till-"),
    lambda text: text.swapcase(),
    lambda text: text[:20] + chr(ord(text[20]) ^ 1) + text[21:],
    lambda text: text[:-1] + ("0" if text[-1] != "0" else "1"),
    lambda text: text[:5] + text[5:48][::-1] + text[48:],
    lambda text: text[:48] + "000000",
    lambda text: text[:48] + "zzzzzz",
    lambda text: text[:20] + "é" + text[21:],
    lambda text: text[:20] + "１" + text[21:],
    lambda text: text[:20] + "%" + text[21:],
    lambda text: text[:20] + "\ud800" + text[21:],
    lambda text: text + "\ud800" + "0" * 6,
    lambda text: forged(text[5:]),
    lambda text: forged(text[5:47]),
    lambda text: "till_" + "0" * 49,
    lambda text: text * 2,
    lambda text: "till_" + "x" * 64_000,
    lambda text: "' OR 1=1 --",
    lambda text: hashlib.sha256(text.encode()).hexdigest(),
]


@pytest.mark.parametrize("address", ["{}", "/api/v1/purchases/{}", "/?q={}&x", "%3D{}", "x{}", "till_{}"])
def test_a_token_is_noticed_in_an_address(owner: Person, address: str) -> None:
    _, text = make(owner)
    encoded = "".join(f"%{ord(letter):02x}" for letter in text)
    for spelling in (text, text.replace("t", "%74"), encoded):
        assert tokens.holds_token(address.format(spelling))
    for noise in (text[:-1], text.lower(), text.replace("_", "%255F"), text[:20] + "%" + text[20:]):
        assert not tokens.holds_token(address.format(noise))


@pytest.mark.parametrize("wrong", WRONG_FORMS)
def test_what_is_no_token_is_refused_without_a_question(owner: Person, wrong: Callable[[str], str]) -> None:
    _, text = make(owner)
    with statements(owner.app) as asked:
        assert found(owner.app, wrong(text)) is None
    assert asked == []


@given(st.text(alphabet="till_0Az", max_size=60) | st.text(st.characters()))
def test_noise_is_refused(text: str) -> None:
    assert tokens.find(text) is None  # there is no database here to ask


@pytest.mark.parametrize("secret", ["0" * 43, "z" * 43, "x" * 43])
def test_a_forged_checksum_opens_nothing(owner: Person, secret: str) -> None:
    make(owner)
    assert found(owner.app, forged(secret)) is None


def test_what_was_found_is_compared_in_constant_time(owner: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    _, text = make(owner)
    compared: list[tuple[bytes, bytes]] = []

    def note(one: bytes, other: bytes) -> bool:
        compared.append((one, other))
        return False

    monkeypatch.setattr(hmac, "compare_digest", note)
    assert found(owner.app, text) is None
    assert compared == [(hashlib.sha256(text.encode()).digest(),) * 2]


def test_a_revoked_token_opens_nothing(owner: Person) -> None:
    (token_id, text), (other, other_text) = make(owner), make(owner)
    revoke(owner, token_id)
    assert found(owner.app, text) is None
    assert found(owner.app, other_text) == other


@pytest.mark.parametrize(
    ("later", "is_alive"),
    [
        ("2026-11-21T12:00:00", True),
        ("2026-11-22T11:59:59.999999", True),
        ("2026-11-22T12:00:00", False),
        ("2036-01-01T00:00:00", False),
    ],
)
def test_a_token_opens_nothing_from_when_it_expires(owner: Person, at: SetClock, later: str, is_alive: bool) -> None:
    at("2026-11-21T12:00:00")
    token_id, text = make(owner, expires_in_days=1)
    unlimited, unlimited_text = make(owner)
    at(later)
    assert found(owner.app, text) == (token_id if is_alive else None)
    assert found(owner.app, unlimited_text) == unlimited


# Used


def test_a_use_is_noted_at_most_every_five_minutes(owner: Person, at: SetClock) -> None:
    at("2026-11-21T12:00:00")
    token_id, text = make(owner)
    for later, is_due in [
        ("12:00:01", True),
        ("12:00:02", False),
        ("12:05:00.999999", False),
        ("12:05:01", True),
        ("12:05:02", False),
    ]:
        at(f"2026-11-21T{later}")
        with owner.app.app_context():
            token = tokens.find(text)
            assert token is not None
            assert tokens.needs_mark(token) is is_due, later
            if is_due:
                tokens.mark_used(token)
                assert not tokens.needs_mark(token)
                db.session.commit()
    assert row(owner, token_id).last_used_at == datetime(2026, 11, 21, 12, 5, 1, tzinfo=UTC)


def test_a_use_is_noted_by_one_statement_and_of_one_token(owner: Person, stranger: Person) -> None:
    (token_id, text), (other, _), (theirs, _) = make(owner), make(owner), make(stranger)
    with owner.app.app_context():
        token = tokens.find(text)
        assert token is not None
        with statements(owner.app) as asked:
            tokens.mark_used(token)
        assert [statement.split()[:2] for statement in asked] == [["UPDATE", "api_tokens"]]
        db.session.commit()
    assert row(owner, token_id).last_used_at is not None
    assert row(owner, other).last_used_at is row(stranger, theirs).last_used_at is None


def test_asking_whether_a_use_is_to_be_noted_asks_no_database(owner: Person) -> None:
    _, text = make(owner)
    with owner.app.app_context():
        token = tokens.find(text)
        assert token is not None
        with statements(owner.app) as asked:
            assert tokens.needs_mark(token)
    assert asked == []


# Listed and revoked


def test_tokens_are_listed_the_newest_first_with_who_made_them(owner: Person, stranger: Person, at: SetClock) -> None:
    make(stranger, name="theirs")
    colleague = make_colleague(owner)
    at("2026-11-21T12:00:00")
    first, second = make(owner, name="first")[0], make(colleague, name="second")[0]
    at("2026-11-21T11:00:00")
    earlier = make(owner, name="earlier", expires_in_days=1)[0]
    revoke(owner, first)
    at("2027-01-01T12:00:00")
    with owner.app.app_context(), statements(owner.app) as asked:
        listed = [(token.id, token.user.email) for token in tokens.list_tokens(owner.shop_id)]
    assert listed == [(second, colleague.email), (first, owner.email), (earlier, owner.email)]
    assert len(asked) == 1


def test_a_foreign_token_is_as_missing_as_one_that_never_was(owner: Person, stranger: Person) -> None:
    token_id, _ = make(owner)
    with owner.app.app_context():
        assert tokens.get(owner.shop_id, token_id) is not None
        assert tokens.get(stranger.shop_id, token_id) is None
        assert tokens.get(owner.shop_id, new_id()) is None


def test_revoking_again_changes_nothing(owner: Person, at: SetClock) -> None:
    token_id, _ = make(owner)
    for later in ("2026-11-21T12:00:00", "2026-11-21T13:00:00"):
        at(later)
        revoke(owner, token_id)
    assert row(owner, token_id).revoked_at == datetime(2026, 11, 21, 12, tzinfo=UTC)


def test_the_text_of_a_token_is_nowhere_in_the_database(owner: Person) -> None:
    _, text = make(owner)
    with owner.app.app_context():
        everything = [db.session.execute(select(table)).all() for table in db.metadata.sorted_tables]
    assert "Till 7" in str(everything)
    assert text[5:48] not in str(everything)
