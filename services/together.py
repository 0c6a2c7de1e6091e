"""Doing at once what several threads ask for at the same time."""

from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from enum import Enum
from threading import Lock
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")
R = TypeVar("R")


class Apart(Exception):
    """Nothing was done, as it did not work for all at once: each is to try alone."""


class _Turn(Enum):
    YOURS = 1


class Together(Generic[K, T, R]):
    """Has whoever comes first do what is asked for under a key; who comes meanwhile waits, and all of them are next.

    Nobody waits for others to come. `do` is told what is asked for, and gives as many results in the same order. It
    runs in the thread of one of those who asked, and what it raises is raised in all of them.
    """

    def __init__(self, do: Callable[[Sequence[T]], Sequence[R]]):
        self._do = do
        self._lock = Lock()
        self._waiting: dict[K, list[tuple[T, Future[R | _Turn]]]] = {}
        """Who is next, by the keys of those who are at work."""

    def ask(self, key: K, asked: T) -> R:
        """The result of what is asked for. Raises what `do` raises."""
        mine: Future[R | _Turn] = Future()
        with self._lock:
            is_first = key not in self._waiting
            self._waiting.setdefault(key, []).append((asked, mine))
        with suppress(Apart):
            result = _Turn.YOURS if is_first else mine.result()
            return self._do_for_all(key) if result is _Turn.YOURS else result
        [alone] = self._do([asked])
        return alone

    def _do_for_all(self, key: K) -> R:
        """Who wait, of whom the first is asking."""
        with self._lock:
            places, self._waiting[key] = self._waiting[key], []
        others = [other for _, other in places[1:]]
        try:
            mine, *theirs = self._do([asked for asked, _ in places])
            results = list(zip(others, theirs, strict=True))
        except BaseException as error:
            for other in others:
                other.set_exception(error)
            raise
        finally:
            self._pass_on(key)
        for other, result in results:
            other.set_result(result)
        return mine

    def _pass_on(self, key: K) -> None:
        with self._lock:
            if waiting := self._waiting[key]:
                _, first = waiting[0]
                first.set_result(_Turn.YOURS)
            else:
                del self._waiting[key]
