"""The database has the last word: what no service would write is refused by a named constraint."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import CheckConstraint, ForeignKeyConstraint, PrimaryKeyConstraint, UniqueConstraint, inspect, select
from sqlalchemy.exc import DBAPIError, IntegrityError

from extensions import db
from models import Action, ApiToken, Change, Customer, Identity, Import, Purchase, Shop, User, UserSession
from models.columns import new_id
from models.dialect import violated_constraint
from tests.cast import Person

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
SOME_ID = UUID("01890a5d-ac96-774b-bcce-b302099a8057")
Row = dict[str, Any]


@dataclass
class World:
    """An owner and a stranger, each with a customer who bought something and an action taken back by a token."""

    owner: Person
    stranger: Person
    mine: Purchase
    theirs: Purchase
    my_undo: Action
    their_undo: Action

    def good(self, table: str) -> Row:
        """A row of the owner's shop that fits."""
        shop, user = self.owner.shop_id, self.owner.user_id
        rows: dict[str, Row] = {
            "shops": {"name": "Shop", "currency": "USD", "country": "US", "time_zone": "UTC", "created_at": NOON},
            "users": {
                "shop_id": shop,
                "email": "new@example.com",
                "email_normal": "new@example.com",
                "password_hash": "x",
                "created_at": NOON,
            },
            "user_sessions": {
                "token_hash": b"x" * 32,
                "shop_id": shop,
                "user_id": user,
                "created_at": NOON,
                "last_seen_at": NOON,
            },
            "password_resets": {"token_hash": b"x" * 32, "shop_id": shop, "user_id": user, "created_at": NOON},
            "tries": {"id": SOME_ID, "subject": b"x" * 32, "at": NOON},
            "customers": {
                "shop_id": shop,
                "id": new_id(),
                "name": "Sue",
                "name_normal": "sue",
                "created_at": NOON,
                "updated_at": NOON,
                "version": 1,
            },
            "identities": {"shop_id": shop, "kind": "phone", "value": "+1", "customer_id": self.mine.customer_id},
            "customer_words": {"shop_id": shop, "word": "sue", "customer_id": self.mine.customer_id},
            "purchases": {
                "shop_id": shop,
                "id": new_id(),
                "customer_id": self.mine.customer_id,
                "item": "a book",
                "item_normal": "a book",
                "quantity": 1,
                "amount_minor": 1550,
                "currency": "USD",
                "purchased_on": date(2026, 11, 21),
                "external_id": "2",
                "buyer": {},
                "matched_on": "name",
                "capture_key": "new",
                "content_hash": b"x" * 32,
                "source": "web",
                "recorded_at": NOON,
                "recorded_by_id": user,
            },
            "changes": {
                "shop_id": shop,
                "id": new_id(),
                "customer_id": self.mine.customer_id,
                "by_purchase_id": self.mine.id,
                "user_id": user,
                "at": NOON,
                "field": "name",
                "before": "Tim",
                "after": "Tom",
            },
            "api_tokens": {
                "shop_id": shop,
                "id": new_id(),
                "user_id": user,
                "name": "Till 7",
                "scopes": [],
                "token_hash": b"x" * 32,
                "last_four": "abcd",
                "created_at": NOON,
            },
            "actions": {"shop_id": shop, "id": new_id(), "kind": "edit", "user_id": user, "at": NOON},
            "imports": {
                "shop_id": shop,
                "id": new_id(),
                "user_id": user,
                "uploaded_at": NOON,
                "file_name": "purchases.csv",
                "sha256": "0" * 64,
                "content": b"name,item",
                "size": 9,
            },
        }
        return rows[table]


@pytest.fixture
def world(app: Flask) -> World:
    owner, stranger = (without_password(app, email) for email in ("owner@example.com", "stranger@example.com"))
    mine = owner.capture(customer="Tim <tim@example.com>", external_id="1", key="first").purchase
    theirs = stranger.capture(customer="Tim <tim@example.com>", external_id="1", key="first").purchase
    return World(owner, stranger, mine, theirs, undo(owner, mine), undo(stranger, theirs))


