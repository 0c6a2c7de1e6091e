"""A shop of the kind that Tillbook is for, with half a year behind it: to look around in before typing anything."""

from collections.abc import Iterator
from datetime import timedelta
from random import Random
from typing import Any, NamedTuple

from models import Shop, User
from schemas.account import Registration
from schemas.problems import ShopRules, judge
from schemas.purchase import PurchaseDetails, nested
from services import accounts, editing, merging
from services.capture import Capture, Captured, capture_all

PEOPLE = 240
_DAYS = 183
_FIRST_NAMES = (
    "Aisha Amélie Anna Ben Carlos Chloé Daniel Elif Emma Finn Fatima George Hana Ivan Jakub José Julia Kofi Lena Liam "
    "Linh Lucía Maja Mateo Mia Mohammed Nina Noah Olga Oscar Priya Rosa Sam Sofia Sue Thandi Tim Tom Yuki Zoë"
)
_LAST_NAMES = (
    "Adeyemi Anderson Bauer Brown Castro Chen Díaz Dubois Evans Fischer García Haddad Hughes Ito Jensen Kaya Kowalski "
    "Larsen Lewis Martin Mbeki Müller Nguyen Novák O'Neil Patel Petrov Rossi Sato Schmidt Silva Smith Taylor Tremblay "
    "Walker Weber Williams Wilson Wójcik Young"
)
_ITEMS = {
    "a paperback": (799, 1499),
    "a hardback": (1999, 3499),
    "a cookbook": (2499, 3999),
    "a picture book": (1199, 1899),
    "a city map": (899, 1299),
    "a travel guide": (1599, 2499),
    "a notebook": (499, 1299),
    "a fountain pen": (2900, 8900),
    "a bottle of ink": (950, 1600),
    "pencils": (120, 250),
    "postcards": (100, 180),
    "wrapping paper": (350, 600),
    "a calendar": (1299, 1999),
    "a jigsaw puzzle": (1499, 2999),
    "a gift card": (2000, 5000),
}
_BY_THE_DOZEN = ("pencils", "postcards", "wrapping paper")


class Demo(NamedTuple):
    user: User
    customers: int
    purchases: int


def open_shop(details: Registration) -> Demo:
    """Opens a shop and records what its customers bought, the same each time. Raises EmailTaken. The caller commits."""
    user = accounts.register(details)
    chance = Random(1)  # noqa: S311  (nothing secret comes of it)
    rules = ShopRules(user.shop.currency, user.shop.country, user.shop.today())
    bought = sorted(_purchases(chance), key=lambda purchase: purchase["days_ago"], reverse=True)
    captures = [
        Capture(_judged(purchase, user.shop, rules), f"demo:{number}") for number, purchase in enumerate(bought)
    ]
    recorded = [
        one for one in capture_all(captures, shop=user.shop, by=user, source="web") if isinstance(one, Captured)
    ]
    _take_some_back(recorded, user)
    _put_two_together(recorded, user)
    return Demo(user, len({one.customer.id for one in recorded}) - 1, len(recorded))


def _judged(purchase: dict[str, Any], shop: Shop, rules: ShopRules) -> PurchaseDetails:
    on = shop.today() - timedelta(days=purchase.pop("days_ago"))
    return judge(PurchaseDetails, nested(purchase | {"purchased_on": on.isoformat()}), rules)


def _purchases(chance: Random) -> Iterator[dict[str, Any]]:
    """What each of them bought, as it would be typed."""
    for number in range(PEOPLE):
        person = _person(number, chance)
        since = chance.randrange(_DAYS)
        for _ in range(1 + min(int(chance.expovariate(0.2)), 40)):
            yield {**person, **_bought(chance), "days_ago": chance.randrange(since + 1)}


def _person(number: int, chance: Random) -> dict[str, str]:
    """Each has an address of their own: nobody is taken for a namesake."""
    first, last = chance.choice(_FIRST_NAMES.split()), chance.choice(_LAST_NAMES.split())
    known = {"name": f"{first} {last}", "email": f"{first}.{number}@example.com".encode("ascii", "ignore").decode()}
    if chance.random() < 0.5:
        known["phone"] = f"+1 212 555 {100 + number % 100:04}" if number < 100 else f"+44 7700 900{number % 1000:03}"
    if chance.random() < 0.3:
        known["reference"] = f"C-{1000 + number}"
    return known


def _bought(chance: Random) -> dict[str, str]:
    item = chance.choice(list(_ITEMS))
    quantity = chance.choice((6, 12, 24)) if item in _BY_THE_DOZEN else chance.choice((1, 1, 1, 1, 2, 3))
    cents = chance.randint(*_ITEMS[item]) * quantity
    paid = {"amount": f"{cents // 100}.{cents % 100:02}"} if chance.random() < 0.95 else {}
    return {"item": item, "quantity": str(quantity), **paid}


def _take_some_back(recorded: list[Captured], user: User) -> None:
    for one in recorded[40 :: len(recorded) // 8]:
        line = editing.find_with_customer(user.shop_id, one.purchase.id)
        assert line is not None
        editing.void(line.purchase, "Rung up twice", by=user)


def _put_two_together(recorded: list[Captured], user: User) -> None:
    stays, other, *_ = dict.fromkeys(one.customer.id for one in recorded)
    merging.merge(other, stays, shop=user.shop, by=user)
