"""A file is checked by the import itself, recorded whole or not at all, taken back and brought back."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Event
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import event, func, select

from extensions import db
from models import Action, Customer, Identity, Import, Purchase, clock, public_id
from models.dialect import only_reads
from schemas.imports import ImportChoices, Upload, guess_choices
from schemas.problems import judge
from services import import_undoing, imports
from services.capture import capture
from services.imports import Step
from services.refusals import CannotUndo
from services.register import Overtaken
from tests.cast import Person, make_colleague
from tests.services.test_merging import history

TIM = "name,email,item,amount\nTim,tim@example.com,a book,12.50\n"


def bring(person: Person, content: str = TIM) -> UUID:
    with person.app.app_context():
        upload = judge(Upload, {"file_name": "purchases.csv", "content": content.encode()})
        imported = imports.keep(upload, user=person.user)
        db.session.commit()
        return imported.id


def find(person: Person, import_id: UUID) -> Import:
    brought = imports.find(person.shop_id, import_id)
    assert brought is not None
    return brought.file


def choices(content: str, **changes: Any) -> ImportChoices:
    headers, *rows = (line.split(",") for line in content.splitlines())
    values = {"encoding": "utf-8-sig", "delimiter": ",", **guess_choices(headers, rows)}
    return judge(ImportChoices, values | changes)


def begin(person: Person, import_id: UUID, content: str, **changes: Any) -> Step | None:
    step = imports.begin_check(find(person, import_id), choices(content, **changes), by=person.user)
    db.session.commit()
    return step


def carry_out(step: Step | None) -> None:
    assert step is not None
    imports.carry_out(step)
    db.session.commit()
    imports.forget(step)
    db.session.remove()


def check(person: Person, content: str = TIM, **changes: Any) -> tuple[UUID, dict[str, Any]]:
    import_id = bring(person, content)
    with person.app.app_context():
        carry_out(begin(person, import_id, content, **changes))
        outcome = find(person, import_id).outcome
        assert outcome is not None
        return import_id, outcome


def begin_recording(imported: Import, person: Person, *, leaves_wrong_out: bool = False) -> imports.Step | None:
    """As the page of this import asks for it."""
    shown = imports.check_shown(imported)
    return imports.begin_recording(imported, by=person.user, leaves_wrong_out=leaves_wrong_out, checked_at=shown)


def record(person: Person, import_id: UUID, *, leaves_wrong_out: bool = False) -> str:
    """How it stands then."""
    with person.app.app_context():
        step = begin_recording(find(person, import_id), person, leaves_wrong_out=leaves_wrong_out)
        db.session.commit()
        carry_out(step)
        return find(person, import_id).status


def bring_in(person: Person, content: str = TIM, **changes: Any) -> UUID:
    import_id, _ = check(person, content, **changes)
    assert record(person, import_id) == "recorded"
    return import_id


def take_back(person: Person, import_id: UUID) -> int:
    with person.app.app_context():
        count = import_undoing.take_back(find(person, import_id), by=person.user)
        db.session.commit()
        return count


def bring_back(person: Person, import_id: UUID) -> int:
    with person.app.app_context():
        count = import_undoing.bring_back(find(person, import_id), by=person.user)
        db.session.commit()
        return count


def counting(person: Person) -> list[str]:
    return [purchase.item for purchase in person.purchases() if purchase.voided_at is None]


def listed(person: Person) -> list[dict[str, str | None]]:
    """What is shown for each customer who is there."""
    fields = ("name", "email", "phone", "reference")
    return [
        {field: value for field in fields if (value := getattr(customer, field)) is not None}
        for customer in person.customers()
        if customer.withdrawn_at is None
    ]


def identities(person: Person) -> list[str]:
    with person.app.app_context():
        found = db.session.scalars(select(Identity).where(Identity.shop_id == person.shop_id))
        return sorted(f"{identity.kind}:{identity.value}" for identity in found)


# Checking


def test_a_check_tells_what_each_row_comes_to_and_stores_none(owner: Person) -> None:
    owner.capture(customer="Sue <sue@example.com>")
    owner.capture(customer="Ann <ann@example.com>")
    owner.capture(customer="Ann <other@example.com>")
    before = (owner.purchases(), owner.customers(), identities(owner))
    content = (
        "name,email,phone,item,amount,quantity\n"
        "Tim,,,a book,12.50,2\n"
        "Sue,sue@example.com,+1 212 555 0123,a pen,1.00,\n"
        "Tim,,,a lamp,,\n"
        "Ann,,,a cup,,\n"
        "Tim,,,,,x\n"
    )
    import_id, outcome = check(owner, content)
    told = ("created", "updated", "unchanged", "repeated", "ambiguous", "wrong", "recorded", "pieces")
    assert [outcome[name] for name in told] == [1, 1, 1, 0, 1, 1, 3, 4]
    assert outcome["amounts"] == {"USD": 1350}
    assert [purchase.id for purchase in owner.purchases()] == [purchase.id for purchase in before[0]]
    assert [customer.version for customer in owner.customers()] == [customer.version for customer in before[1]]
    assert identities(owner) == before[2]
    with owner.app.app_context():
        file = find(owner, import_id)
        assert (file.status, file.verdicts, file.rows_done, file.rows_total) == ("checked", "cukaw", 5, 5)
        assert file.wrong == [
            [4, 5, "customer", "Several customers are called Ann. Choose who bought it"],
            [5, 6, "item", "Enter what was bought"],
            [5, 6, "quantity", "Quantity must be a whole number from 1 to 1,000,000"],
        ]


def test_the_import_comes_to_what_the_check_said(owner: Person) -> None:
    content = "reference,item\n" + "".join(f"{number % 700},{number}\n" for number in range(2_500))
    import_id, checked = check(owner, content)
    assert record(owner, import_id) == "recorded"
    with owner.app.app_context():
        assert find(owner, import_id).outcome == checked
    assert (len(owner.purchases()), len(owner.customers())) == (2_500, 700)


def test_all_or_nothing_unless_wrong_rows_are_left_out(owner: Person) -> None:
    content = "name,item\nTim,a book\nTim,\n"
    import_id, _ = check(owner, content)
    assert record(owner, import_id) == "checked"
    assert (owner.purchases(), owner.customers()) == ([], [])
    assert record(owner, import_id, leaves_wrong_out=True) == "recorded"
    assert counting(owner) == ["a book"]


def test_the_same_file_is_one_import_whatever_it_is_called(owner: Person, stranger: Person) -> None:
    first = bring(owner)
    assert bring(make_colleague(owner)) == first
    assert bring(stranger) != first
    assert bring(owner, TIM + "Sue,,a pen,\n") != first


def test_numbers_and_days_are_read_as_the_table_writes_them(owner: Person) -> None:
    content = "name,item,date\nTim,a book,31.12.2025 10:30\nTim,a pen,2026-01-02\n"
    bring_in(owner, content, day_order="dmy")
    assert [str(purchase.purchased_on) for purchase in owner.purchases()] == ["2025-12-31", "2026-01-02"]


def test_a_table_of_nothing_but_headers_comes_to_nothing(owner: Person) -> None:
    _, outcome = check(owner, "name,item\n")
    assert outcome["recorded"] == outcome["wrong"] == 0


# One at a time


def test_of_two_who_begin_at_once_one_does(owner: Person) -> None:
    import_id = bring(owner)
    with owner.app.app_context():
        stale = find(owner, import_id)
        assert imports.begin_check(stale, choices(TIM), by=owner.user) is not None
        assert imports.begin_check(stale, choices(TIM), by=owner.user) is None
        assert begin_recording(stale, owner) is None


def test_what_broke_off_can_be_begun_again_and_the_first_one_stores_nothing(
    owner: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_id, _ = check(owner)
    with owner.app.app_context():
        first = begin_recording(find(owner, import_id), owner)
        db.session.commit()
        assert first is not None
        assert not imports.has_broken_off(find(owner, import_id))
        later = clock.utc_now() + Import.SILENCE_MAX + timedelta(seconds=1)
        monkeypatch.setattr(clock, "utc_now", lambda: later)
        db.session.expire_all()
        assert imports.has_broken_off(find(owner, import_id))
        second = begin_recording(find(owner, import_id), owner)
        db.session.commit()
        with pytest.raises(Overtaken):
            imports.carry_out(first)
        db.session.rollback()
        carry_out(second)
    assert counting(owner) == ["a book"]


def test_why_nothing_was_stored_is_kept(owner: Person) -> None:
    import_id = bring(owner)
    with owner.app.app_context():
        step = begin(owner, import_id, TIM)
        assert step is not None
        imports.give_up(step, "Tillbook was busy")
        db.session.commit()
        file = find(owner, import_id)
        assert (file.status, file.fault) == ("uploaded", "Tillbook was busy")


def test_too_many_rows_are_refused(owner: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Import, "ROWS_MAX", 2)
    import_id = bring(owner, "name,item\n" + "Tim,a\n" * 3)
    with owner.app.app_context():
        step = begin(owner, import_id, "name,item")
        assert step is not None
        with pytest.raises(Exception, match="The file has 3 rows, and at most 2 can be imported"):
            imports.carry_out(step)


def test_progress_is_told_while_it_runs(owner: Person) -> None:
    content = "name,item\n" + "Tim,a\n" * 2_500
    import_id = bring(owner, content)
    told: list[tuple[int, int]] = []
    with owner.app.app_context():
        step = begin(owner, import_id, content)
        watch = lambda *_: told.append(seen(owner, import_id))  # noqa: E731
        event.listen(db.engine, "savepoint", watch)
        try:
            carry_out(step)
        finally:
            event.remove(db.engine, "savepoint", watch)
    assert (1_000, 2_500) in told
    assert (2_000, 2_500) in told


def seen(person: Person, import_id: UUID) -> tuple[int, int]:
    """By somebody else."""
    token = only_reads.set(True)
    with person.app.app_context():
        heard = imports.progress(find(person, import_id))
        db.session.rollback()
        only_reads.reset(token)
        return heard.rows_done, heard.rows_total


# Taking back


def test_an_import_is_taken_back_and_brought_back(owner: Person) -> None:
    import_id = bring_in(owner, "name,item\nTim,a book\nSue,a pen\n")
    assert take_back(owner, import_id) == 2
    assert (counting(owner), listed(owner)) == ([], [])
    assert {purchase.void_reason for purchase in owner.purchases()} == {"Import undone"}
    assert bring_back(owner, import_id) == 2
    assert counting(owner) == ["a book", "a pen"]
    assert listed(owner) == [{"name": "Tim"}, {"name": "Sue"}]
    assert take_back(owner, import_id) == 2
    assert (counting(owner), listed(owner)) == ([], [])


def test_the_history_of_each_purchase_tells_that_its_import_was_undone_and_brought_back(owner: Person) -> None:
    import_id = bring_in(owner, "name,item\nTim,a book\nSue,a pen\n")
    take_back(owner, import_id)
    bring_back(owner, import_id)
    for purchase in owner.purchases():
        assert history(owner, purchase) == [
            ("status", "recorded", "void"),
            ("void_reason", None, "Import undone"),
            ("status", "void", "recorded"),
            ("void_reason", "Import undone", None),
        ]


def test_it_is_taken_back_once(owner: Person) -> None:
    import_id = bring_in(owner)
    with pytest.raises(CannotUndo):
        bring_back(owner, import_id)
    take_back(owner, import_id)
    with pytest.raises(CannotUndo):
        take_back(owner, import_id)
    with owner.app.app_context():
        kinds = db.session.scalars(select(Action.kind).order_by(Action.id)).all()
    assert kinds == ["import", "undo"]


def test_who_was_known_before_is_as_before(owner: Person) -> None:
    owner.capture(customer="Tim", item="a cup")
    known = identities(owner)
    import_id = bring_in(owner)
    assert listed(owner) == [{"name": "Tim", "email": "tim@example.com"}]
    take_back(owner, import_id)
    assert (counting(owner), listed(owner), identities(owner)) == (["a cup"], [{"name": "Tim"}], known)
    bring_back(owner, import_id)
    assert listed(owner) == [{"name": "Tim", "email": "tim@example.com"}]
    assert "email:tim@example.com" in identities(owner)


def test_the_value_before_comes_back_after_several_rows_changed_it(owner: Person) -> None:
    owner.capture(customer="Tim", email="tim@example.com", phone="+1 212 555 0100")
    rows = "".join(f"tim@example.com,+1 212 555 01{number:02},a book\n" for number in (1, 2, 3))
    import_id = bring_in(owner, "email,phone,item\n" + rows)
    take_back(owner, import_id)
    assert listed(owner) == [{"name": "Tim", "email": "tim@example.com", "phone": "+1 212 555 0100"}]
    assert identities(owner) == ["email:tim@example.com", "name:tim", "phone:+12125550100"]
    bring_back(owner, import_id)
    [tim] = listed(owner)
    assert tim["phone"] == "+1 212 555 0103"


def test_what_was_changed_again_since_stays(owner: Person) -> None:
    owner.capture(customer="Tim", email="tim@example.com")
    import_id = bring_in(owner, "email,phone,item\ntim@example.com,+1 212 555 0101,a book\n")
    owner.capture(email="tim@example.com", phone="+1 212 555 0102", customer="")
    take_back(owner, import_id)
    [tim] = listed(owner)
    assert tim["phone"] == "+1 212 555 0102"


def test_who_bought_again_since_stays(owner: Person) -> None:
    import_id = bring_in(owner)
    owner.capture(customer="tim@example.com", item="a lamp")
    take_back(owner, import_id)
    assert counting(owner) == ["a lamp"]
    assert listed(owner) == [{"name": "Tim", "email": "tim@example.com"}]


def test_who_buys_while_an_import_of_theirs_is_taken_back_is_there(owner: Person) -> None:
    import_id = bring_in(owner)
    has_found, goes_on = Event(), Event()

    def buy() -> None:
        with owner.app.app_context():
            details = owner.details(customer="tim@example.com", item="a pen")
            capture(details, shop=owner.user.shop, by=owner.user, source="web", key="pen")
            has_found.set()
            goes_on.wait(timeout=1)
            db.session.commit()

    with ThreadPoolExecutor() as threads:
        buying = threads.submit(buy)
        assert has_found.wait(timeout=10)
        taking_back = threads.submit(take_back, owner, import_id)
        buying.result()
        assert taking_back.result() == 1
    assert counting(owner) == ["a pen"]
    assert len(listed(owner)) == 1


def test_a_purchase_that_was_void_before_stays_void(owner: Person) -> None:
    import_id = bring_in(owner, "name,item\nTim,a book\nTim,a pen\n")
    [book, _] = owner.browser.get("/purchases").soup.select("td[data-column=Item] a")
    owner.browser.get(str(book["href"])).submit("section .actions form")
    assert take_back(owner, import_id) == 1
    assert bring_back(owner, import_id) == 1
    assert len(counting(owner)) == 1


def test_a_withdrawn_customer_comes_back_by_a_capture(owner: Person) -> None:
    import_id = bring_in(owner)
    take_back(owner, import_id)
    captured = owner.capture(customer="tim@example.com", item="a lamp")
    assert captured.purchase.matched_on == "email"
    assert listed(owner) == [{"name": "Tim", "email": "tim@example.com"}]


def test_a_file_that_was_taken_back_may_come_in_with_other_columns(owner: Person) -> None:
    content = "name,what,for\nTim,a book,Sue\n"
    import_id = bring_in(owner, content, columns={0: "name", 2: "item"})
    take_back(owner, import_id)
    with owner.app.app_context():
        imports.start_over(find(owner, import_id))
        db.session.commit()
        carry_out(begin(owner, import_id, content, columns={0: "name", 1: "item"}))
    assert record(owner, import_id) == "recorded"
    assert counting(owner) == ["a book"]
    assert take_back(owner, import_id) == 1


def test_nobody_else_s_import_is_touched(owner: Person, stranger: Person) -> None:
    bring_in(stranger)
    import_id = bring_in(owner)
    assert take_back(owner, import_id) == 1
    assert counting(stranger) == ["a book"]
    assert len(listed(stranger)) == 1
    with owner.app.app_context():
        assert imports.find(stranger.shop_id, import_id) is None


def test_more_customers_are_put_back_than_are_handled_at_once(owner: Person) -> None:
    bring_in(owner, "reference,item\n" + "".join(f"{number},a book\n" for number in range(1_100)))
    known = identities(owner)
    rows = "".join(f"{number},tim{number}@example.com,a pen\n" for number in range(1_100))
    import_id = bring_in(owner, "reference,email,item\n" + rows)
    assert len(identities(owner)) == 2_200
    assert take_back(owner, import_id) == 1_100
    assert identities(owner) == known
    assert {tuple(customer) for customer in listed(owner)} == {("reference",)}


def test_no_row_is_left_without_its_purchase(owner: Person) -> None:
    import_id = bring_in(owner)
    with owner.app.app_context():
        assert db.session.scalar(select(func.count()).select_from(Customer)) == 1
        keys = db.session.scalars(select(Purchase.capture_key)).all()
        assert keys == [f"{find(owner, import_id).key_prefix}1"]


# Customers


PHONES = "name,email,phone,note\nTim,tim@example.com,,tall\nSue,,+1 212 555 0101,\n"


def notes(person: Person) -> dict[str | None, str | None]:
    return {customer.name: customer.note for customer in person.customers()}


def test_customers_are_kept_and_nothing_is_recorded(owner: Person) -> None:
    owner.capture(customer="Sue", item="a cup")
    _, outcome = check(owner, PHONES)
    assert (outcome["kind"], outcome["created"], outcome["updated"], outcome["recorded"]) == ("customers", 1, 1, 2)
    assert listed(owner) == [{"name": "Sue"}]
    bring_in(owner, PHONES)
    assert listed(owner) == [
        {"name": "Sue", "phone": "+1 212 555 0101"},
        {"name": "Tim", "email": "tim@example.com"},
    ]
    assert notes(owner) == {"Sue": None, "Tim": "tall"}
    assert counting(owner) == ["a cup"]


def test_customers_are_taken_back_and_brought_back_again_and_again(owner: Person) -> None:
    owner.capture(customer="Sue", item="a cup")
    known = identities(owner)
    import_id = bring_in(owner, PHONES + "Sue,,,short\n")
    for _ in range(2):
        assert take_back(owner, import_id) == 2
        assert (listed(owner), notes(owner)["Sue"]) == ([{"name": "Sue"}], None)
        assert set(known) <= set(identities(owner))
        assert "phone:+12125550101" not in identities(owner)
        assert bring_back(owner, import_id) == 2
        assert listed(owner) == [
            {"name": "Sue", "phone": "+1 212 555 0101"},
            {"name": "Tim", "email": "tim@example.com"},
        ]
        assert notes(owner) == {"Sue": "short", "Tim": "tall"}


def test_what_later_stands_on_imported_customers_stays(owner: Person) -> None:
    import_id = bring_in(owner, PHONES)
    owner.capture(customer="tim@example.com", item="a lamp")
    take_back(owner, import_id)
    assert listed(owner) == [{"name": "Tim", "email": "tim@example.com"}]
    assert counting(owner) == ["a lamp"]


def test_imported_customers_stay_when_their_only_purchase_is_taken_back(owner: Person) -> None:
    bring_in(owner, PHONES)
    bought = owner.capture(customer="tim@example.com")
    assert owner.api.post(f"/purchases/{bought.purchase.public_id}/void").status == 200
    assert len(listed(owner)) == 2


def test_customers_who_are_not_clear_or_wrong_are_told(owner: Person) -> None:
    owner.capture(customer="Ann <ann@example.com>")
    owner.capture(customer="Ann <other@example.com>")
    import_id, outcome = check(owner, "name,email,note\nAnn,,tall\nTim,tim@,\nSue,ann@example.com,\n,,alone\n")
    assert (outcome["ambiguous"], outcome["wrong"], outcome["updated"]) == (1, 2, 1)
    assert record(owner, import_id) == "checked"
    assert {customer.note for customer in owner.customers()} == {None}


# Customers told apart by ids


ID_1, ID_2, ID_3 = (public_id.encode(public_id.CUSTOMER, UUID(int=number)) for number in (1, 2, 3))


def test_customers_with_ids_are_taken_back_and_brought_back(owner: Person) -> None:
    tim = [{"name": "Tim", "email": "tim@example.com"}, {"name": "Tim"}]
    import_id = bring_in(owner, f"customer_id,name,email\n{ID_1},Tim,tim@example.com\n{ID_2},Tim,\n")
    assert listed(owner) == tim
    for _ in range(2):
        assert (take_back(owner, import_id), listed(owner)) == (2, [])
        assert (bring_back(owner, import_id), listed(owner)) == (2, tim)


def test_each_id_is_a_customer_of_its_own(owner: Person) -> None:
    rows = f"{ID_1},Tim,,a book\n{ID_2},Tim,,a pen\n{ID_1},Tim,tim@example.com,a lamp\n,,tim@example.com,a cup\n"
    columns = {0: "customer_id", 1: "name", 2: "email", 3: "item"}
    bring_in(owner, "customer_id,name,email,item\n" + rows, columns=columns)
    first, second, third, fourth = (purchase.customer_id for purchase in owner.purchases())
    assert first == third == fourth != second
    assert listed(owner) == [{"name": "Tim", "email": "tim@example.com"}, {"name": "Tim"}]


def test_the_first_row_of_an_id_finds_who_is_known(owner: Person) -> None:
    known = owner.capture(customer="Tim").customer.id
    bring_in(owner, f"customer_id,name,item\n{ID_1},Tim,a book\n{ID_2},Tim,a pen\n{ID_1},Tim,a lamp\n")
    owners = [purchase.customer_id for purchase in owner.purchases()]
    assert owners[0] == owners[1] == owners[3] == known
    assert owners[2] == UUID(int=2)


def test_ids_mean_the_same_across_batches_and_files(owner: Person) -> None:
    rows = "".join(f"{ID_1 if number % 2 else ID_2},Tim,{number}\n" for number in range(2_100))
    bring_in(owner, "customer_id,name,item\n" + rows)
    bring_in(owner, f"customer_id,name,note\n{ID_2},Tim,second\n{ID_1},Tim,first\n")
    assert [(one.id.int, one.note) for one in owner.customers()] == [(1, "first"), (2, "second")]
    assert {purchase.customer_id.int for purchase in owner.purchases()} == {1, 2}


@pytest.mark.parametrize("known", [[ID_2], [ID_2, ID_3]])
def test_whose_id_stands_further_down_is_not_taken_for_somebody_else(owner: Person, known: list[str]) -> None:
    bring_in(owner, "customer_id,name,item\n" + "".join(f"{one},Tim,a book\n" for one in known))
    all_of_them = "".join(f"{one},Tim,of {one}\n" for one in (ID_1, *known))
    bring_in(owner, f"customer_id,name,note\n{all_of_them}")
    assert sorted((one.public_id, one.note) for one in owner.customers()) == [
        (one, f"of {one}") for one in (ID_1, *known)
    ]


def test_an_id_of_this_shop_means_that_customer(owner: Person, stranger: Person) -> None:
    tim = owner.capture(customer="Tim").customer
    foreign = stranger.capture(customer="Tim").customer
    bring_in(owner, f"customer_id,name,item\n{tim.public_id},,a book\n{foreign.public_id},Tim,a pen\n")
    assert [purchase.customer_id for purchase in owner.purchases()] == [tim.id, tim.id, foreign.id]
    assert (len(stranger.purchases()), len(stranger.customers())) == (1, 1)


def test_ids_that_cannot_be_meant_are_refused(owner: Person) -> None:
    owner.capture(customer="Sue <sue@example.com>")
    rows = f"{ID_1},Sue,sue@example.com,a pen\n{ID_2},Tim,sue@example.com,a book\nnew,Tim,,a cup\n{ID_2},,,a lamp\n"
    columns = {0: "customer_id", 1: "name", 2: "email", 3: "item"}
    _, outcome = check(owner, "customer_id,name,email,item\n" + rows, columns=columns)
    assert (outcome["ambiguous"], outcome["wrong"], outcome["recorded"]) == (1, 2, 1)