def hash_of(person: Person) -> bytes:
    """Of the person's token."""
    return person.email.encode().ljust(32)


def undo(person: Person, purchase: Purchase) -> Action:
    """Takes an action back by a token, and what a capture changed."""
    own = {"shop_id": person.shop_id, "user_id": person.user_id}
    token = ApiToken(**own, id=new_id(), name="Till", scopes=[], token_hash=hash_of(person), last_four="abcd")
    edit = Action(**own, id=new_id(), kind="edit")
    taken_back = Action(**own, id=new_id(), kind="undo", undoes_id=edit.id, token_id=token.id)
    forgotten = Action(**own, id=new_id(), kind="undo", undoes_purchase_id=purchase.id)
    with person.app.app_context():
        for row in (token, edit, taken_back, forgotten):
            db.session.add(row)
            db.session.flush()
        db.session.commit()
    return taken_back


def without_password(app: Flask, email: str) -> Person:
    """Made in no time, which matters for two in each of so many tests."""
    with app.app_context():
        shop = Shop(name="Shop", currency="USD", country="US", time_zone="UTC")
        user = User(shop=shop, email=email, email_normal=email, password_hash="-")
        db.session.add(user)
        db.session.commit()
        return Person(app, email, user.id, shop.id)


def insert(app: Flask, table: str, row: Row) -> None:
    with app.app_context():
        db.session.execute(db.metadata.tables[table].insert().values(row))


def refusal(app: Flask, table: str, row: Row) -> IntegrityError:
    with pytest.raises(IntegrityError) as refused:
        insert(app, table, row)
    return refused.value


def names(kind: type) -> set[str]:
    """Of all constraints of a kind that the models have."""
    tables = db.metadata.tables.values()
    return {str(found.name) for table in tables for found in table.constraints if type(found) is kind}


@pytest.mark.parametrize("table", list(db.metadata.tables))
def test_a_row_that_fits_is_taken(app: Flask, world: World, table: str) -> None:
    """Or else what follows would be refused for another reason."""
    insert(app, table, world.good(table))


