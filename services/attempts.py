"""Work on the register that others may overtake: it is begun again until it stands."""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar
from uuid import UUID

from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm.exc import StaleDataError

from extensions import db
from models import Customer
from models.dialect import is_deadlock, violated_constraint
from services.refusals import Contention
from services.register import Overtaken, Register
from services.rollback import roll_back

# Each attempt but the last was lost to somebody who finished. The customers that were fought over are held by the next
# one, so that fifty who change the same customer at the same instant need two or three.
_ATTEMPTS = 10
# Who waited this long for others is told so: the client has its own patience.
_ENOUGH_SECONDS = 8
_PAUSE_SECONDS = 0.1
_DECIDED_BY = {
    "pk_customers",
    "pk_identities",
    "uq_purchases_shop_id_capture_key",
    "uq_purchases_shop_id_external_id",
    "uq_actions_shop_id_undoes_id",
    "uq_actions_shop_id_undoes_purchase_id",
}

T = TypeVar("T")


def until_settled(work: Callable[[Register], T], shop_id: int, *, is_alone: bool = False) -> T:
    """What `work` returns once nobody else was first. It writes through the register it is given, and all or nothing.

    `is_alone` says that nothing else is written in this transaction: it is given up as a whole when the work is begun
    again, and what was read in it is detached.
    Raises Contention when others kept winning, and whatever else the work raises.
    """
    fought_over: set[UUID] = set()
    began = time.monotonic()
    for _ in range(_ATTEMPTS):
        register = Register(shop_id)
        try:
            with _all_or_nothing(is_alone), db.session.no_autoflush:
                register.hold(fought_over)
                return work(register)
        except IntegrityError as error:
            if violated_constraint(error) not in _DECIDED_BY:
                raise
        except OperationalError as error:
            if not is_deadlock(error):
                raise
            fought_over |= register.found
            time.sleep(random.uniform(0, _PAUSE_SECONDS))  # noqa: S311  (only not in step with whom it met)
        except (Overtaken, StaleDataError):  # the same as above: somebody else was first
            fought_over |= register.found
        fought_over |= register.changed
        register.give_up()
        _forget_customers()
        if time.monotonic() - began > _ENOUGH_SECONDS:
            break
    raise Contention("Many changes of this customer came at the same instant. Try again")


@contextmanager
def _all_or_nothing(is_alone: bool) -> Iterator[None]:
    if not is_alone:
        with db.session.begin_nested():
            yield
        return
    try:
        yield
    except Exception:
        roll_back()
        raise


def _forget_customers() -> None:
    """What was read of them is old now. Nothing else is forgotten: the page to come needs who is signed in."""
    for known in list(db.session):
        if isinstance(known, Customer):
            db.session.expire(known)
