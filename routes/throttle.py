"""What is not to be tried often: counted before it is tried, and told when to try it again."""

from flask import render_template, request
from flask.typing import ResponseReturnValue

from extensions import db
from forms.base import SchemaForm
from routes import security_log
from services import tries
from services.refusals import TooManyTries
from services.tries import Attempt


def count(what: str, account: str) -> Attempt:
    """Counts this try of `what` on an account, for good, before it is known how it ends. Raises TooManyTries."""
    attempt = tries.begin(what, account=account, address=request.remote_addr or "")
    try:
        tries.check(attempt)  # most of a flood ends here, and has written nothing
        tries.count(attempt)
        db.session.commit()
        tries.check(attempt)
    except TooManyTries:
        db.session.commit()
        security_log.note(f"{what}-throttled")
        raise
    return attempt


def answer(refusal: TooManyTries, form: SchemaForm, field: str, page: str, **more: object) -> ResponseReturnValue:
    """The page with the form as it was sent, which says how long to wait."""
    minutes = -(-refusal.seconds // 60)
    wait = "a minute" if minutes == 1 else f"{minutes} minutes"
    form.refuse(field, f"Too many tries. Wait {wait}, then try again")
    return render_template(page, form=form, **more), 429, {"Retry-After": str(refusal.seconds)}
