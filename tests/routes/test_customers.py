import pytest

from services import search
from tests.cast import Person
from tests.pages import Browser, Page, text_of


def found(person: Person, q: str) -> list[str]:
    page = person.browser.get("/customers").submit("form.filters", q=q)
    return [row[0] for row in page.rows("Customers")] if page.soup.table else []


@pytest.mark.parametrize(
    ("q", "names"),
    [
        ("", ["Bob Tim", "Sue", "Tim"]),
        ("TIM", ["Bob Tim", "Tim"]),
        ("tim@", ["Tim"]),
        ("@EXAMPLE.com", ["Sue", "Tim"]),
        ("(212) 555-0100", ["Sue"]),
        ("5550100", ["Sue"]),
        ("k-7", ["Bob Tim"]),
        ("K-7Ä", ["Bob Tim"]),
        ("nobody", []),
        ("_", []),
    ],
)
def test_customers_are_found_by_how_anything_begins_that_they_are_known_by(
    owner: Person, q: str, names: list[str]
) -> None:
    owner.capture(customer="Tim <tim@example.com>")
    owner.capture(customer="Sue <sue@example.com>", phone="+1 212 555 0100")
    owner.capture(customer="Bob Tim", reference="K-7Ä")
    assert found(owner, q) == names


def suggested(person: Person, q: str) -> list[dict[str, str]]:
    answer = person.browser.get_raw(f"/customers/suggest?q={q}")
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.json is not None
    return list(answer.json["customers"])


def test_suggestions_tell_customers_apart(owner: Person) -> None:
    tim = owner.capture(customer="Tim <tim@example.com>", purchased_on="2026-11-02").customer
    owner.capture(customer="", reference="7", purchased_on="2026-11-02")
    owner.capture(customer="Tim <tim@example.com>", purchased_on="2026-11-01")
    assert suggested(owner, "TI") == [
        {
            "id": tim.public_id,
            "name": "Tim",
            "contact": "tim@example.com",
            "detail": "2 purchases, last on 2 Nov 2026",
        }
    ]
    [unnamed] = suggested(owner, "7")
    assert (unnamed["name"], unnamed["contact"]) == ("Customer 7", "")
    assert unnamed["detail"] == "1 purchase, last on 2 Nov 2026"


def test_at_most_eight_are_suggested(owner: Person) -> None:
    for number in range(10):
        owner.capture(customer=f"Tim {number}")
    assert len(suggested(owner, "tim")) == 8


@pytest.mark.parametrize("q", ["", "%20", "nobody", "%E2%80%8B", "%CC%81", "%25", "…", "'"])
def test_nothing_typed_or_nobody_found_suggests_nobody(owner: Person, q: str) -> None:
    owner.capture(customer="Tim")
    assert suggested(owner, q) == []


def test_what_cannot_be_searched_for_is_refused_in_words(owner: Person) -> None:
    for q in ("x" * 201, "%00"):
        answer = owner.browser.get_raw(f"/customers/suggest?q={q}")
        assert answer.status_code == 422
        assert answer.json is not None
        assert answer.json["message"].startswith("Search ")


def test_suggestions_are_for_who_is_signed_in_and_of_their_own_shop(owner: Person, stranger: Person) -> None:
    stranger.capture(customer="Tim")
    assert suggested(owner, "tim") == []
    assert Browser(owner.app).get("/customers/suggest?q=tim").heading == "Sign in"


def test_an_older_address_still_finds_the_customer(owner: Person) -> None:
    owner.capture(customer="Tim <old@example.com>", reference="7")
    owner.capture(customer="Tim <new@example.com>", reference="7")
    assert found(owner, "old@") == ["Tim"]


def test_the_list_says_how_much_they_bought_and_when_last(owner: Person) -> None:
    owner.capture(customer="Tim", purchased_on="2026-11-02")
    owner.capture(customer="Tim", purchased_on="2026-10-30")
    assert owner.browser.get("/customers").rows("Customers") == [["Tim", "", "2", "2 Nov 2026"]]


def test_the_page_of_a_customer_shows_contact_identities_purchases_and_history(owner: Person) -> None:
    owner.capture(customer="Tim", item="a book")
    owner.capture(customer="Tim <tim@example.com>", item="a pen", amount="3.50", note="gift")
    customer = owner.capture(customer="tim@example.com", phone="212 555 0100").customer
    page = owner.browser.get(f"/customers/{customer.public_id}")
    assert page.heading == "Tim"
    known_by = [" ".join(item.get_text(" ", strip=True).split()) for item in page.soup.select(".identities li")]
    assert known_by == ["E-mail address tim@example.com", "Phone number +12125550100", "Name tim"]
    assert ["a pen gift", "$3.50", "1"] in [row[:3] for row in page.rows("Purchases")]
    changes = [row[1:] for row in page.rows("History")]
    who = "owner@example.com, by recording a purchase"
    assert [row[:4] for row in changes] == [
        ["Phone number", "", "212 555 0100", who],
        ["E-mail address", "", "tim@example.com", who],
        ["Name", "", "Tim", who],
    ]


