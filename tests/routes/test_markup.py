"""Whatever was typed is only text, on every page that shows it."""

import re
from urllib.parse import urlencode

import pytest
from bs4 import BeautifulSoup
from flask import Flask

from tests.cast import Person, make_person
from tests.pages import Browser
from tests.routes.test_imports import press, settled, upload
from tests.routes.test_tenancy import PREFIXES, Ids, filled_in

TYPED = "\"><i class='planted'>Tim</i>"
CELL = '"' + TYPED.replace('"', '""') + '"'
TABLE = f"name,item,note,{CELL}\n{CELL},{CELL},{CELL},{CELL}\n{CELL},,{CELL},{CELL}\n"


@pytest.fixture
def till(app: Flask) -> Person:
    """Whose shop, customers, purchases, tokens and files are called so."""
    till = make_person(app, "till@example.com", shop_name=TYPED)
    known = {"name": TYPED, "reference": TYPED, "item": TYPED, "note": TYPED}
    first = till.capture(customer="", external_id=TYPED, **known).customer.public_id
    second = till.capture(customer="", name=f"{TYPED} Smith", item=TYPED).customer.public_id
    third = till.capture(customer="", name=f"{TYPED} Jones", item=TYPED).customer.public_id
    till.api.patch(f"/customers/{first}", {"name": f"{TYPED} Miller", "note": TYPED})
    till.api.post(f"/customers/{first}/merge", {"from_customer_id": third})
    voided = till.capture(customer="", customer_id=second, item=TYPED).purchase.public_id
    till.api.post(f"/purchases/{voided}/void", {"reason": TYPED})
    till.browser.get("/account/tokens").submit(name=TYPED)
    return till


def ids(till: Person) -> Ids:
    """Of what is shown somewhere."""
    seen = "".join(till.browser.get_raw(path).text for path in ("/account/tokens", "/imports"))
    found = {prefix: sorted(set(re.findall(rf"{prefix}_[0-9a-z]{{26}}", seen))) for prefix in PREFIXES.values()}
    customers = [one.public_id for one in till.customers() if one.merged_into_id is None]
    purchases = [one.public_id for one in till.purchases()]
    return found | {"cus": customers, "pur": purchases}


def shows_only_text(answer: str) -> bool:
    """Whether it shows what was typed at all; fails where a browser would take it for markup."""
    soup = BeautifulSoup(answer, "html.parser")
    assert soup.select(".planted") == []
    return "planted" in answer


def test_what_was_typed_is_only_text_on_every_page(till: Person) -> None:
    brought = settled(upload(till, TABLE, "<i class='planted'>.csv").submit("main form[method=post]"))
    shown, known = [], ids(till)
    for rule in till.app.url_map.iter_rules():
        if "GET" not in (rule.methods or ()) or rule.endpoint.startswith("api."):
            continue
        for path in filled_in(rule.rule, known) if rule.arguments <= {"id", "other_id"} else ():
            answer = till.browser.get_raw(path)
            assert answer.status_code < 500
            if answer.mimetype == "text/html" and shows_only_text(answer.text):
                shown.append(rule.endpoint)
    assert shows_only_text(settled(press(brought, "Leave 1 row out")).response.text)
    assert len(shown) >= 18, shown


def test_what_was_typed_is_only_text_where_it_has_to_be_typed_again(till: Person) -> None:
    new = till.browser.get("/purchases/new")
    purchase = till.purchases()[0].public_id
    edit = till.browser.get(f"/purchases/{purchase}/edit")
    till.api.patch(f"/purchases/{purchase}", {"item": f"{TYPED} 2"})
    asked = urlencode({"q": TYPED, "item": TYPED, "purchased_from": TYPED, "from": TYPED})
    pages = [
        new.submit(status=422, customer=TYPED, item=TYPED, note=TYPED, amount=TYPED),
        new.submit(status=422, customer=f"{TYPED} Smith", item="", quantity=TYPED),
        till.browser.get("/account/tokens").submit(status=422, name=TYPED * 9),
        edit.submit(status=422, item="a pen"),
        till.browser.get(f"/purchases?{asked}", 422),
        till.browser.get(f"/customers?{asked}"),
        till.browser.get(f"/reports?{asked}", 422),
        Browser(till.app).post("/purchases", {"customer": TYPED, "item": TYPED}, 401),
    ]
    assert [page.path for page in pages if not shows_only_text(page.response.text)] == []
