"""bench/doors.py in short: every door is attacked, and nothing is stored that was refused."""

import random
from contextlib import AbstractContextManager
from itertools import repeat
from typing import Protocol

import pytest

from app import create_app
from bench import doors
from bench.attacks import Attack, Attacker, Known, Material, Visitor, no_ids
from bench.crash import Restart
from tests.cast import Person
from tests.conftest import make_settings
from tests.server import Answer

REQUESTS = 400
ATTACK = Attack("purchases.record", "POST", "/purchases", {})


class Database(Protocol):
    def __call__(self) -> AbstractContextManager[tuple[str, Restart | None]]: ...


@pytest.mark.parametrize("database", [doors.sqlite, doors.postgresql])
def test_nothing_that_is_sent_breaks_it_or_is_stored_when_refused(database: Database) -> None:
    with database() as (url, _):
        figures = doors.attack_all(url, REQUESTS, 1, is_watched=True)
        endpoints = {rule.endpoint for rule in create_app(make_settings(url)).url_map.iter_rules()}
    assert figures.is_good, figures.faults
    assert figures.statuses.keys() >= {200, 201, 303, 400, 401, 403, 404, 405, 422}
    assert figures.doors.keys() >= endpoints


@pytest.mark.parametrize(
    ("answer", "seconds"),
    [
        (Answer(500), 0),
        (Answer(503), 0),
        (Answer(doors.BROKEN), 0),
        (Answer(0), 0),
        (Answer(200), 5.1),
        (Answer(200, "Content-Type: text/html", "<script>planted()</script>"), 0),
        (Answer(303, "Location: //evil.example"), 0),
        (Answer(303, "Location: http://evil.example/"), 0),
        (Answer(200, "Set-Cookie: planted=1"), 0),
    ],
)
def test_what_is_wrong_with_an_answer_would_be_noticed(answer: Answer, seconds: float) -> None:
    """Or else the test above could not fail; nor could it for each of those below."""
    figures = doors.Figures(recorded={"pur_1"})
    figures.note(ATTACK, Answer(303, "Location: /purchases/new"), 0.1)
    figures.note(ATTACK, Answer(503, "Retry-After: 2"), 0.1)
    assert figures.is_good
    figures.note(ATTACK, answer, seconds)
    assert not figures.is_good


class Careless:
    """Refuses, and stores nevertheless."""

    def __init__(self, person: Person):
        self.person = person

    def ask(self, _: bytes, *, hangs_up: bool) -> Answer:
        self.person.capture()
        return Answer(422)


def test_what_is_stored_by_a_refusal_would_be_noticed(owner: Person) -> None:
    material = Material(repeat((next(owner.app.url_map.iter_rules("purchases.record")), "POST")), repeat(ATTACK), [""])
    attacker = Attacker(Known(owner.app, no_ids()), Visitor(owner.email), material, random.Random(1))
    figures = doors.Figures()
    with owner.app.app_context():
        doors.watch_all(1, [doors.Client(Careless(owner), attacker, figures)])  # type: ignore[arg-type]
    assert figures.faults[0].startswith("something was stored by a 422")


def test_what_no_answer_told_of_and_what_is_lost_would_be_noticed(owner: Person) -> None:
    recorded = owner.capture().purchase.public_id
    for told, missing, uninvited in (({recorded}, 0, 0), (set(), 0, 1), ({recorded, "pur_2"}, 1, 0)):
        figures = doors.Figures(recorded=told)
        with owner.app.app_context():
            doors.count_all(figures)
        assert (figures.missing, figures.uninvited) == (missing, uninvited)
