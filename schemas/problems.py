"""How input is judged, and how a refusal is told: the same words at every door."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple, NoReturn, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import PydanticCustomError

_NAME_SHOWN = 200


class Problem(NamedTuple):
    """One thing to change: where (a path of field names), a stable code, and words that say what to do."""

    path: tuple[str, ...]
    code: str
    message: str

    @property
    def field(self) -> str:
        return self.path[-1] if self.path else ""


class Refused(Exception):
    """The input breaks rules; `problems` has one entry for each field to change."""

    def __init__(self, problems: list[Problem]):
        super().__init__("; ".join(problem.message for problem in problems))
        self.problems = problems


@dataclass(frozen=True)
class ShopRules:
    """What of a shop the rules depend on: its currency (ISO 4217), country (ISO 3166-1) and day."""

    currency: str
    country: str
    today: date


class Schema(BaseModel):
    """A set of rules for one kind of input. Unknown fields are refused; defaults are judged like what is given."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


S = TypeVar("S", bound=Schema)


def refuse(code: str, message: str) -> NoReturn:
    """Called by a rule: ends the judging of its field with these words."""
    raise PydanticCustomError(code, "{message}", {"message": message})


def judge(schema: type[S], data: Mapping[str, Any], rules: ShopRules | None = None) -> S:
    """The input as a `schema`. Raises Refused with every problem found."""
    try:
        return schema.model_validate(data, context=rules)
    except ValidationError as error:
        raise Refused([_problem(found) for found in error.errors(include_url=False, include_input=False)]) from None


def _problem(found: Any) -> Problem:
    # Whoever sends a name without end need not have it back.
    path = tuple(str(part)[:_NAME_SHOWN] for part in found["loc"])
    if found["type"] == "extra_forbidden":
        return Problem(path, "unknown_field", f"“{path[-1]}” is not a field here. Leave it out")
    if found["type"] == "missing":
        return Problem(path, "missing", f"Give “{path[-1]}”")
    if found["type"] == "model_type":
        return Problem(path, "not_an_object", "Give an object of fields here")
    return Problem(path, found["type"], found["msg"])