BAD_ROWS: list[tuple[str, Row]] = [
    ("ck_shops_name_length", {"name": ""}),
    ("ck_shops_currency_code", {"currency": "US"}),
    ("ck_shops_currency_code", {"currency": ""}),
    ("ck_shops_country_code", {"country": "U"}),
    ("ck_users_email_length", {"email": "a@"}),
    ("ck_customers_known_by_something", {"name": None, "name_normal": ""}),
    ("ck_customers_name_and_normal_form", {"name_normal": ""}),
    ("ck_customers_name_and_normal_form", {"name": None, "email": "sue@example.com"}),
    ("ck_customers_name_length", {"name": ""}),
    ("ck_customers_merged_into_another", {"id": SOME_ID, "merged_into_id": SOME_ID}),
    ("ck_customers_note_length", {"note": ""}),
    ("ck_customers_note_length", {"note": "x" * (Customer.NOTE_MAX + 1)}),
    ("ck_identities_kind", {"kind": "fax"}),
    ("ck_identities_kind", {"kind": "Name"}),
    ("ck_identities_value_not_empty", {"value": ""}),
    ("ck_purchases_item_length", {"item": ""}),
    ("ck_purchases_quantity_range", {"quantity": 0}),
    ("ck_purchases_quantity_range", {"quantity": -1}),
    ("ck_purchases_quantity_range", {"quantity": Purchase.QUANTITY_MAX + 1}),
    ("ck_purchases_amount_range", {"amount_minor": -1}),
    ("ck_purchases_amount_range", {"amount_minor": Purchase.AMOUNT_MAX + 1}),
    ("ck_purchases_amount_and_currency", {"amount_minor": None}),
    ("ck_purchases_amount_and_currency", {"currency": None}),
    ("ck_purchases_currency_code", {"currency": "US"}),
    ("ck_purchases_purchased_on_range", {"purchased_on": date(1899, 12, 31)}),
    ("ck_purchases_note_length", {"note": ""}),
    ("ck_purchases_note_length", {"note": "x" * 2001}),
    ("ck_purchases_source", {"source": "fax"}),
    ("ck_purchases_matched_on", {"matched_on": "fax"}),
    ("ck_purchases_voided_by_somebody", {"voided_at": NOON}),
    ("ck_purchases_voided_by_somebody", {"voided_by_id": 1}),
    ("ck_purchases_reason_to_void", {"void_reason": "x"}),
    ("ck_purchases_void_reason_length", {"voided_at": NOON, "voided_by_id": 1, "void_reason": ""}),
    (
        "ck_purchases_void_reason_length",
        {"voided_at": NOON, "voided_by_id": 1, "void_reason": "x" * (Purchase.REASON_MAX + 1)},
    ),
    ("ck_changes_by_purchase_or_action", {"action_id": SOME_ID}),
    ("ck_changes_customer_or_purchase", {"customer_id": None}),
    ("ck_changes_differs", {"after": "Tim"}),
    ("ck_changes_differs", {"before": None, "after": None}),
    ("ck_changes_differs", {"before": "", "after": None}),
    ("ck_api_tokens_name_length", {"name": ""}),
    ("ck_api_tokens_last_four_length", {"last_four": "abc"}),
    ("ck_actions_kind", {"kind": "fax"}),
    ("ck_actions_kind", {"kind": "Edit"}),
    ("ck_actions_undo_of_something", {"kind": "undo"}),
    ("ck_actions_undo_of_something", {"kind": "edit", "undoes_id": SOME_ID}),
    ("ck_actions_undo_of_something", {"kind": "edit", "undoes_purchase_id": SOME_ID}),
    ("ck_imports_status", {"status": "lost"}),
    ("ck_imports_file_name_length", {"file_name": ""}),
    ("ck_imports_recorded_by_action", {"status": "recorded"}),
    ("ck_actions_undo_of_one_thing", {"kind": "undo", "undoes_id": SOME_ID, "undoes_purchase_id": SOME_ID}),
]


def table_of(constraint: str) -> str:
    return next(name for name in db.metadata.tables if constraint.startswith((f"ck_{name}_", f"fk_{name}_")))


@pytest.mark.parametrize(("constraint", "changes"), BAD_ROWS)
def test_a_bad_row_is_refused(app: Flask, world: World, constraint: str, changes: Row) -> None:
    table = table_of(constraint)
    refused = refusal(app, table, world.good(table) | changes)
    assert violated_constraint(refused) == constraint


def test_a_change_is_of_a_customer_or_of_a_purchase(app: Flask, world: World) -> None:
    refused = refusal(app, "changes", world.good("changes") | {"purchase_id": world.mine.id})
    assert violated_constraint(refused) == "ck_changes_customer_or_purchase"


@pytest.mark.parametrize(
    ("table", "changes"),
    [
        ("purchases", {"quantity": Purchase.QUANTITY_MAX, "amount_minor": Purchase.AMOUNT_MAX, "note": "x" * 2000}),
        ("purchases", {"amount_minor": 0, "purchased_on": Purchase.EARLIEST, "item": "x" * Purchase.ITEM_MAX}),
        ("purchases", {"amount_minor": None, "currency": None, "note": None, "external_id": None, "matched_on": None}),
        *(("purchases", {"source": source}) for source in Purchase.SOURCES),
        *(("purchases", {"matched_on": match}) for match in Purchase.MATCHES),
        *(("identities", {"kind": kind}) for kind in (*Identity.STRONG, "name")),
        ("customers", {"name": None, "name_normal": "", "reference": "1"}),
        ("customers", {"note": "x" * Customer.NOTE_MAX}),
        ("changes", {"before": None}),
        ("changes", {"after": None}),
        ("changes", {"by_purchase_id": None}),
        ("api_tokens", {"name": "x" * ApiToken.NAME_MAX}),
        *(("actions", {"kind": kind}) for kind in ("edit", "void", "restore", "merge", "split", "import")),
        *(("imports", {"status": status}) for status in Import.STATUSES if status != "recorded"),
    ],
)
def test_the_edge_of_what_is_good_is_taken(app: Flask, world: World, table: str, changes: Row) -> None:
    insert(app, table, world.good(table) | changes | ({"value": "x"} if table == "identities" else {}))


