from datetime import date, timedelta
from typing import Any

from wtforms import HiddenField, SelectField, StringField

from forms.filters import FilterForm
from schemas.problems import Problem, ShopRules
from schemas.report import ReportFilters

_GROUPS = {"day": "Day", "week": "Week", "month": "Month"}
_SORTS = {"-purchases": "Purchases", "-quantity": "Quantity", "-amount": "Amount"}


class ReportForm(FilterForm):
    """Without days in the address: the last 12 months. Blank days are no limit."""

    schema = ReportFilters

    first = StringField("From", name="from")
    last = StringField("To", name="to")
    group_by = SelectField("By", validate_choice=False)
    sort = SelectField("The top by", default="-purchases", validate_choice=False)
    currency = HiddenField()

    def __init__(self, rules: ShopRules):
        first, last, group_by = _ranges(rules.today)["Last 12 months"]
        super().__init__(rules, first=first.isoformat(), last=last.isoformat(), group_by=group_by)
        self.group_by.choices = list(_GROUPS.items())
        self.sort.choices = list(_SORTS.items())

    def values(self) -> dict[str, str]:
        return {field.name: field.data for field in self}

    def validate(self, extra_validators: Any = None) -> bool:
        is_valid = super().validate(extra_validators)
        if is_valid:
            self.group_by.data, self.sort.data = self.details.group_by, self.details.sort
        return is_valid

    def field_at_fault(self, problem: Problem) -> str:
        return next(name for name, field in self._fields.items() if field.name == problem.field)

    @property
    def query(self) -> dict[str, Any]:
        """What was asked for, as it stands in an address."""
        asked: ReportFilters = self.details
        return {"from": asked.first or "", "to": asked.last or "", "group_by": asked.group_by, "sort": asked.sort}

    @property
    def quick_links(self) -> dict[str, dict[str, Any]]:
        """The queries of the times that are asked for most, by name."""
        assert self.rules is not None
        ranges = _ranges(self.rules.today) | {"All": ("", "", "month")}
        return {
            name: {"from": first, "to": last, "group_by": group_by} for name, (first, last, group_by) in ranges.items()
        }


def _ranges(today: date) -> dict[str, tuple[Any, Any, str]]:
    """The first day, the last and what they are grouped by."""
    month = today.replace(day=1)
    before = month - timedelta(days=1)
    eleven_months_ago = date(today.year - (today.month < 12), today.month % 12 + 1, 1)
    return {
        "This month": (month, today, "day"),
        "Last month": (before.replace(day=1), before, "day"),
        "This year": (today.replace(month=1, day=1), today, "month"),
        "Last 12 months": (eleven_months_ago, today, "month"),
    }
