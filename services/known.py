"""Customers looked up by what they are known by, and kept from being merged away meanwhile."""

from collections import defaultdict
from collections.abc import Collection, Iterator
from functools import cache
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Exists,
    Select,
    and_,
    bindparam,
    case,
    exists,
    false,
    null,
    or_,
    select,
    true,
    union_all,
)
from sqlalchemy.orm import aliased

from extensions import db
from models import Customer, Identity

Key = tuple[str, str]
"""The kind of an identity and its normal form."""


class Found(NamedTuple):
    """A customer, by one of the identities asked for, or otherwise."""

    customer: Customer
    name_normal: str
    """As it is in the database; the session may know an older one."""
    merged_into_id: UUID | None
    is_as_seen: bool
    """Whether they are as they were when the statement began, whoever was waited for."""
    has_strong_identity: bool
    key: Key | None


def find(
    shop_id: int, *, ids: Collection[UUID] = (), keys: Collection[Key] = (), names: Collection[str] = ()
) -> Iterator[Found]:
    """Who has one of these ids or identities, or is called so, in the order of their ids; once for each way they are
    found.

    Nobody of them is merged away until the transaction ends; who is being merged is waited for.
    """
    by_kind: dict[str, list[str]] = defaultdict(list)
    for kind, value in sorted(keys):
        by_kind[kind].append(value)
    lists = {**by_kind, "ids": sorted(ids), "names": sorted(names)}
    given = {name: values for name, values in lists.items() if values}
    for row in db.session.execute(_found_by(frozenset(given)), {"shop_id": shop_id, **given}):
        *found, kind, value = row
        yield Found._make((*found, None if kind is None else (kind, value)))


def is_one_of(keys: Collection[Key]) -> ColumnElement[bool]:
    by_kind: dict[str, list[str]] = defaultdict(list)
    for kind, value in keys:
        by_kind[kind].append(value)
    return or_(false(), *(and_(Identity.kind == kind, Identity.value.in_(found)) for kind, found in by_kind.items()))


def has_strong_identity() -> Exists:
    return exists().where(
        Identity.shop_id == Customer.shop_id, Identity.customer_id == Customer.id, Identity.kind.in_(Identity.STRONG)
    )


@cache
def _found_by(given: frozenset[str]) -> Select[*tuple[Any, ...]]:
    """By these lists: of `ids`, of `names`, and of the values of each kind of identity.

    Made once, as it takes longer to make than to execute.
    """
    # The offset has PostgreSQL go from these to the customers, whatever it believes of how many the shop has.
    way = union_all(*_ways(given)).offset(0).subquery()
    seen = aliased(Customer)
    version_seen = select(seen.version).where(seen.shop_id == Customer.shop_id, seen.id == Customer.id)
    return (
        select(
            Customer,
            Customer.name_normal,
            Customer.merged_into_id,
            Customer.version == version_seen.scalar_subquery(),
            # Who is found by one is not asked again for each of them.
            case((way.c.kind.in_(Identity.STRONG), true()), else_=has_strong_identity().correlate(Customer)),
            way.c.kind,
            way.c.value,
        )
        .join(way, and_(Customer.shop_id == way.c.shop_id, Customer.id == way.c.customer_id))
        # Everybody holds customers in the order of their ids, as far as one statement goes.
        .order_by(Customer.id)
        .with_for_update(read=True, key_share=True, of=Customer)
    )


def _ways(given: frozenset[str]) -> Iterator[Select[*tuple[Any, ...]]]:
    shop_id = bindparam("shop_id", type_=Customer.shop_id.type)
    for kind in Identity.KINDS:
        if kind in given:
            values = Identity.value.in_(_list(kind))
            yield select(Identity.shop_id, Identity.customer_id, Identity.kind, Identity.value).where(
                Identity.shop_id == shop_id, Identity.kind == kind, values
            )
    nothing = null().label("kind"), null().label("value")
    of_shop = select(Customer.shop_id, Customer.id.label("customer_id"), *nothing).where(Customer.shop_id == shop_id)
    if "ids" in given:
        yield of_shop.where(Customer.id.in_(_list("ids")))
    if "names" in given:
        yield of_shop.where(Customer.name_normal.in_(_list("names")), Customer.merged_into_id.is_(None))


def _list(name: str) -> BindParameter[list[str]]:
    return bindparam(name, expanding=True)