@pytest.mark.parametrize(
    ("table", "changes"),
    [
        ("customers", lambda world: {"merged_into_id": world.mine.customer_id}),
        ("purchases", lambda world: {"token_id": world.my_undo.token_id}),
        ("purchases", lambda world: {"voided_at": NOON, "voided_by_id": world.owner.user_id}),
        ("purchases", lambda world: {"voided_at": NOON, "voided_by_id": world.owner.user_id, "void_reason": "x" * 500}),
        ("changes", lambda world: {"by_purchase_id": None, "action_id": world.my_undo.id}),
        ("changes", lambda world: {"token_id": world.my_undo.token_id}),
        ("actions", lambda world: {"kind": "undo", "undoes_id": world.my_undo.id}),
        ("actions", lambda world: {"token_id": world.my_undo.token_id}),
        ("imports", lambda world: {"status": "recorded", "action_id": world.my_undo.id}),
    ],
)
def test_a_row_may_point_into_its_own_shop(
    app: Flask, world: World, table: str, changes: Callable[[World], Row]
) -> None:
    insert(app, table, world.good(table) | changes(world))


@pytest.mark.parametrize(
    ("table", "column", "most"),
    [
        ("shops", "name", 200),
        ("shops", "country", 2),
        ("shops", "currency", 3),
        ("users", "email", User.EMAIL_MAX),
        ("customers", "name", Customer.NAME_MAX),
        ("purchases", "item", Purchase.ITEM_MAX),
        ("purchases", "currency", 3),
        ("api_tokens", "name", ApiToken.NAME_MAX),
        ("api_tokens", "last_four", 4),
        ("imports", "file_name", Import.FILE_NAME_MAX),
    ],
)
def test_text_that_is_too_long_is_refused(app: Flask, world: World, table: str, column: str, most: int) -> None:
    with pytest.raises(DBAPIError):  # by the type on PostgreSQL, which has the check as well
        insert(app, table, world.good(table) | {column: "x" * (most + 1)})


def test_every_check_has_a_bad_row() -> None:
    assert names(CheckConstraint) == {constraint for constraint, _ in BAD_ROWS}


def test_the_migrations_made_every_check(app: Flask) -> None:
    """Alembic does not compare checks."""
    with app.app_context():
        inspector = inspect(db.engine)
        made = {check["name"] for table in db.metadata.tables for check in inspector.get_check_constraints(table)}
    assert made == names(CheckConstraint)


