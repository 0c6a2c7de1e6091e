"""What several threads ask for at the same time is done at once, and each gets its own result."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event

import pytest

from services.together import Apart, Together
from tests.waiting import PATIENCE_SECONDS, count_waiting, wait_until


class Oven:
    """Bakes what is asked for, and what it is baking it bakes until it may end."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.may_end = Event()
        self.bake: Callable[[Sequence[str]], list[str]] = lambda asked: [f"{one}, baked" for one in asked]
        self.together = Together(self._do)
        self._pool = ThreadPoolExecutor()

    def ask(self, asked: str, key: str = "bread") -> Future[str]:
        return self._pool.submit(self.together.ask, key, asked)

    def ask_while_busy(self, *asked: str) -> list[Future[str]]:
        """Asks for all of these while something else is in the oven, which ends then."""
        first = self.ask("first")
        wait_until(lambda: self.batches == [["first"]])
        futures = [self._ask_and_wait(one) for one in asked]
        self.may_end.set()
        assert first.result(PATIENCE_SECONDS) == "first, baked"
        return futures

    def close(self) -> None:
        self.may_end.set()
        self._pool.shutdown()

    def _ask_and_wait(self, asked: str) -> Future[str]:
        before = count_waiting(self.together, "bread")
        future = self.ask(asked)
        wait_until(lambda: count_waiting(self.together, "bread") > before)
        return future

    def _do(self, asked: Sequence[str]) -> list[str]:
        self.batches.append(list(asked))
        assert self.may_end.wait(PATIENCE_SECONDS)
        return [asked[0] + ", baked"] if asked[0] == "first" else self.bake(asked)


@pytest.fixture
def oven() -> Iterator[Oven]:
    oven = Oven()
    yield oven
    oven.close()


def test_who_comes_alone_is_done_alone(oven: Oven) -> None:
    oven.may_end.set()
    assert [oven.ask(one).result(PATIENCE_SECONDS) for one in ("rye", "oat")] == ["rye, baked", "oat, baked"]
    assert oven.batches == [["rye"], ["oat"]]


def test_who_comes_meanwhile_is_done_at_once_and_gets_its_own(oven: Oven) -> None:
    results = [future.result(PATIENCE_SECONDS) for future in oven.ask_while_busy("rye", "oat", "corn")]
    assert results == ["rye, baked", "oat, baked", "corn, baked"]
    assert oven.batches == [["first"], ["rye", "oat", "corn"]]


def test_nobody_waits_for_who_asks_under_another_key(oven: Oven) -> None:
    oven.ask("first")
    wait_until(lambda: oven.batches == [["first"]])
    other = oven.ask("cake", key="cakes")
    wait_until(lambda: oven.batches == [["first"], ["cake"]])
    oven.may_end.set()
    assert other.result(PATIENCE_SECONDS) == "cake, baked"


def test_what_fails_fails_for_all_and_the_next_are_done(oven: Oven) -> None:
    def burn(_: Sequence[str]) -> list[str]:
        raise OSError("burnt")

    bake, oven.bake = oven.bake, burn
    for future in oven.ask_while_busy("rye", "oat"):
        with pytest.raises(OSError, match="burnt"):
            future.result(PATIENCE_SECONDS)
    oven.bake = bake
    assert oven.ask("corn").result(PATIENCE_SECONDS) == "corn, baked"


def test_what_cannot_be_done_at_once_is_tried_one_by_one(oven: Oven) -> None:
    def bake_one(asked: Sequence[str]) -> list[str]:
        if len(asked) > 1:
            raise Apart
        if asked == ["stone"]:
            raise OSError("burnt")
        return [f"{one}, baked alone" for one in asked]

    oven.bake = bake_one
    rye, stone, oat = oven.ask_while_busy("rye", "stone", "oat")
    assert rye.result(PATIENCE_SECONDS) == "rye, baked alone"
    assert oat.result(PATIENCE_SECONDS) == "oat, baked alone"
    with pytest.raises(OSError, match="burnt"):
        stone.result(PATIENCE_SECONDS)


def test_too_few_results_are_a_fault_for_all(oven: Oven) -> None:
    oven.bake = lambda _: ["one, baked"]
    for future in oven.ask_while_busy("rye", "oat", "corn"):
        with pytest.raises(ValueError, match="zip"):
            future.result(PATIENCE_SECONDS)


def test_nothing_is_kept_of_who_is_done(oven: Oven) -> None:
    for future in oven.ask_while_busy("rye", "oat"):
        future.result(PATIENCE_SECONDS)
    wait_until(lambda: not oven.together._waiting)
