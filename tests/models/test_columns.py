"""Column types, and the ids that are made in the order of time."""

from datetime import UTC, datetime, timedelta

import pytest

from models import clock
from models.columns import least_id, new_id


@pytest.mark.parametrize("set_back", [timedelta(0), timedelta(hours=23)])
def test_no_id_made_since_is_less_than_the_least(set_back: timedelta) -> None:
    since = clock.utc_now() + set_back
    assert least_id(since) <= new_id()


def test_ids_made_long_before_are_less_than_the_least() -> None:
    assert new_id() < least_id(clock.utc_now() + timedelta(hours=25))


@pytest.mark.parametrize("since", [datetime.min, datetime(1970, 1, 1, 12), datetime.max])
def test_there_is_a_least_id_for_any_time(since: datetime) -> None:
    assert least_id(since.replace(tzinfo=UTC)).int >= 0
