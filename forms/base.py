from typing import Any, ClassVar

from flask import request
from flask_wtf import FlaskForm
from werkzeug.datastructures import MultiDict
from wtforms import HiddenField

from schemas.problems import Problem, Refused, Schema, ShopRules, judge


class SchemaForm(FlaskForm):
    """A form whose fields are those of a schema; after `validate_on_submit` the judged input is in `details`."""

    schema: ClassVar[type[Schema]]
    details: Any
    rules: ShopRules | None = None

    def __init__(self, formdata: MultiDict[str, str] | None = None, **values: Any):
        """Reads what a form sent, never a file or JSON in its place."""
        super().__init__(request.form if formdata is None and self.is_submitted() else formdata, **values)

    def values(self) -> dict[str, Any]:
        """What the schema is given."""
        return {name: field.data for name, field in self._fields.items() if name in self.schema.model_fields}

    def field_at_fault(self, problem: Problem) -> str:
        return problem.field

    def validate(self, extra_validators: Any = None) -> bool:
        if not super().validate(extra_validators):
            return False
        try:
            self.details = judge(self.schema, self.values(), self.rules)
        except Refused as refused:
            for problem in refused.problems:
                self.refuse(self.field_at_fault(problem), problem.message)
            return False
        return True

    def refuse(self, field: str, message: str) -> None:
        """Puts the words beside the field, as if the schema had refused it."""
        self._fields[field].errors = [*self._fields[field].errors, message]

    @property
    def faults(self) -> list[tuple[str | None, str]]:
        """Each field's id and message, in the order of the page; None for the id of one that is not seen."""
        return [
            (None if isinstance(field, HiddenField) else field.id, message)
            for field in self
            for message in field.errors
        ]
