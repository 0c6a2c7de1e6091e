from collections.abc import Mapping, Sequence
from typing import Any

from flask import request
from werkzeug.datastructures import CombinedMultiDict, FileStorage, MultiDict
from wtforms import FileField, HiddenField, SelectField, StringField

from forms.base import SchemaForm
from schemas.imports import FIELD_CHOICES, FileChoices, ImportChoices, Upload
from schemas.problems import Problem
from schemas.table_file import DELIMITERS, ENCODINGS
from schemas.table_notation import DAY_ORDERS, DECIMAL_MARKS


class UploadForm(SchemaForm):
    schema = Upload

    file = FileField("File")

    def __init__(self) -> None:
        sent: Any = CombinedMultiDict([request.files, request.form])
        super().__init__(sent if self.is_submitted() else None)

    def values(self) -> dict[str, Any]:
        chosen = self.file.data
        if not isinstance(chosen, FileStorage):
            return {}
        return {"file_name": chosen.filename, "content": chosen.read()}

    def field_at_fault(self, problem: Problem) -> str:
        return "file"


class FormatForm(SchemaForm):
    """How the file is read; asks for the page again, and changes nothing."""

    class Meta:
        csrf = False

    schema = FileChoices

    encoding = SelectField("Encoding", validate_choice=False)
    delimiter = SelectField("Cells are separated by", validate_choice=False)

    def __init__(self, asked: MultiDict[str, str]):
        super().__init__(asked)
        self.encoding.choices = list(ENCODINGS.items())
        self.delimiter.choices = list(DELIMITERS.items())


class ColumnsForm(SchemaForm):
    """What the columns are; made by `columns_form`, which knows how many there are."""

    schema = ImportChoices

    encoding = HiddenField()
    delimiter = HiddenField()
    item = StringField("Item for all rows")
    decimal_mark = SelectField("Amounts are written with", validate_choice=False)
    day_order = SelectField("Dates are written", validate_choice=False)

    def __init__(self, **values: Any):
        super().__init__(**values)
        self.decimal_mark.choices = list(DECIMAL_MARKS.items())
        self.day_order.choices = list(DAY_ORDERS.items())
        for column in self.columns:
            column.choices = [("", "Leave out"), *FIELD_CHOICES.items()]

    @property
    def columns(self) -> list[Any]:
        """The fields that ask what a column is, from left to right."""
        return [field for name, field in self._fields.items() if name.startswith("column_")]

    def values(self) -> dict[str, Any]:
        columns = {place: field.data for place, field in enumerate(self.columns) if field.data}
        return super().values() | {"columns": columns}

    def field_at_fault(self, problem: Problem) -> str:
        return "column_0" if "columns" in problem.path else problem.field


def columns_form(headers: Sequence[str], values: Mapping[str, Any]) -> ColumnsForm:
    """A form for a file with these columns; `values` are those of an ImportChoices."""
    asked = {
        f"column_{place}": SelectField(
            header or f"Column {place + 1}", default=values["columns"].get(place, ""), validate_choice=False
        )
        for place, header in enumerate(headers)
    }
    form_class: type[ColumnsForm] = type("ColumnsForm", (ColumnsForm,), asked)
    return form_class(**{name: value for name, value in values.items() if name != "columns"})