def test_long_lists_of_a_customer_have_pages_of_their_own(owner: Person) -> None:
    for number in range(60):
        customer = owner.capture(customer=f"Tim{number} <tim@example.com>", item=f"book {number:02}").customer
    page = owner.browser.get(f"/customers/{customer.public_id}")
    older = [link["href"] for link in page.soup.select("a[rel=next]")]
    more_purchases, more_history = (owner.browser.get(str(href)) for href in older)
    assert len(more_purchases.rows("Purchases")) == 10
    assert len(more_purchases.rows("History")) == 50
    assert len(more_history.rows("History")) == 11
    assert len(more_history.rows("Purchases")) == 50


def test_a_customer_without_a_name_is_shown_by_the_next_best(owner: Person) -> None:
    for customer in ("tim@example.com", "+1 212 555 0100"):
        owner.capture(customer=customer)
    owner.capture(customer="", reference="7")
    names = {row[0] for row in owner.browser.get("/customers").rows("Customers")}
    assert names == {"tim@example.com", "+1 212 555 0100", "Customer 7"}


def test_markup_in_a_name_is_only_text(owner: Person) -> None:
    name = "<script>alert(1)</script>"
    customer = owner.capture(name=name, customer="").customer
    assert owner.browser.get(f"/customers/{customer.public_id}").heading == name


def test_a_strangers_customer_and_none_at_all_look_the_same(owner: Person, stranger: Person) -> None:
    theirs = stranger.capture().customer.public_id
    addresses = (theirs, "cus_01h455vb4pex5vsknk084sn02q", "cus_x", "1", theirs.upper())
    pages = [owner.browser.get(f"/customers/{address}", 404) for address in addresses]
    assert {page.heading for page in pages} == {"Page not found"}


def test_the_page_of_one_who_was_merged_leads_to_who_stays(owner: Person) -> None:
    tom, sue = owner.capture(customer="Tom").customer, owner.capture(customer="Sue", note="red").customer
    owner.api.patch(f"/customers/{tom.public_id}", {"note": "tall"})
    owner.api.post(f"/customers/{sue.public_id}/merge", {"from_customer_id": tom.public_id})
    page = owner.browser.get(f"/customers/{tom.public_id}")
    assert "Tom was merged into Sue" in words_of(page)
    assert page.link("Sue") == f"/customers/{sue.public_id}"
    assert {row[1]: row[3] for row in page.rows("History")}["Merged into"] == "Sue"
    page = owner.browser.get(f"/customers/{sue.public_id}")
    assert page.heading == "Sue"
    said = {row[1]: row[2:4] for row in page.rows("History")}
    assert said["Merged with"] == ["", "Tom"]
    assert said["Note"] == ["", "tall"]


def test_what_was_voided_is_on_no_page(owner: Person) -> None:
    captured = owner.capture(customer="Tom", item="a wrong thing")
    owner.api.post(f"/purchases/{captured.purchase.public_id}/void")
    assert "0 purchases" in words_of(owner.browser.get(f"/customers/{captured.customer.public_id}"))
    for path in ("/purchases", "/purchases/new", f"/customers/{captured.customer.public_id}"):
        assert "a wrong thing" not in words_of(owner.browser.get(path))


def test_a_customer_is_edited_and_the_note_is_shown(owner: Person) -> None:
    customer = owner.capture(customer="Tim <tim@example.com>", phone="212 555 0100").customer
    form = owner.browser.get(owner.browser.get(f"/customers/{customer.public_id}").link("Edit"))
    assert form.heading == "Edit Tim"
    values = {name: form.value_of(name) for name in ("name", "email", "phone", "reference", "note")}
    assert values == {"name": "Tim", "email": "tim@example.com", "phone": "212 555 0100", "reference": "", "note": ""}
    page = form.submit(name="Timothy", phone="", reference="K-7", note="Collects\non Fridays")
    assert page.message == "Changed: Timothy (tim@example.com, Customer K-7)."
    assert facts(page) == {
        "Name": "Timothy",
        "E-mail address": "tim@example.com",
        "Phone number": "Not known",
        "Customer number": "K-7",
        "Note": "Collects on Fridays",
    }
    assert owner.capture(customer="", phone="212 555 0100").outcome == "created"


def test_an_edit_is_undone_by_the_button_beside_its_message(owner: Person) -> None:
    customer = owner.capture(customer="Tim").customer
    page = owner.browser.get(f"/customers/{customer.public_id}/edit").submit(name="Tom", note="Tall")
    page = page.submit(".undo")
    assert page.message == "Taken back. The history tells what it was."
    assert (page.heading, "Note" in facts(page)) == ("Tim", False)


def test_an_edit_without_a_difference_changes_nothing(owner: Person) -> None:
    customer = owner.capture(customer="Tim").customer
    page = owner.browser.get(f"/customers/{customer.public_id}/edit").submit()
    assert page.message == "Nothing was different, so nothing was changed."


