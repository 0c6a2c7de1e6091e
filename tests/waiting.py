"""For tests of threads that wait for each other."""

import time
from collections.abc import Callable, Hashable
from typing import Any

from services.together import Together

PATIENCE_SECONDS = 10


def wait_until(is_so: Callable[[], bool]) -> None:
    """Fails when it does not come."""
    until = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < until
        time.sleep(0.001)


def count_waiting(together: Together[Any, Any, Any], key: Hashable) -> int:
    """How many have asked, and will be next."""
    return len(together._waiting.get(key, ()))
