"""The register of a shop's customers, as far as a capture asks for it."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import make_transient_to_detached

from extensions import db
from models import Customer, Identity
from models.columns import new_id
from models.dialect import insert_all
from schemas.contact import Known
from services import known
from services.known import Found, Key
from services.search import add_words, keep_words

_NOTHING = dict.fromkeys(Customer.__table__.columns.keys())


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
        if id not in self._by_id:
            self.read(ids=[id])
        return self._by_id[id]

    def owner(self, kind: str, normal: str) -> Customer | None:
        """The customer whom this identity belongs to."""
        if (kind, normal) not in self._owners:
            self.read(keys=[(kind, normal)])
        return self._owners[kind, normal]

    def namesakes(self, name: str) -> list[Customer]:
        """All customers known by this name (in normal form), the earliest first."""
        if name not in self._namesakes:
            self.read(names=[name])
        return self._namesakes[name]

    def is_only_a_name(self, customer: Customer) -> bool:
        """Whether the customer has no strong identity yet."""
        if customer.id not in self._has_strong_identity:
            found = select(known.has_strong_identity()).where(
                Customer.shop_id == self._shop_id, Customer.id == customer.id
            )
            self._has_strong_identity[customer.id] = bool(db.session.scalar(found))
        return not self._has_strong_identity[customer.id]

    def read_ahead(self, buyers: Sequence[tuple[UUID | None, Mapping[str, Known]]]) -> None:
        """All that finding and updating these buyers will ask, in a few queries: whom was picked, and what is given."""
        keys = {(kind, known.normal) for _, given in buyers for kind, known in given.items()}
        called = {given["name"].normal for picked, given in buyers if picked is None and set(given) == {"name"}}
        self.read(ids={picked for picked, _ in buyers if picked is not None}, keys=keys, names=called)
        self.read(names={name for picked, given in buyers for name in self._names_in_question(picked, given)})

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

    def read(self, *, ids: Iterable[UUID] = (), keys: Iterable[Key] = (), names: Iterable[str] = ()) -> None:
        """Reads many at once, so that later questions cost nothing: the customers of these ids, the owners of these
        identities, and who is called so.

        Nobody of them is merged away before the transaction ends. The more are read at once, the fewer come to wait for
        each other in a ring, and are begun again.
        """
        asked = {one: one for one in ids if one not in self._by_id}
        new_names = {name for name in names if name not in self._namesakes}
        new_keys = {key for key in (*keys, *(("name", name) for name in new_names)) if key not in self._owners}
        while asked or new_keys or new_names:
            found = self._read(set(asked.values()), new_keys, new_names)
            read = {one: found.get(wanted, (None, None)) for one, wanted in asked.items()}
            self._by_id.update((one, customer) for one, (customer, into) in read.items() if into is None)
            asked = {one: into for one, (_, into) in read.items() if into is not None}
            new_keys, new_names = set(), set()

    def _read(
        self, ids: Collection[UUID], keys: Collection[Key], names: Collection[str]
    ) -> dict[UUID, tuple[Customer, UUID | None]]:
        """The customers who were found, by id, with whom they were merged into."""
        self._owners.update(dict.fromkeys(keys))
        self._namesakes.update((name, []) for name in names)
        found = list(known.find(self._shop_id, ids=ids, keys=keys, names=names))
        self.found.update(one.customer.id for one in found)
        for one in found:
            self._note(one, is_called_so=one.merged_into_id is None and one.name_normal in names)
        for name in names:
            # Who was merged into another leaves them the name: they are found by it, and called otherwise.
            self._add_namesake(self._owners["name", name], name)
        return {one.customer.id: (one.customer, one.merged_into_id) for one in found}

    def _note(self, one: Found, *, is_called_so: bool) -> None:
        if not one.is_as_seen:
            raise Overtaken  # changed while this waited for them: what was read beside them is older
        if one.key is not None:
            self._owners[one.key] = one.customer
        if is_called_so:
            self._note_namesake(one)
        self._has_strong_identity.setdefault(one.customer.id, one.has_strong_identity)

    def _note_namesake(self, one: Found) -> None:
        if one.customer.name_normal != one.name_normal:
            raise Overtaken  # renamed since they were found by something else
        namesakes = self._namesakes[one.name_normal]
        if not namesakes or namesakes[-1] is not one.customer:
            namesakes.append(one.customer)

    def open(self, at: datetime, id: UUID | None = None) -> Customer:
        """A new customer, known by nothing yet; `id` must be nobody's in this shop."""
        start = {"name_normal": "", "created_at": at, "updated_at": at, "version": 1}
        customer = Customer.of({**_NOTHING, "shop_id": self._shop_id, "id": id or new_id(), **start})
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
        """Writes everything claimed.

        Raises IntegrityError when somebody else claimed an identity first, StaleDataError when they changed a customer.
        """
        # Always in this order, so that two writers who want the same wait for each other and not in a ring.
        self._write_new_customers()
        db.session.flush()
        if self._released:
            released = known.is_one_of(sorted(self._released))
            db.session.execute(delete(Identity).where(Identity.shop_id == self._shop_id, released))
        claimed = sorted(self._claimed.items(), key=lambda claim: claim[0])
        insert_all(
            Identity,
            [
                {"shop_id": self._shop_id, "kind": kind, "value": value, "customer_id": customer.id}
                for (kind, value), customer in claimed
            ],
        )
        self._keep_words()

    def _write_new_customers(self) -> None:
        insert_all(Customer, [vars(customer) for customer in self._new_customers])
        for customer in self._new_customers:
            make_transient_to_detached(customer)  # as if it were read: from here on changes are noticed
        db.session.add_all(self._new_customers)

    def give_up(self) -> None:
        """After a rollback: whom it opened are not there, and the session must not take them for it."""
        for customer in self._new_customers:
            if customer in db.session:
                db.session.expunge(customer)

    def _keep_words(self) -> None:
        new = {customer.id: [("name", customer.name_normal)] for customer in self._new_customers}
        for key, customer in self._claimed.items():
            if customer.id in new:
                new[customer.id].append(key)
        add_words(self._shop_id, new)
        keep_words(self._shop_id, self.changed - new.keys())

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