POINTS_ELSEWHERE: dict[str, Callable[[World], Row]] = {
    "fk_users_shop_id": lambda world: {"shop_id": 0},
    "fk_password_resets_shop_id_user_id": lambda world: {"user_id": world.stranger.user_id},
    "fk_user_sessions_shop_id_user_id": lambda world: {"user_id": world.stranger.user_id},
    "fk_customers_shop_id": lambda world: {"shop_id": 0},
    "fk_customers_shop_id_merged_into_id": lambda world: {"merged_into_id": world.theirs.customer_id},
    "fk_identities_shop_id_customer_id": lambda world: {"customer_id": world.theirs.customer_id},
    "fk_customer_words_shop_id_customer_id": lambda world: {"customer_id": world.theirs.customer_id},
    "fk_purchases_shop_id_customer_id": lambda world: {"customer_id": world.theirs.customer_id},
    "fk_purchases_shop_id_recorded_by_id": lambda world: {"recorded_by_id": world.stranger.user_id},
    "fk_purchases_shop_id_token_id": lambda world: {"token_id": world.their_undo.token_id},
    "fk_purchases_shop_id_voided_by_id": lambda world: {"voided_at": NOON, "voided_by_id": world.stranger.user_id},
    "fk_changes_shop_id_customer_id": lambda world: {"customer_id": world.theirs.customer_id},
    "fk_changes_shop_id_purchase_id": lambda world: {"customer_id": None, "purchase_id": world.theirs.id},
    "fk_changes_shop_id_by_purchase_id": lambda world: {"by_purchase_id": world.theirs.id},
    "fk_changes_shop_id_user_id": lambda world: {"user_id": world.stranger.user_id},
    "fk_changes_shop_id_token_id": lambda world: {"token_id": world.their_undo.token_id},
    "fk_changes_shop_id_action_id": lambda world: {"by_purchase_id": None, "action_id": world.their_undo.id},
    "fk_api_tokens_shop_id_user_id": lambda world: {"user_id": world.stranger.user_id},
    "fk_actions_shop_id_user_id": lambda world: {"user_id": world.stranger.user_id},
    "fk_actions_shop_id_token_id": lambda world: {"token_id": world.their_undo.token_id},
    "fk_actions_shop_id_undoes_id": lambda world: {"kind": "undo", "undoes_id": world.their_undo.id},
    "fk_imports_shop_id_user_id": lambda world: {"user_id": world.stranger.user_id},
    "fk_imports_shop_id_action_id": lambda world: {"status": "recorded", "action_id": world.their_undo.id},
    "fk_actions_shop_id_undoes_purchase_id": lambda world: {"kind": "undo", "undoes_purchase_id": world.theirs.id},
}


@pytest.mark.parametrize("constraint", POINTS_ELSEWHERE)
def test_no_row_points_into_another_shop(app: Flask, world: World, constraint: str) -> None:
    table = table_of(constraint)
    refused = refusal(app, table, world.good(table) | POINTS_ELSEWHERE[constraint](world))
    if violated_constraint(refused) is None:  # SQLite does not name foreign keys
        assert "FOREIGN KEY constraint failed" in str(refused.orig)
    else:
        assert violated_constraint(refused) == constraint


def test_every_foreign_key_has_a_row_that_points_elsewhere() -> None:
    assert names(ForeignKeyConstraint) == set(POINTS_ELSEWHERE)


REPEATS: dict[str, tuple[str, Callable[[World], Row]]] = {
    "pk_shops": ("shops", lambda world: {"id": world.owner.shop_id}),
    "pk_users": ("users", lambda world: {"id": world.owner.user_id}),
    "uq_users_email_normal": ("users", lambda world: {"email_normal": "stranger@example.com"}),
    "pk_customers": ("customers", lambda world: {"id": world.mine.customer_id}),
    "pk_identities": ("identities", lambda world: {"kind": "email", "value": "tim@example.com"}),
    "pk_customer_words": ("customer_words", lambda world: {"word": "tim"}),
    "pk_purchases": ("purchases", lambda world: {"id": world.mine.id}),
    "uq_purchases_shop_id_capture_key": ("purchases", lambda world: {"capture_key": "first"}),
    "uq_purchases_shop_id_external_id": ("purchases", lambda world: {"external_id": "1"}),
    "pk_api_tokens": ("api_tokens", lambda world: {"id": world.my_undo.token_id}),
    "uq_api_tokens_token_hash": ("api_tokens", lambda world: {"token_hash": hash_of(world.stranger)}),
    "pk_actions": ("actions", lambda world: {"id": world.my_undo.id}),
    "uq_actions_shop_id_undoes_id": ("actions", lambda world: {"kind": "undo", "undoes_id": world.my_undo.undoes_id}),
    "uq_actions_shop_id_undoes_purchase_id": (
        "actions",
        lambda world: {"kind": "undo", "undoes_purchase_id": world.mine.id},
    ),
}


