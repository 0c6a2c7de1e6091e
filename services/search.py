"""Finding customers by the beginnings of words: of their names, addresses and numbers, those they had before, too."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Select,
    Subquery,
    and_,
    delete,
    func,
    literal,
    or_,
    select,
    union_all,
)
from sqlalchemy.orm import InstrumentedAttribute

from extensions import db
from models import Customer, CustomerWord, Identity
from models.dialect import insert_all
from models.words import fold, words_of, words_typed
from schemas.contact import Known
from services.known import Key

_CONSIDERED = 40
"""The best of so many are the best."""
_WALKED = 3_000
"""So many who have the rarest of several words are asked for the others. Who has words more common types more."""
_GREATEST = "\U0010ffff"


def add_words(shop_id: int, known_by: Mapping[UUID, Iterable[Key]]) -> None:
    """Makes the words of new customers, of all that each is known by."""
    _add(shop_id, {customer_id: words_of(keys) for customer_id, keys in known_by.items()})


def keep_words(shop_id: int, ids: Collection[UUID]) -> None:
    """Makes the words of these customers those of what they are known by now."""
    if not ids:
        return
    made, kept = _make_words(shop_id, ids), _read_words(shop_id, ids)
    stale = {customer_id for customer_id in kept if kept[customer_id] - made[customer_id]}
    if stale:
        of_stale = CustomerWord.customer_id.in_(stale)
        db.session.connection().execute(delete(CustomerWord).where(CustomerWord.shop_id == shop_id, of_stale))
    _add(shop_id, {one: words if one in stale else words - kept[one] for one, words in made.items()})


def _add(shop_id: int, words: Mapping[UUID, Iterable[str]]) -> None:
    insert_all(
        CustomerWord,
        [
            {"shop_id": shop_id, "word": word, "customer_id": customer_id}
            for customer_id, made in words.items()
            for word in sorted(made)
        ],
    )


def is_found_by(shop_id: int, typed: Known) -> ColumnElement[bool]:
    """Whether a customer has all words that were typed."""
    having = _all_having(shop_id, words_typed(typed.normal), None)
    # The offset has PostgreSQL read them once, where it would ask for each customer in the order of the list.
    return Customer.id.in_(having.offset(0))


def finds_many(shop_id: int, typed: Known) -> bool:
    """Whether each of the words is had by more customers than can be put in order while somebody waits."""
    return min(_count_each(shop_id, words_typed(typed.normal))) >= _WALKED


def find_best(shop_id: int, typed: Known, limit: int) -> list[Customer]:
    """The listed customers who have all words that were typed, the best first.

    First who is called so, or has this address or number; then for whom it begins so; the latest first.
    """
    whole, words = fold(typed.normal) or typed.normal, words_typed(typed.normal)
    ids = {*_called(shop_id, typed.normal), *_having(shop_id, words)}
    if words != [(whole,)]:
        ids.update(_having(shop_id, [(whole[: CustomerWord.LENGTH_MAX],)]))
    found = db.session.scalars(select(Customer).where(Customer.shop_id == shop_id, Customer.id.in_(ids)))
    return sorted(found, key=lambda customer: _rank(customer, whole))[:limit]


def _make_words(shop_id: int, ids: Collection[UUID]) -> dict[UUID, set[str]]:
    names = select(Customer.id, literal("name"), Customer.name_normal).where(
        Customer.shop_id == shop_id, Customer.id.in_(ids)
    )
    identities = select(Identity.customer_id, Identity.kind, Identity.value).where(
        Identity.shop_id == shop_id, Identity.customer_id.in_(ids)
    )
    known_by = defaultdict(list)
    for customer_id, kind, value in db.session.execute(union_all(names, identities)):
        known_by[customer_id].append((kind, value))
    return {customer_id: words_of(keys) for customer_id, keys in known_by.items()}


def _read_words(shop_id: int, ids: Collection[UUID]) -> dict[UUID, set[str]]:
    found = select(CustomerWord.customer_id, CustomerWord.word).where(
        CustomerWord.shop_id == shop_id, CustomerWord.customer_id.in_(ids)
    )
    kept = defaultdict(set)
    for customer_id, word in db.session.execute(found):
        kept[customer_id].add(word)
    return kept


def _called(shop_id: int, name: str) -> Sequence[UUID]:
    """Whose name begins so, the shortest names first."""
    found = select(Customer.id).where(_is_listed(shop_id), _is_between(Customer.name_normal, name))
    return db.session.scalars(found.order_by(Customer.name_normal, Customer.id.desc()).limit(_CONSIDERED)).all()


def _having(shop_id: int, words: Sequence[tuple[str, ...]]) -> Sequence[UUID]:
    """Some who have all these words. However common they are, it takes no longer than asking `_WALKED` customers."""
    is_listed = _one(select(Customer.id).where(_is_listed(shop_id), Customer.id == CustomerWord.customer_id))
    found = _all_having(shop_id, words, _WALKED if len(words) > 1 else _CONSIDERED, is_listed)
    return db.session.scalars(found.limit(_CONSIDERED)).all()


def _all_having(
    shop_id: int, words: Sequence[tuple[str, ...]], most: int | None, *conditions: ColumnElement[bool]
) -> Select[UUID]:
    """Those of the first `most` with the rarest of the words who have the others, too; None looks at all."""
    first, *others = _rarest_first(shop_id, words)
    walked = _walk(shop_id, first, most, *conditions)
    return select(walked.c.customer_id).where(*(_has(shop_id, walked.c.customer_id, word) for word in others))


def _rarest_first(shop_id: int, words: Sequence[tuple[str, ...]]) -> Sequence[tuple[str, ...]]:
    if len(words) == 1:
        return words
    return [word for _, word in sorted(zip(_count_each(shop_id, words), words, strict=True), key=itemgetter(0))]


def _count_each(shop_id: int, words: Sequence[tuple[str, ...]]) -> Sequence[int]:
    """How many customers have each word; so many as are walked are many."""
    counted = (select(func.count()).select_from(_walk(shop_id, word, _WALKED)).scalar_subquery() for word in words)
    return db.session.execute(select(*counted)).one()


def _walk(shop_id: int, word: Iterable[str], most: int | None, *conditions: ColumnElement[bool]) -> Subquery:
    """The customers who have a word with one of these beginnings, along the index: at most so many for each."""
    along = (CustomerWord.word, CustomerWord.customer_id)
    having = select(CustomerWord.customer_id).where(CustomerWord.shop_id == shop_id, *conditions).order_by(*along)
    parts = (having.where(_is_between(CustomerWord.word, start)).limit(most).subquery() for start in word)
    return union_all(*(select(part.c.customer_id) for part in parts)).subquery()


def _has(shop_id: int, customer_id: ColumnElement[UUID], word: Iterable[str]) -> ColumnElement[bool]:
    of_customer = and_(CustomerWord.shop_id == shop_id, CustomerWord.customer_id == customer_id)
    return _one(select(CustomerWord.word).where(of_customer, _begins(word)))


def _one(found: Select[Any]) -> ColumnElement[bool]:
    """Whether there is one: asked row by row, where EXISTS lets the database read all there are of either side."""
    return found.limit(1).scalar_subquery().is_not(None)


def _begins(word: Iterable[str]) -> ColumnElement[bool]:
    return or_(*(_is_between(CustomerWord.word, start) for start in word))


def _is_between(column: InstrumentedAttribute[str], start: str) -> ColumnElement[bool]:
    """Begins so: said as a range, which the index of a column in byte order can be read by on both databases."""
    return and_(column >= start, column < start + _GREATEST)


def _is_listed(shop_id: int) -> ColumnElement[bool]:
    return and_(Customer.shop_id == shop_id, Customer.merged_into_id.is_(None), Customer.withdrawn_at.is_(None))


def _rank(customer: Customer, whole: str) -> tuple[bool, bool, int]:
    shown = [fold(text) for text in (customer.name, customer.email, customer.reference) if text]
    return whole not in shown, not any(text.startswith(whole) for text in shown), -customer.id.int
