import pytest

from tests.cast import Person
from tests.pages import Page


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
def test_customers_are_found_by_a_part_of_anything_they_are_known_by(owner: Person, q: str, names: list[str]) -> None:
    owner.capture(customer="Tim <tim@example.com>")
    owner.capture(customer="Sue <sue@example.com>", phone="+1 212 555 0100")
    owner.capture(customer="Bob Tim", reference="K-7Ä")
    assert found(owner, q) == names


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
    assert changes == [
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
    assert page.link(sue.public_id) == f"/customers/{sue.public_id}"
    page = owner.browser.get(f"/customers/{sue.public_id}")
    assert page.heading == "Sue"
    said = {row[1]: row[2:4] for row in page.rows("History")}
    assert said["Merged with"] == ["", tom.public_id]
    assert said["Note"] == ["", "tall"]


def test_what_was_voided_is_on_no_page(owner: Person) -> None:
    captured = owner.capture(customer="Tom", item="a wrong thing")
    owner.api.post(f"/purchases/{captured.purchase.public_id}/void")
    assert "0 purchases" in words_of(owner.browser.get(f"/customers/{captured.customer.public_id}"))
    for path in ("/purchases", "/purchases/new", f"/customers/{captured.customer.public_id}"):
        assert "a wrong thing" not in words_of(owner.browser.get(path))


def words_of(page: Page) -> str:
    return page.soup.get_text(" ", strip=True)
