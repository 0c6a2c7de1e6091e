"""What may be imported: the file, how it is read, and what its columns are."""

import re
from collections.abc import Container, Mapping, Sequence
from io import BytesIO
from typing import Annotated

from pydantic import AfterValidator, PlainValidator, ValidationInfo, field_validator

from models import Import, Purchase, public_id
from models.normal import normal_words
from schemas.problems import Schema, refuse
from schemas.purchase import BUYER_FIELDS
from schemas.table import Table, TableError
from schemas.table_file import DELIMITERS, ENCODINGS, detect, open_text
from schemas.table_notation import DAY_ORDERS, DECIMAL_MARKS, Notation, guess_notation
from schemas.table_rows import ROW_FIELDS, Kind, kind_of
from schemas.text import one_line

_LOOKED_AT = 200
TOO_LARGE = f"The file must be at most {Import.SIZE_MAX // 1_000_000} MB. Split it in two"
FIELD_CHOICES = {
    "customer_id": "Customer id, like cus_…",
    "customer": "Customer, in one line",
    "name": "Customer name",
    "email": "E-mail address",
    "phone": "Phone number",
    "reference": "Customer number",
    "item": "Item",
    "quantity": "Quantity",
    "amount": "Amount, for all of it",
    "unit_price": "Price of one",
    "currency": "Currency",
    "purchased_on": "Date",
    "note": "Note",
    "external_id": "Purchase number",
}
"""What a column can be matched to."""
_SPELLINGS = {
    "customer": "customer buyer client kunde klant cliente",
    "name": "name customername fullname buyername kundenname nom nombre nome naam",
    "email": "email mail emailaddress customeremail",
    "phone": "phone phonenumber telephone tel mobile telefon telefonnummer handy",
    "reference": "reference customernumber customerid customerno kundennummer kundennr clientid",
    "item": "item product productname article artikel produkt description articulo",
    "quantity": "quantity qty pieces count menge anzahl stück stueck cantidad",
    "amount": "amount total amountpaid totalprice paid sum betrag summe importe montant value",
    "unit_price": "unitprice price priceeach einzelpreis preis precio prix",
    "currency": "currency currencycode währung waehrung moneda devise",
    "purchased_on": "purchasedon date day purchasedate orderdate datum kaufdatum fecha data",
    "note": "note notes comment remark bemerkung notiz nota",
    "external_id": "externalid purchasenumber ordernumber orderid orderno invoicenumber bestellnummer",
}


def _file_name(value: object) -> str:
    # Some browsers have sent the whole path.
    last = re.split(r"[\\/]", value)[-1] if isinstance(value, str) else value
    name = one_line("The name of the file", last[-Import.FILE_NAME_MAX :] if isinstance(last, str) else last, 255)
    if name is None:
        refuse("blank", "Choose the file to import")
    return name


def _content(value: object, info: ValidationInfo) -> bytes:
    if "file_name" not in info.data:
        return b""  # no file at all: to call it empty as well would say the same twice
    if not isinstance(value, bytes) or not value:
        refuse("empty", "The file is empty. Choose one whose first line names the columns")
    if len(value) > Import.SIZE_MAX:
        refuse("too_large", TOO_LARGE)
    try:
        found = detect(BytesIO(value))
        Table(open_text(BytesIO(value), found.encoding), found.delimiter)
    except TableError as error:
        refuse("not_a_table", str(error))
    return value


class Upload(Schema):
    """A file that is brought."""

    file_name: Annotated[str, PlainValidator(_file_name)] = ""
    content: Annotated[bytes, PlainValidator(_content)] = b""


def _item(value: object, info: ValidationInfo) -> str | None:
    item = one_line("Item", value, Purchase.ITEM_MAX)
    fields = info.data.get("columns", {}).values()
    has_column = "item" in fields
    if item is None and not has_column and kind_of(fields) == Kind.PURCHASES:
        refuse("blank", "Enter what was bought, or match the column that says it")
    if item is not None and has_column:
        refuse("given_twice", "A column says what was bought. Leave this empty, or leave that column out")
    return item


def _one_of(choices: Container[str], advice: str) -> AfterValidator:
    return AfterValidator(lambda value: value if value in choices else refuse("unknown", advice))


class FileChoices(Schema):
    """How the file is read."""

    encoding: Annotated[str, _one_of(ENCODINGS, "Choose one of the encodings")]
    delimiter: Annotated[str, _one_of(DELIMITERS, "Choose what separates the cells")]


class ImportChoices(FileChoices):
    """How the file is read and what its columns are."""

    columns: Mapping[int, str]
    """The field of each column, by its place; columns that are left out are not there."""
    item: Annotated[str | None, PlainValidator(_item)] = None
    """What was bought, where no column says so; nothing in a table of customers."""
    decimal_mark: Annotated[str, _one_of(DECIMAL_MARKS, "Choose how amounts are written")] = "."
    day_order: Annotated[str, _one_of(DAY_ORDERS, "Choose how dates are written")] = ""

    @field_validator("columns")
    @classmethod
    def _say_enough(cls, columns: Mapping[int, str]) -> Mapping[int, str]:
        fields = list(columns.values())
        if unknown := set(fields) - set(ROW_FIELDS):
            refuse("unknown", f"“{min(unknown)[:30]}” is not a field. Choose one of those that are offered")
        if twice := sorted({field for field in fields if fields.count(field) > 1}):
            refuse("twice", f"Two columns are matched to “{FIELD_CHOICES[twice[0]]}”. Leave one of them out")
        if not {"customer", *BUYER_FIELDS}.intersection(fields):
            refuse("no_customer", "Say which column tells who bought: a name, an e-mail address or a customer number")
        if {"amount", "unit_price"} <= set(fields):
            refuse("amount_twice", "Match the amount or the price of one, not both")
        return columns

    @property
    def places(self) -> dict[str, int]:
        return {field: place for place, field in self.columns.items()}

    @property
    def constants(self) -> dict[str, str]:
        return {"item": self.item} if self.item else {}

    @property
    def kind(self) -> Kind:
        return kind_of({*self.columns.values(), *self.constants})

    @property
    def notation(self) -> Notation:
        return Notation(self.decimal_mark, self.day_order)


def guess_choices(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> dict[str, object]:
    """What the names of the columns and the first rows suggest: `columns`, `decimal_mark` and `day_order`."""
    columns: dict[int, str] = {}
    for place, header in enumerate(headers):
        field = "customer_id" if _holds_ids(rows, place) else _field_called(header)
        is_called_so = field == header or field not in headers
        if field is not None and is_called_so and field not in columns.values():
            columns[place] = field
    amounts = _cells(rows, columns, ("amount", "unit_price"))
    notation = guess_notation(amounts, _cells(rows, columns, ("purchased_on",)))
    return {"columns": columns, **notation._asdict()}


def _holds_ids(rows: Sequence[Sequence[str]], place: int) -> bool:
    """Whether it tells customers apart, as our own tables do."""
    cells = [row[place] for row in rows[:_LOOKED_AT] if place < len(row) and row[place]]
    return bool(cells) and all(public_id.is_id(public_id.CUSTOMER, cell) for cell in cells)


def _field_called(header: str) -> str | None:
    word = "".join(character for character in normal_words(header) if character.isalnum())
    return next((field for field, spellings in _SPELLINGS.items() if word in spellings.split()), None)


def _cells(rows: Sequence[Sequence[str]], columns: Mapping[int, str], fields: Sequence[str]) -> list[str]:
    places = [place for place, field in columns.items() if field in fields]
    return [row[place] for row in rows[:_LOOKED_AT] for place in places if place < len(row)]
