"""Customers are searched by an index of words."""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from uuid import UUID

import phonenumbers
import sqlalchemy as sa
from alembic import context, op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

AT_A_TIME = 1_000
LENGTH_MAX = 64
WORDS_MAX = 20
PLAIN = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ħ": "h", "ŧ": "t", "ı": "i", "æ": "ae", "œ": "oe"}
)
UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\U00020000-\U0003ffff]")
DIGIT_GROUPS = re.compile(r"(?<![\w@-])[0-9+(][0-9+() ./-]*[0-9](?![\w@])")

CUSTOMERS = sa.table("customers", sa.column("shop_id"), sa.column("id", sa.Uuid()), sa.column("name_normal"))
IDENTITIES = sa.table(
    "identities",
    sa.column("shop_id"),
    sa.column("kind"),
    sa.column("value"),
    sa.column("customer_id", sa.Uuid()),
)
CUSTOMER_WORDS = sa.table(
    "customer_words", sa.column("shop_id"), sa.column("word"), sa.column("customer_id", sa.Uuid())
)


def normal_text(length: int) -> sa.String:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "customer_words",
        sa.Column("shop_id", sa.Integer(), nullable=False),
        sa.Column("word", normal_text(LENGTH_MAX), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["shop_id", "customer_id"],
            ["customers.shop_id", "customers.id"],
            name=op.f("fk_customer_words_shop_id_customer_id"),
        ),
        sa.PrimaryKeyConstraint("shop_id", "word", "customer_id", name=op.f("pk_customer_words")),
        sqlite_with_rowid=False,
    )
    if not context.is_offline_mode():
        fill(op.get_bind())
    op.create_index(
        op.f("ix_customer_words_shop_id_customer_id_word"),
        "customer_words",
        ["shop_id", "customer_id", "word"],
        unique=False,
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_customer_words_shop_id_customer_id_word"), table_name="customer_words")
    op.drop_table("customer_words")


def fill(connection: sa.Connection) -> None:
    for shop_id in connection.scalars(sa.select(CUSTOMERS.c.shop_id).distinct()).all():
        last = UUID(int=0)
        while some := customers_after(connection, shop_id, last):
            last = some[-1]
            rows = [
                {"shop_id": shop_id, "word": word, "customer_id": customer_id}
                for customer_id, keys in known_by(connection, shop_id, some).items()
                for word in words_of(keys)
            ]
            if rows:
                connection.execute(sa.insert(CUSTOMER_WORDS), rows)


def customers_after(connection: sa.Connection, shop_id: int, last: UUID) -> Sequence[UUID]:
    found = sa.select(CUSTOMERS.c.id).where(CUSTOMERS.c.shop_id == shop_id, CUSTOMERS.c.id > last)
    return connection.scalars(found.order_by(CUSTOMERS.c.id).limit(AT_A_TIME)).all()


def known_by(connection: sa.Connection, shop_id: int, ids: Sequence[UUID]) -> dict[UUID, list[tuple[str, str]]]:
    names = sa.select(CUSTOMERS.c.id, sa.literal("name"), CUSTOMERS.c.name_normal).where(
        CUSTOMERS.c.shop_id == shop_id, CUSTOMERS.c.id.in_(ids)
    )
    identities = sa.select(IDENTITIES.c.customer_id, IDENTITIES.c.kind, IDENTITIES.c.value).where(
        IDENTITIES.c.shop_id == shop_id, IDENTITIES.c.customer_id.in_(ids)
    )
    keys: dict[UUID, list[tuple[str, str]]] = {customer_id: [] for customer_id in ids}
    for customer_id, kind, value in [*connection.execute(names), *connection.execute(identities)]:
        keys[customer_id].append((kind, value))
    return keys


def fold(text: str) -> str:
    spelled = unicodedata.normalize("NFKD", text.casefold().translate(PLAIN))
    plain = "".join(character for character in spelled if not unicodedata.combining(character))
    return unicodedata.normalize("NFC", plain.casefold())


def words_of(keys: Iterable[tuple[str, str]]) -> set[str]:
    return {
        word[:LENGTH_MAX]
        for kind, value in keys
        for word in islice(dict.fromkeys(WORDS[kind](value)), WORDS_MAX)
        if word
    }


def join_digits(text: str) -> str:
    return DIGIT_GROUPS.sub(lambda groups: re.sub(r"\(0\)|[^0-9]", "", groups[0]), text)


def pieces_of(token: str) -> list[str]:
    spaced = "".join(character if unicodedata.category(character)[0] in "LMN" else " " for character in token)
    return spaced.split() or [token]


def words_of_name(name: str) -> Iterator[str]:
    folded = fold(name)
    for token in (*folded.split(), *join_digits(folded).split()):
        pieces = pieces_of(token)
        yield token
        for piece in pieces:
            yield from (piece[start:] for start in range(len(piece))) if UNSPACED.search(piece) else (piece,)
        yield "".join(pieces)


def words_of_email(email: str) -> Iterator[str]:
    folded = fold(email)
    yield from (folded, *pieces_of(folded))


def words_of_reference(reference: str) -> Iterator[str]:
    folded = fold(reference)
    yield folded
    yield from words_of_name(reference)
    yield "".join(pieces_of(folded))


def words_of_phone(e164: str) -> Iterator[str]:
    number = phonenumbers.parse(e164)
    dialled = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL)
    digits = e164.lstrip("+")
    yield from (digits, "…" + digits[::-1])
    for national in (phonenumbers.national_significant_number(number), re.sub("[^0-9]", "", dialled)):
        yield national.lstrip("0")


WORDS: dict[str, Callable[[str], Iterator[str]]] = {
    "name": words_of_name,
    "email": words_of_email,
    "phone": words_of_phone,
    "reference": words_of_reference,
}
