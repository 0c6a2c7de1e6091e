"""How often a token may ask: all workers count together in a Redis, or each for itself where there is none."""

import time
from functools import cache
from typing import NamedTuple

import structlog
from flask import Flask, current_app
from limits import RateLimitItem, parse
from limits.errors import StorageError
from limits.storage import MemoryStorage, RedisStorage, Storage

log = structlog.get_logger("tillbook")

_NAME = "tillbook-rates"
_TRIED_AGAIN_AFTER_SECONDS = 5
_parsed = cache(parse)


class Rate(NamedTuple):
    """What a token has left."""

    limit: int
    remaining: int
    seconds: int
    """Until it starts anew."""
    is_exceeded: bool


class _Rates:
    def __init__(self, redis_url: str):
        self._own = MemoryStorage()
        self.shared = _redis(redis_url) if redis_url else self._own
        self._is_away = False
        self._tried_again_at = 0.0

    def count(self, limit: RateLimitItem, who: str) -> Rate:
        if self._is_away:
            if time.monotonic() < self._tried_again_at:
                return _count_in(self._own, limit, who)
            self._try_again_later()  # this one tries, and nobody waits with it
        try:
            rate = _count_in(self.shared, limit, who)
        except StorageError:
            if not self._is_away:
                log.warning("redis-away")
            self._is_away = True
            self._try_again_later()
            return _count_in(self._own, limit, who)
        self._is_away = False
        return rate

    def _try_again_later(self) -> None:
        self._tried_again_at = time.monotonic() + _TRIED_AGAIN_AFTER_SECONDS


def register(app: Flask) -> None:
    app.extensions[_NAME] = _Rates(app.config["REDIS_URL"])


def count(who: str) -> Rate:
    """Counts one more request."""
    rates: _Rates = current_app.extensions[_NAME]
    return rates.count(_parsed(current_app.config["API_RATE_LIMIT"]), who)


def redis_answers() -> bool:
    rates: _Rates = current_app.extensions[_NAME]
    return rates.shared.check()


def _redis(url: str) -> Storage:
    # One that does not answer within a second is one that is down.
    return RedisStorage(url, wrap_exceptions=True, socket_connect_timeout=1, socket_timeout=1)


def _count_in(storage: Storage, limit: RateLimitItem, who: str) -> Rate:
    """In windows of a fixed length, each from its first request."""
    key = limit.key_for("api", who)
    counted = storage.incr(key, limit.get_expiry())
    seconds = max(1, int(storage.get_expiry(key) - time.time()))
    return Rate(limit.amount, max(0, limit.amount - counted), seconds, counted > limit.amount)