@pytest.mark.parametrize(
    ("values", "field", "words"),
    [
        ({"email": "tim@"}, "email", "Enter an e-mail address like name@example.com"),
        ({"name": "..."}, "name", "Customer name must have a letter or a number in it"),
        ({"note": "x" * 2001}, "note", "Note must be 2,000 characters or fewer"),
        ({"name": "", "note": "?"}, "name", "Keep a name, an e-mail address, a phone number or a customer number"),
        ({"email": "SUE@example.com"}, "email", "SUE@example.com belongs to Sue. Merge the two first"),
    ],
)
def test_what_cannot_be_known_of_a_customer_is_said_beside_the_field(
    owner: Person, values: dict[str, str], field: str, words: str
) -> None:
    owner.capture(customer="Sue <sue@example.com>")
    customer = owner.capture(customer="Tim").customer
    form = owner.browser.get(f"/customers/{customer.public_id}/edit")
    page = form.submit(status=422, **values)
    assert page.error_at(field) == f"Error: {words}"
    assert {name: page.value_of(name) for name in values} == values
    assert [one.name for one in owner.customers()] == ["Sue", "Tim"]


def test_what_belongs_to_another_offers_to_merge_them(owner: Person) -> None:
    sue = owner.capture(customer="Sue <sue@example.com>").customer
    tim = owner.capture(customer="Tim").customer
    page = owner.browser.get(f"/customers/{tim.public_id}/edit").submit(status=422, email="sue@example.com")
    page = owner.browser.get(page.link("Look what merging them would do"))
    assert page.heading == "Merge Sue into Tim?"
    assert page.link("Let the other one stay") == f"/customers/{sue.public_id}/merge/{tim.public_id}"


def test_nobody_overwrites_what_was_changed_since_the_page_was_opened(owner: Person) -> None:
    customer = owner.capture(customer="Tim <tim@example.com>").customer
    form = owner.browser.get(f"/customers/{customer.public_id}/edit")
    owner.capture(customer="tim@example.com", phone="212 555 0100")
    page = form.submit(status=422, note="Tall")
    assert page.error_at("name").startswith("Error: Tim was changed since this page was opened.")
    assert page.submit().message == "Changed: Tim (tim@example.com)."


def test_one_who_was_merged_is_not_edited(owner: Person) -> None:
    tom, sue = owner.capture(customer="Tom").customer, owner.capture(customer="Sue").customer
    form = owner.browser.get(f"/customers/{tom.public_id}/edit")
    owner.api.post(f"/customers/{sue.public_id}/merge", {"from_customer_id": tom.public_id})
    assert form.submit(name="Tommy").message == (
        "This customer was merged into Sue. Change that one. Nothing was changed."
    )
    assert owner.browser.get(f"/customers/{tom.public_id}/edit").path == f"/customers/{tom.public_id}"


def test_a_strangers_customer_is_neither_edited_nor_merged(owner: Person, stranger: Person) -> None:
    theirs, mine = stranger.capture().customer.public_id, owner.capture().customer.public_id
    token = owner.browser.get("/account").fields("header form")
    unknown = "cus_01h455vb4pex5vsknk084sn02q"
    for other in (theirs, unknown):
        merges = (f"/customers/{mine}/merge/{other}", f"/customers/{other}/merge/{mine}")
        for path in (f"/customers/{other}/edit", f"/customers/{other}/merge", *merges, f"/customers/{other}/move"):
            assert owner.browser.get(path, 404).heading == "Page not found"
        for path in (f"/customers/{other}/edit", *merges, f"/customers/{other}/move"):
            owner.browser.post(path, token, 404)


def facts(page: Page) -> dict[str, str]:
    return {text_of(row.dt): text_of(row.dd) for row in page.soup.select("main dl > div")}


def words_of(page: Page) -> str:
    return page.soup.get_text(" ", strip=True)


@pytest.fixture
def few_are_walked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "_WALKED", 3)


@pytest.mark.usefixtures("few_are_walked")
def test_of_very_many_the_likeliest_are_shown(owner: Person) -> None:
    for name in ("Anna Tim", "Bob Tim", "Cleo Tim", "Tim"):
        owner.capture(customer=name)
    page = owner.browser.get("/customers").submit("form.filters", q="tim")
    assert page.rows("The likeliest customers")[0][0] == "Tim"
    assert "Very many customers are found by that." in text_of(page.soup.main)
    assert found(owner, "cleo tim") == ["Cleo Tim"]


@pytest.mark.usefixtures("few_are_walked")
def test_who_is_not_among_the_first_of_very_many_is_found(owner: Person) -> None:
    for name in ("Bob Dee", "Bob Hay", "Bob Jay", "Sue Lee", "Sue Moe", "Sue Bob"):
        owner.capture(customer=name)
    assert found(owner, "bob sue") == ["Sue Bob"]
