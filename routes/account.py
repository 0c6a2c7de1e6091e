"""The signed-in person's own account."""

from flask import Blueprint, flash, g, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_user

from extensions import db
from forms.account import PasswordForm
from routes import security_log, throttle
from routes.browsers import browser_named_in
from services import accounts, tries
from services.refusals import TooManyTries, WrongPassword
from services.tries import SIGN_IN

bp = Blueprint("account", __name__)

_PAGE = "account/show.html"


@bp.get("/account")
def show() -> ResponseReturnValue:
    return render_template(_PAGE, form=PasswordForm(g.viewer), **_sessions())


@bp.post("/account/password")
def change_password() -> ResponseReturnValue:
    form = PasswordForm(g.viewer)
    if form.validate_on_submit():
        try:
            attempt = throttle.count(SIGN_IN, g.viewer.email_normal)
            accounts.change_password(current_user, form.details, browser_named_in(request.user_agent.string))
        except TooManyTries as refusal:
            return throttle.answer(refusal, form, "current_password", _PAGE, **_sessions())
        except WrongPassword as wrong:
            security_log.note("sign-in-failed")
            form.refuse(wrong.field, wrong.message)
        else:
            tries.clear(attempt)
            db.session.commit()
            security_log.note("password-changed")
            login_user(g.viewer)  # not the proxy: it would stand for itself
            flash("Password changed. Every other browser was signed out.")
            return redirect(url_for(".show"), 303)
    return render_template(_PAGE, form=form, **_sessions()), 422


@bp.post("/account/sessions/end")
def end_session() -> ResponseReturnValue:
    accounts.end_other_session(g.viewer, _bytes(request.form.get("session", "")))
    db.session.commit()
    security_log.note("session-ended")
    flash("Signed out there.")
    return redirect(url_for(".show"), 303)


@bp.post("/account/sessions/end-all")
def end_all_sessions() -> ResponseReturnValue:
    accounts.end_sessions(g.viewer)
    db.session.commit()
    security_log.note("sessions-ended")
    session.clear()
    flash("Signed out everywhere.")
    return redirect(url_for("auth.login"), 303)


def _sessions() -> dict[str, object]:
    return {"sessions": accounts.list_sessions(g.viewer), "here": accounts.hash_of(g.viewer.get_id())}


def _bytes(text: str) -> bytes:
    """What hexadecimal digits stand for; nothing for anything else."""
    try:
        return bytes.fromhex(text)
    except ValueError:
        return b""
