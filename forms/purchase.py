from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID, uuid4

from wtforms import HiddenField, RadioField, StringField, TextAreaField

from forms.base import SchemaForm
from models import Purchase, public_id
from models.public_id import CUSTOMER
from schemas.capture_key import read_key
from schemas.contact import line_of
from schemas.money import Money
from schemas.problems import Problem, Refused, ShopRules, judge
from schemas.purchase import FLAT_FIELDS, NEW_CUSTOMER, PurchaseDetails, WhoBought, flat_field, nested
from schemas.sentence import Choice, SentenceUnclear, read_sentence
from schemas.text import is_blank


class PurchaseForm(SchemaForm):
    schema = PurchaseDetails
    rules: ShopRules

    key = HiddenField()
    """The capture key, made when the page is rendered: sending the page twice records once."""
    customer_id = RadioField("Who bought it?", validate_choice=False)
    asked_about = HiddenField()
    """What was typed for the customer when the page asked who is meant; another text asks anew."""
    offered = HiddenField()
    """Whom the page offered when it asked: public ids and `new`, separated by spaces."""
    picked = HiddenField()
    """The customer chosen from the suggestions: a public id."""
    picked_as = HiddenField()
    """What that choice wrote into the line of the customer: another text there makes it void."""
    sentence = StringField("In one sentence")
    instead = HiddenField()
    """The sentence chosen in place of one that was not clear."""
    read = HiddenField()
    """The sentence that the fields stand for."""
    kept_on = HiddenField()
    """The day of the purchase before this one, where that was not today."""
    customer = StringField("Customer")
    item = StringField("Item")
    amount = StringField("Amount")
    quantity = StringField("Quantity", default="1")
    purchased_on = StringField("Date", default="today")
    email = StringField("E-mail address")
    phone = StringField("Phone number")
    reference = StringField("Customer number")
    note = TextAreaField("Note")

    candidates: Sequence[Any] = ()
    """The customers to choose from, when the page has to ask, with what they bought so far."""
    choices: Sequence[Choice] = ()
    """The sentences to choose from, when one was not clear."""

    def __init__(self, rules: ShopRules, **values: Any):
        super().__init__(**values)
        self.rules = rules
        self.sentence.data = self.instead.data or self.sentence.data
        self._has_key = read_key(self.key.data) is not None
        if not self._has_key:
            self.renew_key()

    def forget_choice(self) -> None:
        """The customer who was chosen is none: what is typed counts again."""
        self._fill(picked="")

    def renew_key(self) -> None:
        """From here on the page stands for another purchase."""
        self.key.data = str(uuid4())

    def flat(self) -> dict[str, Any]:
        return {name: field.data for name, field in self._fields.items() if name in FLAT_FIELDS}

    def values(self) -> dict[str, Any]:
        label = {"customer": None} if self._is_picked else {}
        return nested(self.flat() | label) | {"customer_id": self._choice()}

    def who_bought(self) -> WhoBought | None:
        """Whom the fields say so far; None as long as that is nobody."""
        values = self.values()
        try:
            return judge(WhoBought, {name: values[name] for name in WhoBought.model_fields}, self.rules)
        except Refused:
            return None

    @property
    def has_unread_sentence(self) -> bool:
        return not is_blank(self.sentence.data) and self.sentence.data != self.read.data

    def read_sentence(self) -> bool:
        """Fills in the fields from the sentence, or says beside it why not."""
        try:
            said = read_sentence(self.sentence.data, self.rules)
            self._fill_in(said, judge(PurchaseDetails, said, self.rules))
        except Refused as refused:
            self.choices = refused.choices if isinstance(refused, SentenceUnclear) else ()
            for problem in refused.problems:
                self.refuse("sentence", problem.message)
            return False
        self.read.data = self.sentence.data
        return True

    def _fill_in(self, said: Mapping[str, Any], details: PurchaseDetails) -> None:
        line = line_of(said["customer"])
        if line is None:
            raise SentenceUnclear("name_unclear", "Type this customer into the field below, and the rest beside it")
        day = details.purchased_on.on.isoformat() if "purchased_on" in said else self.kept_on.data or "today"
        paid = details.paid.typed_in(self.rules.currency) if details.paid else ""
        self._fill(customer=line, email="", phone="", reference="", purchased_on=day, picked="")
        self._fill(item=details.item, quantity=str(details.quantity), amount=paid)

    def fill_in_again(self, earlier: Purchase) -> None:
        """The item, the quantity and the amount of an earlier purchase."""
        paid = Money.of(earlier.amount_minor, earlier.currency)
        amount = paid.typed_in(self.rules.currency) if paid else ""
        self._fill(item=earlier.item, quantity=str(earlier.quantity), amount=amount)

    def _fill(self, **values: str) -> None:
        for name, value in values.items():
            self._fields[name].data = value

    def field_at_fault(self, problem: Problem) -> str:
        return "customer" if problem.field == "customer_id" else flat_field(problem, self.flat())

    def validate(self, extra_validators: Any = None) -> bool:
        is_valid = super().validate(extra_validators)
        if not self._has_key:
            self.refuse("customer", "This page was out of date. Look it over and record again")
        return is_valid and self._has_key

    @property
    def capture_key(self) -> str:
        return str(self.key.data)

    def ask(self, question: str, candidates: Sequence[Any], *, may_be_new: bool) -> None:
        """Shows whom to choose from."""
        self.refuse("customer_id", question)
        self.candidates = candidates
        ids = [candidate.customer.public_id for candidate in candidates]
        self.offered.data = " ".join(ids + [NEW_CUSTOMER] * may_be_new)
        self.asked_about.data = self._typed_customer()

    @property
    def day_to_keep(self) -> str | None:
        """For the next of a pile of receipts; what a sentence says of its day is true of that purchase alone."""
        if self.read.data:
            return self.kept_on.data or None
        day = self.details.purchased_on
        return None if day.said == "today" else day.on.isoformat()

    @property
    def still_offered(self) -> list[UUID]:
        """Whom the page offered before; nobody when another customer was typed since."""
        ids = (self.offered.data or "").split() if self.asked_about.data == self._typed_customer() else []
        return [public_id.decode(CUSTOMER, text) for text in ids if public_id.is_id(CUSTOMER, text)]

    @property
    def may_be_new(self) -> bool:
        return NEW_CUSTOMER in (self.offered.data or "").split()

    @property
    def has_more(self) -> bool:
        """Whether the less usual fields need to be seen."""
        return any(field.data or field.errors for field in (self.email, self.phone, self.reference, self.note))

    @property
    def _is_picked(self) -> bool:
        return bool(self.picked.data) and self.picked_as.data == self.customer.data

    def _choice(self) -> str | None:
        if self._is_picked:
            return self.picked.data
        return self.customer_id.data if self.asked_about.data == self._typed_customer() else None

    def _typed_customer(self) -> str:
        fields = (self.customer, self.email, self.phone, self.reference)
        return " · ".join((field.data or "").strip() for field in fields)
