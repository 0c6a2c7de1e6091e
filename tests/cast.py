"""The people of the tests, and what they send."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any
from uuid import uuid4

from flask import Flask
from sqlalchemy import select, update

from extensions import db
from models import ApiToken, Customer, Purchase, Shop, User, clock
from schemas.account import Registration
from schemas.problems import ShopRules, judge
from schemas.purchase import PurchaseDetails, nested
from schemas.token import TokenDetails
from services import accounts, tokens
from services.capture import Capture, Captured, capture, capture_all
from services.refusals import Refusal
from tests.api.client import Api
from tests.pages import Browser

PASSWORD = "correct horse battery"


def registration_values(**changes: str) -> dict[str, str]:
    values = {
        "email": "owner@example.com",
        "password": PASSWORD,
        "shop_name": "Corner shop",
        "country": "US",
        "currency": "USD",
        "time_zone": "America/New_York",
    }
    return values | changes


def purchase_values(**changes: str) -> dict[str, str]:
    """The flat fields of a purchase that every door takes."""
    return {"customer": "Tim", "item": "a book"} | changes


@dataclass
class Person:
    app: Flask
    email: str
    user_id: int
    shop_id: int

    @cached_property
    def browser(self) -> Browser:
        """Signed in."""
        browser = Browser(self.app)
        with self.app.app_context():
            user = self.user
            accounts.open_session(user)
            db.session.commit()
            browser.sign_in(user.get_id())
        return browser

    @cached_property
    def api(self) -> Api:
        """With a token that may do everything."""
        return Api(self.app, self.token())

    def token(self, *scopes: str, **changes: Any) -> str:
        """The text of a new token with these scopes, or with all of them."""
        values = {"name": "Till 7", "scopes": scopes or ApiToken.SCOPES} | changes
        with self.app.app_context():
            _, text = tokens.make(judge(TokenDetails, values), user=self.user)
            db.session.commit()
            return text

    @property
    def user(self) -> User:
        """Needs an app context."""
        return db.session.get_one(User, self.user_id)

    def capture(self, key: str | None = None, source: str = "web", **flat: Any) -> Captured:
        """Records by the service and commits. `flat` are the fields of a form, `customer_id` too."""
        with self.app.app_context():
            captured = capture(
                self.details(**flat), shop=self.user.shop, by=self.user, source=source, key=key or str(uuid4())
            )
            db.session.commit()
            return captured

    def capture_all(self, several: Iterable[dict[str, Any]]) -> list[Captured]:
        """Records them together, to the same as one by one. Each is the fields of a form; none may be refused."""
        with self.app.app_context():
            wishes = [Capture(self.details(**flat), str(uuid4())) for flat in several]
            captured = capture_all(wishes, shop=self.user.shop, by=self.user, source="web")
            db.session.commit()
        return [_not_refused(one) for one in captured]

    def void_all(self, purchases: Iterable[Purchase]) -> None:
        """Without any history, and customers stay as they are."""
        theirs = Purchase.shop_id == self.shop_id, Purchase.id.in_([purchase.id for purchase in purchases])
        with self.app.app_context():
            db.session.execute(
                update(Purchase).where(*theirs).values(voided_at=clock.utc_now(), voided_by_id=self.user_id)
            )
            db.session.commit()

    def details(self, **flat: Any) -> PurchaseDetails:
        """Judged by the rules of the shop. Needs an app context."""
        shop = self.user.shop
        values = purchase_values() | flat
        chosen = {"customer_id": values.pop("customer_id")} if "customer_id" in values else {}
        return judge(PurchaseDetails, nested(values) | chosen, ShopRules(shop.currency, shop.country, shop.today()))

    def customers(self) -> list[Customer]:
        """All of the shop, the earliest first."""
        with self.app.app_context():
            found = select(Customer).where(Customer.shop_id == self.shop_id).order_by(Customer.id)
            return list(db.session.scalars(found))

    def purchases(self) -> list[Purchase]:
        """All of the shop, the earliest recorded first."""
        with self.app.app_context():
            found = select(Purchase).where(Purchase.shop_id == self.shop_id).order_by(Purchase.id)
            return list(db.session.scalars(found))


def _not_refused(result: Captured | Refusal) -> Captured:
    if isinstance(result, Refusal):
        raise result
    return result


def make_person(app: Flask, email: str, **changes: str) -> Person:
    """As if they had registered."""
    with app.app_context():
        details = _registration(email, **changes)
        names = ("currency", "country", "time_zone")
        return _make_user(app, Shop(name=details.shop_name, **{name: getattr(details, name) for name in names}), email)


def make_colleague(owner: Person, email: str = "colleague@example.com") -> Person:
    """A second user of the owner's shop."""
    with owner.app.app_context():
        return _make_user(owner.app, db.session.get_one(Shop, owner.shop_id), email)


def _make_user(app: Flask, shop: Shop, email: str) -> Person:
    user = User(shop=shop, email=email, email_normal=email, password_hash=_password_hash())
    db.session.add(user)
    db.session.commit()
    return Person(app, email, user.id, user.shop_id)


@cache
def _registration(email: str, **changes: str) -> Registration:
    """Judged once: to guess at the password takes longer than all the rest."""
    return judge(Registration, registration_values(email=email, **changes))


@cache
def _password_hash() -> str:
    return accounts.hash_password(PASSWORD)
