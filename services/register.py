"""The register of a shop's customers, as far as a capture asks for it."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TypeVarTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Exists, Select, and_, delete, exists, false, or_, select, union
from sqlalchemy.orm import aliased

from extensions import db
from models import Customer, Identity
from models.columns import new_id
from schemas.contact import Known
from services.search import keep_words

Row = TypeVarTuple("Row")

Key = tuple[str, str]
"""The kind of an identity and its normal form."""


class Overtaken(Exception):
    """What was read here has been changed by somebody else meanwhile: start again."""


class Register:
    """Knows who is known by what: read from the database when first asked, then kept true to what is claimed here.

    Nothing is written before `write`, and then the unique key of identities decides, not what was read. Whatever it is
    asked, it raises Overtaken when it sees that somebody else has renamed a customer since they were read.
    """

    def __init__(self, shop_id: int):
        self._shop_id = shop_id
        self._by_id: dict[UUID, Customer | None] = {}
        self._owners: dict[Key, Customer | None] = {}
        self._namesakes: dict[str, list[Customer]] = {}
        self._has_strong_identity: dict[UUID, bool] = {}
        self._new_customers: list[Customer] = []
        self.changed: set[UUID] = set()
        """The customers whom `write` is going to change."""
        self.found: set[UUID] = set()
        """The customers who were found by what they are known by."""
        self._claimed: dict[Key, Customer] = {}
        self._released: set[Key] = set()

    def customer(self, id: UUID) -> Customer | None:
        """The shop's customer of this id, or whom they were merged into."""
        self.read_customers([id])
        return self._by_id[id]

    def owner(self, kind: str, normal: str) -> Customer | None:
        """The customer whom this identity belongs to."""
        self.read_owners([(kind, normal)])
        return self._owners[kind, normal]

    def namesakes(self, name: str) -> list[Customer]:
        """All customers known by this name (in normal form), the earliest first."""
        self.read_namesakes([name])
        return self._namesakes[name]

    def is_only_a_name(self, customer: Customer) -> bool:
        """Whether the customer has no strong identity yet."""
        if customer.id not in self._has_strong_identity:
            found = select(_has_strong_identity()).where(Customer.shop_id == self._shop_id, Customer.id == customer.id)
            self._has_strong_identity[customer.id] = bool(db.session.scalar(found))
        return not self._has_strong_identity[customer.id]

    def stay(self, ids: Collection[UUID], keys: Collection[Key], names: Collection[str]) -> None:
        """Sees at once that none of all these is merged away before the transaction ends.

        Who reads many must begin with this: two who hold many, a few at a time, come to wait for each other.
        """
        wanted = union(
            select(Customer.id).where(Customer.shop_id == self._shop_id, Customer.id.in_(ids)),
            select(Customer.id).where(Customer.shop_id == self._shop_id, Customer.name_normal.in_(names)),
            select(Identity.customer_id).where(Identity.shop_id == self._shop_id, _is_one_of(keys)),
        )
        found = select(Customer.id).where(Customer.shop_id == self._shop_id, Customer.id.in_(wanted))
        db.session.execute(_staying(found))

    def read_ahead(self, buyers: Sequence[tuple[UUID | None, Mapping[str, Known]]]) -> None:
        """All that finding and updating these buyers will ask, in a few queries: whom was picked, and what is given."""
        picked = {one for one, _ in buyers if one is not None}
        keys = {(kind, known.normal) for _, given in buyers for kind, known in given.items()}
        if len(buyers) > 1:
            self.stay(picked, keys, {value for kind, value in keys if kind == "name"})
        self.read_customers(picked)
        self.read_owners(keys)
        self.read_namesakes({name for one, given in buyers for name in self._names_in_question(one, given)})

    def _names_in_question(self, picked: UUID | None, given: Mapping[str, Known]) -> Iterable[str]:
        """The names by which the buyer is looked for, or is about to be renamed from and to."""
        if "name" not in given:
            return ()
        customer = self._by_id.get(picked) if picked is not None else self._strong_owner(given)
        if customer is None:
            return (given["name"].normal,)
        names = {customer.name_normal, given["name"].normal}
        return names - {""} if len(names) > 1 else ()

    def _strong_owner(self, given: Mapping[str, Known]) -> Customer | None:
        owners = (self._owners[kind, given[kind].normal] for kind in Identity.STRONG if kind in given)
        return next((owner for owner in owners if owner is not None), None)

    def read_customers(self, ids: Iterable[UUID]) -> None:
        """Reads many at once, so that later questions cost nothing."""
        asked = {one: one for one in ids if one not in self._by_id}
        while asked:
            found = select(Customer, Customer.merged_into_id).where(
                Customer.shop_id == self._shop_id, Customer.id.in_(set(asked.values()))
            )
            rows = {customer.id: (customer, into) for customer, into in db.session.execute(_staying(found))}
            read = {one: rows.get(wanted, (None, None)) for one, wanted in asked.items()}
            self._by_id.update((one, customer) for one, (customer, into) in read.items() if into is None)
            asked = {one: into for one, (_, into) in read.items() if into is not None}

    def read_owners(self, keys: Iterable[Key]) -> None:
        """Reads many at once, so that later questions cost nothing."""
        missing = sorted({key for key in keys if key not in self._owners})
        if not missing:
            return
        self._owners.update(dict.fromkeys(missing))
        seen = aliased(Customer)  # as they were when the statement began, whoever was waited for
        found = (
            select(Identity.kind, Identity.value, Customer, Customer.merged_into_id, Customer.version == seen.version)
            .join(Customer, and_(Customer.shop_id == Identity.shop_id, Customer.id == Identity.customer_id))
            .join(seen, and_(seen.shop_id == Customer.shop_id, seen.id == Customer.id))
            .where(Identity.shop_id == self._shop_id, _is_one_of(missing))
        )
        were_waited_for = []
        for kind, value, customer, merged_into_id, is_as_seen in db.session.execute(_staying(found)):
            if merged_into_id is not None:
                raise Overtaken  # merged while this waited for them
            self._owners[kind, value] = customer
            self.found.add(customer.id)
            if kind in Identity.STRONG:
                self._has_strong_identity[customer.id] = True
            if not is_as_seen:
                were_waited_for.append((kind, value))
        self._look_again(were_waited_for)

    def _look_again(self, keys: Sequence[Key]) -> None:
        """A merge may have been taken back while these were waited for: what was moved by it has gone back then."""
        if not keys:
            return
        found = select(Identity.kind, Identity.value, Identity.customer_id).where(
            Identity.shop_id == self._shop_id, _is_one_of(keys)
        )
        owners = {(kind, value): customer_id for kind, value, customer_id in db.session.execute(found)}
        for key in keys:
            customer = self._owners[key]
            if customer is None or owners.get(key) != customer.id:
                raise Overtaken

    def read_namesakes(self, names: Iterable[str]) -> None:
        missing = sorted({name for name in names if name not in self._namesakes})
        if not missing:
            return
        self.read_owners(("name", name) for name in missing)
        self._namesakes.update((name, []) for name in missing)
        found = select(Customer, Customer.name_normal, Customer.merged_into_id, _has_strong_identity()).where(
            Customer.shop_id == self._shop_id, Customer.name_normal.in_(missing), Customer.merged_into_id.is_(None)
        )
        for customer, name, merged_into_id, is_strong in db.session.execute(_staying(found)):
            if customer.name_normal != name or merged_into_id is not None:
                raise Overtaken  # renamed or merged since they were found by something else
            self._namesakes[name].append(customer)
            self.found.add(customer.id)
            self._has_strong_identity.setdefault(customer.id, is_strong)
        for name in missing:
            # Who was merged into another leaves them the name: they are found by it, and called otherwise.
            self._add_namesake(self._owners["name", name], name)

    def open(self, at: datetime, id: UUID | None = None) -> Customer:
        """A new customer, known by nothing yet; `id` must be nobody's in this shop."""
        customer = Customer(shop_id=self._shop_id, id=id or new_id(), name_normal="", created_at=at, updated_at=at)
        self._by_id[customer.id] = customer
        self._new_customers.append(customer)
        self._has_strong_identity[customer.id] = False
        return customer

    def rename(self, customer: Customer, name: Known) -> None:
        """Gives the name, and its identity if that is free. The identity of the old name is given up."""
        if customer.name_normal:
            self._give_up_name(customer)
        namesakes = self.namesakes(name.normal)
        # An identity of a name always belongs to one known by it: without namesakes it is free, or lost in a race.
        if not namesakes or self.owner("name", name.normal) is None:
            self._claim(("name", name.normal), customer)
        self._add_namesake(customer, name.normal)
        customer.name, customer.name_normal = name
        self.changed.add(customer.id)

    def know_by(self, customer: Customer, kind: str, known: Known) -> None:
        """Adds a strong identity and shows it; older ones of the kind keep finding the customer."""
        if self.owner(kind, known.normal) is None:
            self._claim((kind, known.normal), customer)
        self._has_strong_identity[customer.id] = True
        setattr(customer, kind, known.shown)
        self.changed.add(customer.id)

    def forget(self, customer: Customer, kind: str, normal: str) -> None:
        """Takes away what is shown for the customer, and what they are known by with it."""
        if kind == "name":
            self._give_up_name(customer)
            customer.name_normal = ""
        elif self.owner(kind, normal) is customer:
            self._release((kind, normal))
            self._has_strong_identity.pop(customer.id, None)
        setattr(customer, kind, None)
        self.changed.add(customer.id)

    def write(self) -> None:
        """Puts everything claimed into the session and flushes.

        Raises IntegrityError when somebody else claimed an identity first, StaleDataError when they changed a customer.
        """
        # Always in this order, so that two writers who want the same wait for each other and not in a ring.
        db.session.add_all(self._new_customers)
        db.session.flush()
        if self._released:
            released = _is_one_of(sorted(self._released))
            db.session.execute(delete(Identity).where(Identity.shop_id == self._shop_id, released))
        db.session.add_all(
            Identity(shop_id=self._shop_id, kind=kind, value=value, customer_id=customer.id)
            for (kind, value), customer in sorted(self._claimed.items(), key=lambda claim: claim[0])
        )
        db.session.flush()
        keep_words(self._shop_id, self.changed)

    def hold(self, ids: Iterable[UUID]) -> None:
        """Keeps everybody else from changing these customers until the transaction ends; waits for who is doing so.

        Raises OperationalError when two wait for each other.
        """
        wanted = sorted(ids)
        if wanted:
            held = select(Customer.id).where(Customer.shop_id == self._shop_id, Customer.id.in_(wanted))
            db.session.execute(held.order_by(Customer.id).with_for_update(key_share=True))

    def _add_namesake(self, customer: Customer | None, name: str) -> None:
        namesakes = self._namesakes[name]
        if customer is not None and customer not in namesakes:
            namesakes.append(customer)
            namesakes.sort(key=lambda namesake: namesake.id)

    def _claim(self, key: Key, customer: Customer) -> None:
        self._owners[key] = self._claimed[key] = customer

    def _give_up_name(self, customer: Customer) -> None:
        key = ("name", customer.name_normal)
        namesakes = self.namesakes(customer.name_normal)
        if customer not in namesakes:
            raise Overtaken
        namesakes.remove(customer)
        if self.owner(*key) is customer:
            self._release(key)

    def _release(self, key: Key) -> None:
        self._owners[key] = None
        if self._claimed.pop(key, None) is None:
            self._released.add(key)


def _staying(found: Select[*Row]) -> Select[*Row]:
    """Nobody is merged away, until the transaction ends, who was found so; who is being merged is waited for."""
    # Everybody holds customers in the order of their ids, as far as one statement goes.
    return found.order_by(Customer.id).with_for_update(read=True, key_share=True, of=Customer)


def _is_one_of(keys: Collection[Key]) -> ColumnElement[bool]:
    by_kind: dict[str, list[str]] = {}
    for kind, value in keys:
        by_kind.setdefault(kind, []).append(value)
    return or_(false(), *(and_(Identity.kind == kind, Identity.value.in_(found)) for kind, found in by_kind.items()))


def _has_strong_identity() -> Exists:
    return exists().where(
        Identity.shop_id == Customer.shop_id, Identity.customer_id == Customer.id, Identity.kind.in_(Identity.STRONG)
    )