@pytest.mark.parametrize("constraint", REPEATS)
def test_what_is_unique_is_not_repeated(app: Flask, world: World, constraint: str) -> None:
    table, changes = REPEATS[constraint]
    assert violated_constraint(refusal(app, table, world.good(table) | changes(world))) == constraint


@pytest.mark.parametrize(
    ("constraint", "table"),
    [
        ("pk_user_sessions", "user_sessions"),
        ("pk_changes", "changes"),
        ("pk_password_resets", "password_resets"),
        ("pk_tries", "tries"),
    ],
)
def test_a_row_is_not_repeated(app: Flask, world: World, constraint: str, table: str) -> None:
    twice = db.metadata.tables[table].insert().values([world.good(table)] * 2)
    with app.app_context(), pytest.raises(IntegrityError) as refused:
        db.session.execute(twice)
    assert violated_constraint(refused.value) == constraint


@pytest.mark.parametrize(
    ("constraint", "changes"), [("pk_imports", {"sha256": "1" * 64}), ("uq_imports_shop_id_sha256", {"id": SOME_ID})]
)
def test_a_file_is_one_import(app: Flask, world: World, constraint: str, changes: Row) -> None:
    row = world.good("imports")
    twice = db.metadata.tables["imports"].insert().values([row, row | changes])
    with app.app_context(), pytest.raises(IntegrityError) as refused:
        db.session.execute(twice)
    assert violated_constraint(refused.value) == constraint


def test_every_unique_constraint_has_a_repeat() -> None:
    by_whole_rows = {"pk_user_sessions", "pk_changes", "pk_password_resets", "pk_tries"}
    tested = {*REPEATS, *by_whole_rows, "pk_imports", "uq_imports_shop_id_sha256"}
    needs_none = {"uq_users_shop_id_id"}  # `id` alone is unique; it is there to be pointed at
    assert names(UniqueConstraint) | names(PrimaryKeyConstraint) == tested | needs_none


def test_two_shops_have_their_own_identities_keys_and_numbers(world: World) -> None:
    assert world.mine.capture_key == world.theirs.capture_key
    assert world.mine.external_id == world.theirs.external_id
    assert world.mine.customer_id != world.theirs.customer_id


def test_two_purchases_may_have_no_number(owner: Person) -> None:
    owner.capture()
    owner.capture()
    assert [purchase.external_id for purchase in owner.purchases()] == [None, None]


def test_a_user_who_is_deleted_is_signed_out(app: Flask, world: World) -> None:
    colleague = world.good("users")
    with app.app_context():
        users, sessions = db.metadata.tables["users"], db.metadata.tables["user_sessions"]
        [user_id] = db.session.execute(users.insert().values(colleague)).inserted_primary_key
        db.session.execute(sessions.insert().values(world.good("user_sessions") | {"user_id": user_id}))
        db.session.execute(users.delete().where(User.id == user_id))
        assert db.session.scalars(select(UserSession)).all() == []


@pytest.mark.parametrize("model", [Customer, Purchase, User, ApiToken, Action])
def test_what_the_history_needs_cannot_be_deleted(app: Flask, world: World, model: Any) -> None:
    world.owner.capture(customer="Timothy <tim@example.com>")
    by_action = {"by_purchase_id": None, "action_id": world.my_undo.undoes_id}
    with app.app_context():
        db.session.execute(db.metadata.tables["changes"].insert().values(world.good("changes") | by_action))
        assert db.session.scalars(select(Change)).all() != []
        with pytest.raises(IntegrityError):
            db.session.execute(model.__table__.delete())
