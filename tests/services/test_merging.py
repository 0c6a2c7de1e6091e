"""One customer of two, and two of one: stories, then what is refused, then races."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import count
from time import sleep
from uuid import UUID

import pytest
from sqlalchemy import event, insert, select, text
from sqlalchemy.exc import DBAPIError

from extensions import db
from models import Action, Change, Customer, Identity, Purchase, Shop
from models.dialect import is_passing
from schemas.bodies import CustomerEdit
from schemas.problems import ShopRules, judge
from schemas.purchase import Buyer
from services import editing
from services.attempts import until_settled
from services.known import Key
from services.merging import Merged, Split, merge, split
from services.refusals import CannotMerge, IdentityConflict, Refusal, UnknownCustomer, UnknownPurchase
from services.register import Register
from services.undoing import undo
from tests.cast import Person
from tests.services.test_identity import identities, two_tims
from tests.services.test_races import at_once

THREADS = 8


def do_merge(person: Person, one: Customer, into: Customer) -> Merged:
    with person.app.app_context():
        merged = merge(one.id, into.id, shop=person.user.shop, by=person.user)
        db.session.commit()
        return merged


def do_split(person: Person, of: Customer, purchases: Iterable[Purchase], to: Customer | dict[str, str]) -> Split:
    with person.app.app_context():
        target = to.id if isinstance(to, Customer) else buyer(person.user.shop, **to)
        ids = [purchase.id for purchase in purchases]
        done = split(ids, of=of.id, to=target, shop=person.user.shop, by=person.user)
        db.session.commit()
        return done


def do_undo(person: Person, action: Action) -> Action:
    with person.app.app_context():
        undone = undo(action.id, shop=person.user.shop, by=person.user)
        db.session.commit()
        return undone


def note(person: Person, customer: Customer, text: str) -> None:
    """Puts a note on the customer."""
    with person.app.app_context():
        editing.edit_customer(customer.id, judge(CustomerEdit, {"note": text}), shop=person.user.shop, by=person.user)
        db.session.commit()


def buyer(shop: Shop, **given: str) -> Buyer:
    return judge(Buyer, given, ShopRules(shop.currency, shop.country, shop.today()))


def now(person: Person, customer: Customer) -> Customer:
    with person.app.app_context():
        return db.session.get_one(Customer, (person.shop_id, customer.id))


def items(person: Person, customer: Customer) -> list[str]:
    """What the customer bought, the earliest recorded first."""
    return [purchase.item for purchase in person.purchases() if purchase.customer_id == customer.id]


def history(person: Person, subject: Customer | Purchase) -> list[tuple[str, str | None, str | None]]:
    """Field, before and after of every change that an action made."""
    column = Change.customer_id if isinstance(subject, Customer) else Change.purchase_id
    found = select(Change.field, Change.before, Change.after).where(
        Change.shop_id == person.shop_id, column == subject.id, Change.action_id.is_not(None)
    )
    with person.app.app_context():
        return [tuple(row) for row in db.session.execute(found.order_by(Change.id))]


def know_by_many(person: Person, customer: Customer, times: int = 4_000) -> list[Key]:
    """Makes the customer known by more than a database takes in one condition, and returns by what."""
    values = {"email": "{}@example.com", "phone": "+1212{:07}", "reference": "A{}"}
    keys = [(kind, value.format(number)) for kind, value in values.items() for number in range(times)]
    known = {"shop_id": person.shop_id, "customer_id": customer.id}
    with person.app.app_context():
        db.session.execute(insert(Identity), [known | {"kind": kind, "value": value} for kind, value in keys])
        db.session.commit()
    return keys


def tim_and_bob(person: Person) -> tuple[Customer, Customer]:
    tim = person.capture(customer="Tim <tim@example.com>", item="a book").customer
    bob = person.capture(customer="Bob <bob@example.com>", item="a pen").customer
    return tim, bob


# Merging


def test_a_merge_moves_purchases_and_identities_to_the_customer_that_stays(owner: Person) -> None:
    tim, bob = tim_and_bob(owner)
    merged = do_merge(owner, tim, bob)
    assert (merged.customer.id, merged.merged_away.id, merged.action.kind) == (bob.id, tim.id, "merge")
    assert items(owner, bob) == ["a book", "a pen"]
    assert identities(owner, bob) == {
        ("name", "tim"),
        ("email", "tim@example.com"),
        ("name", "bob"),
        ("email", "bob@example.com"),
    }
    assert identities(owner, tim) == set()


def test_old_ids_and_identities_keep_working_after_a_merge(owner: Person) -> None:
    tim, bob = tim_and_bob(owner)
    do_merge(owner, tim, bob)
    found = [
        owner.capture(customer="tim@example.com"),
        owner.capture(customer="Tim"),
        owner.capture(customer="", customer_id=tim.public_id),
        owner.capture(customer="bob@example.com"),
    ]
    assert {captured.customer.id for captured in found} == {bob.id}
    assert len(owner.customers()) == 2


def test_the_name_of_who_was_merged_away_finds_who_stays_and_does_not_rename_them(owner: Person) -> None:
    tim, bob = tim_and_bob(owner)
    do_merge(owner, tim, bob)
    found = [owner.capture(customer=name) for name in ("Tim", "Bob", "tim", "Tim <new@example.com>")]
    assert [captured.outcome for captured in found[:3]] == ["unchanged"] * 3
    assert {captured.customer.id for captured in found[:3]} == {bob.id}
    assert now(owner, bob).name == "Bob"


def test_a_merge_overwrites_nothing_and_the_pointer_keeps_what_it_was(owner: Person) -> None:
    tim, bob = tim_and_bob(owner)
    do_merge(owner, tim, bob)
    before, after = tim, now(owner, tim)
    assert (after.name, after.email, after.merged_into_id) == (before.name, before.email, bob.id)
    assert (now(owner, bob).name, now(owner, bob).email) == ("Bob", "bob@example.com")


def test_a_merge_fills_what_is_blank(owner: Person) -> None:
    tim = owner.capture(customer="Tim (212 555 0101)", reference="A1").customer
    note(owner, tim, "Rings twice")
    unnamed = owner.capture(customer="tim@example.com").customer
    do_merge(owner, tim, unnamed)
    stays = now(owner, unnamed)
    assert (stays.name, stays.name_normal, stays.email) == ("Tim", "tim", "tim@example.com")
    assert (stays.phone, stays.reference, stays.note) == ("212 555 0101", "A1", "Rings twice")
    assert owner.capture(customer="Tim").customer.id == unnamed.id


def test_a_name_that_fills_a_blank_is_still_shared_with_others_of_the_name(owner: Person) -> None:
    first, second = two_tims(owner)
    unnamed = owner.capture(customer="bob@example.com").customer
    do_merge(owner, second, unnamed)
    with pytest.raises(Refusal) as asked:
        owner.capture(customer="Tim")
    assert [one.id for one in asked.value.candidates] == [first.id, unnamed.id]  # type: ignore[attr-defined]


def test_everything_that_a_merge_changes_is_on_the_history(owner: Person) -> None:
    tim, bob = owner.capture(customer="Tim").customer, owner.capture(customer="bob@example.com").customer
    [book, _] = owner.purchases()
    do_merge(owner, tim, bob)
    assert history(owner, book) == [("customer_id", tim.public_id, bob.public_id)]
    assert history(owner, tim) == [("identity", "name:tim", None), ("merged_into", None, bob.public_id)]
    assert history(owner, bob) == [
        ("identity", None, "name:tim"),
        ("merged", None, tim.public_id),
        ("name", None, "Tim"),
    ]


def test_a_merge_raises_the_versions_of_both(owner: Person) -> None:
    tim, bob = tim_and_bob(owner)
    do_merge(owner, tim, bob)
    assert now(owner, tim).version > tim.version
    assert now(owner, bob).version > bob.version


def test_who_was_merged_before_stands_for_whom_they_were_merged_into(owner: Person) -> None:
    tim, bob = tim_and_bob(owner)
    ann, dan = owner.capture(customer="Ann").customer, owner.capture(customer="Dan").customer
    do_merge(owner, tim, bob)
    do_merge(owner, ann, dan)
    merged = do_merge(owner, tim, ann)
    assert (merged.merged_away.id, merged.customer.id) == (bob.id, dan.id)
    assert owner.capture(customer="", customer_id=tim.public_id).customer.id == dan.id
    assert owner.capture(customer="tim@example.com").customer.id == dan.id


def test_purchases_read_before_a_merge_know_their_customer_after_it(owner: Person) -> None:
    tim, bob = tim_and_bob(owner)
    with owner.app.app_context():
        known = db.session.scalars(select(Purchase).where(Purchase.shop_id == owner.shop_id)).all()
        merge(tim.id, bob.id, shop=owner.user.shop, by=owner.user)
        assert {purchase.customer_id for purchase in known} == {bob.id}


def test_a_merge_takes_as_many_statements_for_many_purchases_as_for_few(owner: Person) -> None:
    tim, bob = tim_and_bob(owner)
    ann, dan = owner.capture(customer="Ann").customer, owner.capture(customer="Dan").customer
    for _ in range(30):
        owner.capture(customer="Ann")
    assert _count_statements(owner, ann, dan) <= _count_statements(owner, tim, bob)


def _count_statements(person: Person, one: Customer, into: Customer) -> int:
    statements: list[str] = []
    with person.app.app_context():
        user, engine = person.user, db.engine
        event.listen(engine, "before_cursor_execute", lambda *args: statements.append(args[2]), named=False)
        merge(one.id, into.id, shop=user.shop, by=user)
        total = len(statements)
        db.session.rollback()
        return total


def test_a_customer_who_is_known_by_thousands_of_identities_is_merged_and_taken_apart(owner: Person) -> None:
    tim, bob = tim_and_bob(owner)
    know_by_many(owner, tim)
    tims, bobs = identities(owner, tim), identities(owner, bob)
    merged = do_merge(owner, tim, bob)
    assert (identities(owner, tim), identities(owner, bob)) == (set(), tims | bobs)
    gone = [(before, after) for field, before, after in history(owner, tim) if field == "identity"]
    assert gone == [(f"{kind}:{value}", None) for kind, value in sorted(tims)]
    do_undo(owner, merged.action)
    assert (identities(owner, tim), identities(owner, bob)) == (tims, bobs)
    come = [(before, after) for field, before, after in history(owner, tim) if field == "identity"][len(gone) :]
    assert come == [(None, before) for before, _ in gone]


def test_a_customer_forgets_thousands_of_identities_at_once(owner: Person) -> None:
    tim = owner.capture(customer="Tim").customer
    keys = know_by_many(owner, tim)
    with owner.app.app_context():
        register = Register(owner.shop_id)
        register.read(keys=keys)
        known = register.namesakes("tim")[0]
        for key in keys:
            register.forget(known, *key)
        register.write()
        db.session.commit()
    assert identities(owner, tim) == {("name", "tim")}


# Splitting


def test_a_split_gives_chosen_purchases_to_another_customer(owner: Person) -> None:
    tim, bob = tim_and_bob(owner)
    pencil = owner.capture(customer="Tim", item="a pencil").purchase
    done = do_split(owner, tim, [pencil], bob)
    assert (done.customer.id, done.of.id, done.action.kind) == (bob.id, tim.id, "split")
    assert (items(owner, tim), items(owner, bob)) == (["a book"], ["a pen", "a pencil"])
    assert owner.capture(customer="tim@example.com").customer.id == tim.id


def test_a_split_opens_a_new_customer_of_the_same_name(owner: Person) -> None:
    tim = owner.capture(customer="Tim", item="a book").customer
    pen = owner.capture(customer="Tim", item="a pen").purchase
    new = do_split(owner, tim, [pen], {"name": "Tim", "email": "other@example.com"}).customer
    assert (new.name, new.email, items(owner, new)) == ("Tim", "other@example.com", ["a pen"])
    assert identities(owner, new) == {("email", "other@example.com")}
    assert owner.capture(customer="other@example.com").customer.id == new.id
    with pytest.raises(Refusal):
        owner.capture(customer="Tim")


def test_a_new_customer_of_a_split_owns_a_name_that_is_free(owner: Person) -> None:
    tim = owner.capture(customer="Tim").customer
    new = do_split(owner, tim, owner.purchases(), {"name": "Tom"}).customer
    assert identities(owner, new) == {("name", "tom")}


def test_everything_that_a_split_changes_is_on_the_history(owner: Person) -> None:
    tim = owner.capture(customer="Tim").customer
    [book] = owner.purchases()
    new = do_split(owner, tim, [book], {"name": "Tom", "phone": "212 555 0101"}).customer
    assert history(owner, book) == [("customer_id", tim.public_id, new.public_id)]
    assert history(owner, tim) == [("split_to", None, new.public_id), ("status", "listed", "withdrawn")]
    assert history(owner, new) == [
        ("name", None, "Tom"),
        ("phone", None, "212 555 0101"),
        ("split_from", None, tim.public_id),
    ]


def test_a_split_follows_those_who_were_merged(owner: Person) -> None:
    tim, bob = tim_and_bob(owner)
    ann, dan = owner.capture(customer="Ann").customer, owner.capture(customer="Dan").customer
    do_merge(owner, tim, bob)
    do_merge(owner, ann, dan)
    do_split(owner, tim, owner.purchases()[:1], ann)
    assert items(owner, bob) == ["a pen"]
    assert len(items(owner, dan)) == 3


# What is refused


def test_a_customer_is_not_merged_with_themselves(owner: Person) -> None:
    tim, bob = tim_and_bob(owner)
    with pytest.raises(CannotMerge):
        do_merge(owner, tim, tim)
    do_merge(owner, tim, bob)
    for one, other in [(tim, bob), (bob, tim)]:
        with pytest.raises(CannotMerge, match=r"Both are Bob\. Choose another customer"):
            do_merge(owner, one, other)


def test_nobody_merges_customers_of_another_shop(owner: Person, stranger: Person) -> None:
    tim, _ = tim_and_bob(owner)
    theirs = stranger.capture(customer="Tim").customer
    for one, other in [(tim, theirs), (theirs, tim)]:
        with pytest.raises(UnknownCustomer):
            do_merge(owner, one, other)
        with pytest.raises(UnknownCustomer):
            do_split(owner, one, owner.purchases(), other)


def test_a_split_takes_only_purchases_of_the_customer(owner: Person, stranger: Person) -> None:
    tim, bob = tim_and_bob(owner)
    stranger.capture()
    for purchases in ([], owner.purchases(), stranger.purchases()):
        with pytest.raises(UnknownPurchase):
            do_split(owner, tim, purchases, bob)
        with pytest.raises(UnknownPurchase):
            do_split(owner, tim, purchases, {"name": "Tom"})
    assert len(owner.customers()) == 2


def test_a_split_needs_another_customer(owner: Person) -> None:
    tim, bob = tim_and_bob(owner)
    do_merge(owner, bob, tim)
    for same in (tim, bob):
        with pytest.raises(CannotMerge):
            do_split(owner, tim, owner.purchases(), same)


@pytest.mark.parametrize("address", ["bob@example.com", "tim@example.com"])
def test_a_split_does_not_open_who_is_known_already(owner: Person, address: str) -> None:
    tim, bob = tim_and_bob(owner)
    with pytest.raises(IdentityConflict) as refused:
        do_split(owner, tim, owner.purchases()[:1], {"name": "Tim", "email": address})
    assert [one.id for one in refused.value.candidates] == [bob.id if "bob" in address else tim.id]
    assert items(owner, tim) == ["a book"]


def test_what_is_too_large_for_the_database_will_not_work_in_a_moment(owner: Person) -> None:
    with owner.app.app_context(), pytest.raises(DBAPIError) as refused:
        db.session.execute(text("SELECT 1" + " + 1" * 50_000))
    assert not is_passing(refused.value)


# Races


def check_shop(person: Person) -> None:
    """No purchase and no identity is with one who was merged away."""
    merged = {one.id for one in person.customers() if one.merged_into_id}
    assert not merged & {purchase.customer_id for purchase in person.purchases()}
    assert not any(identities(person, one) for one in person.customers() if one.id in merged)


def who_is(person: Person, customer_id: UUID) -> UUID:
    """The customer of this id, or whom they were merged into."""
    merged = {one.id: one.merged_into_id for one in person.customers()}
    while merged[customer_id] is not None:
        customer_id = merged[customer_id]
    return customer_id


def test_captures_during_merges_and_their_undoing_are_kept_and_never_left_on_a_pointer(owner: Person) -> None:
    tim, bob = tim_and_bob(owner)
    numbers = count()

    def record() -> list[UUID]:
        given = [{"customer": "tim@example.com"}, {"customer": "Tim"}, {"customer": "", "customer_id": tim.public_id}]
        given.append({"customer": "tim@example.com", "phone": f"212 555 01{next(numbers):02}"})
        return [owner.capture(**one).purchase.id for one in given]

    def merge_and_back() -> None:
        for _ in range(3):
            merged = do_merge(owner, tim, bob)
            check_shop(owner)
            do_undo(owner, merged.action)

    recorded = at_once([merge_and_back, *[record] * THREADS])[1:]
    check_shop(owner)
    assert {one for some in recorded for one in some} < {purchase.id for purchase in owner.purchases()}
    assert len(items(owner, tim)) + len(items(owner, bob)) == 2 + 4 * THREADS
    assert len(owner.customers()) == 2


def test_two_merges_in_opposite_directions_at_the_same_instant_make_one_customer(owner: Person) -> None:
    for turn in range(10):
        one = owner.capture(customer=f"Tim {turn}").customer
        other = owner.capture(customer=f"Bob {turn}").customer
        results = at_once([partial(do_merge, owner, one, other), partial(do_merge, owner, other, one)])
        assert sorted(type(result).__name__ for result in results) == ["CannotMerge", "Merged"]
        assert who_is(owner, one.id) == who_is(owner, other.id)
    check_shop(owner)


def test_many_merges_at_the_same_instant_make_one_customer(owner: Person) -> None:
    everybody = [owner.capture(customer=f"Tim {number}").customer for number in range(THREADS)]
    pairs = list(zip(everybody, everybody[1:] + everybody[:1], strict=True))
    results = at_once(partial(do_merge, owner, one, other) for one, other in pairs)
    assert sum(isinstance(result, CannotMerge) for result in results) == 1
    assert len({who_is(owner, one.id) for one in everybody}) == 1
    check_shop(owner)


def test_of_many_splits_of_one_purchase_at_the_same_instant_one_is_done(owner: Person) -> None:
    tim = owner.capture(customer="Tim").customer
    others = [owner.capture(customer=f"Bob {number}").customer for number in range(THREADS)]
    [book, *_] = owner.purchases()
    results = at_once(partial(do_split, owner, tim, [book], other) for other in others)
    [done] = [result for result in results if isinstance(result, Split)]
    assert sum(isinstance(result, UnknownPurchase) for result in results) == THREADS - 1
    assert owner.purchases()[0].customer_id == done.customer.id


def test_of_many_splits_to_one_new_address_at_the_same_instant_one_opens_a_customer(owner: Person) -> None:
    tim = owner.capture(customer="Tim").customer
    for _ in range(THREADS):
        owner.capture(customer="Tim")
    new = {"name": "Tom", "email": "tom@example.com"}
    results = at_once(partial(do_split, owner, tim, [one], new) for one in owner.purchases()[:THREADS])
    assert sum(isinstance(result, IdentityConflict) for result in results) == THREADS - 1
    assert len(owner.customers()) == 2
    check_shop(owner)


def test_a_capture_that_waits_for_a_merge_is_recorded_for_who_stays(owner: Person) -> None:
    tim, bob = tim_and_bob(owner)
    wishes = [{"customer": "tim@example.com"}, {"customer": "Tim"}, {"customer": "", "customer_id": tim.public_id}]
    with ThreadPoolExecutor() as pool, owner.app.app_context():
        merge(tim.id, bob.id, shop=owner.user.shop, by=owner.user)
        waiting = [pool.submit(partial(owner.capture, **wish)) for wish in wishes]
        sleep(0.5)
        db.session.commit()
        assert {one.result().customer.id for one in waiting} == {bob.id}


def test_a_capture_that_waits_for_the_undoing_of_a_merge_is_recorded_for_who_comes_back(owner: Person) -> None:
    tim, bob = tim_and_bob(owner)
    merged = do_merge(owner, tim, bob)
    wishes = [{"customer": "tim@example.com"}, {"customer": "Tim"}, {"customer": "", "customer_id": tim.public_id}]
    with ThreadPoolExecutor() as pool, owner.app.app_context():
        undo(merged.action.id, shop=owner.user.shop, by=owner.user)
        waiting = [pool.submit(partial(owner.capture, **wish)) for wish in wishes]
        sleep(0.5)
        db.session.commit()
        assert {one.result().customer.id for one in waiting} == {tim.id}
    assert now(owner, bob).email == "bob@example.com"


def test_who_was_waited_for_is_judged_by_what_they_are_by_then(owner: Person) -> None:
    """Tim has got an address by the merge: one who gives another is somebody else of the name."""
    tim = owner.capture(customer="Tim").customer
    bob = owner.capture(customer="Bob", email="bob@example.com").customer
    with ThreadPoolExecutor() as pool, owner.app.app_context():
        merge(bob.id, tim.id, shop=owner.user.shop, by=owner.user)
        waiting = pool.submit(partial(owner.capture, customer="Tim", email="other@example.com"))
        sleep(0.5)
        db.session.commit()
        captured = waiting.result()
    assert (captured.outcome, captured.customer.email) == ("created", "other@example.com")
    assert now(owner, tim).email == "bob@example.com"


def test_thousands_of_identities_are_found_in_time_however_the_database_looks_for_them(owner: Person) -> None:
    _, bob = tim_and_bob(owner)
    keys = know_by_many(owner, bob, times=8_000)
    with owner.app.app_context():
        if db.engine.dialect.name == "postgresql":
            # As it does by itself while it believes in a few, and then goes through all of them for each.
            db.session.execute(text("SET LOCAL enable_indexscan = off; SET LOCAL enable_seqscan = off"))
        register = Register(owner.shop_id)
        register.read(keys=keys)
    assert register.found == {bob.id}


def test_thousands_of_identities_that_were_waited_for_are_read_again(owner: Person) -> None:
    tim, bob = tim_and_bob(owner)
    keys = know_by_many(owner, bob)
    merged = do_merge(owner, tim, bob)

    def read(register: Register) -> set[UUID]:
        register.read(keys=keys)
        return register.found

    def read_settled() -> set[UUID]:
        with owner.app.app_context():
            return until_settled(read, owner.shop_id)

    with ThreadPoolExecutor() as pool, owner.app.app_context():
        undo(merged.action.id, shop=owner.user.shop, by=owner.user)
        waiting = pool.submit(read_settled)
        sleep(0.5)
        db.session.commit()
        assert waiting.result() == {bob.id}
