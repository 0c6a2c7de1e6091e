"""A token that asks too often is told to wait; others are not."""

import pytest
from flask import Flask

from tests.cast import Person


@pytest.fixture
def limit(app: Flask, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    return lambda words: monkeypatch.setitem(app.config, "API_RATE_LIMIT", words)


def test_a_token_that_asks_too_often_waits(owner: Person, limit) -> None:  # type: ignore[no-untyped-def]
    limit("2 per minute")
    for path, left in (("/customers", "1"), ("/purchases", "0")):
        headers = owner.api.get(path).headers
        assert (headers["RateLimit-Limit"], headers["RateLimit-Remaining"]) == ("2", left)
        assert "Retry-After" not in headers
    refused = owner.api.get("/reports/summary", 429)
    assert refused.problem == "too-many-requests"
    assert 0 < int(refused.headers["Retry-After"]) <= 61
    assert refused.headers["RateLimit-Reset"] == refused.headers["Retry-After"]


def test_another_token_is_not_kept_waiting(owner: Person, stranger: Person, limit) -> None:  # type: ignore[no-untyped-def]
    limit("1 per minute")
    assert [owner.api.get("/customers", status).status for status in (200, 429)] == [200, 429]
    stranger.api.get("/customers")


def test_what_was_kept_waiting_can_be_sent_again_under_its_key(owner: Person, limit) -> None:  # type: ignore[no-untyped-def]
    limit("1 per minute")
    owner.api.get("/customers")
    owner.api.record(429, key="a-key")
    assert owner.purchases() == []
    limit("100 per minute")
    owner.api.record(201, key="a-key")
