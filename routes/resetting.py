"""A password that was forgotten is set anew, by a link."""

from threading import Thread

import structlog
from flask import Blueprint, Flask, after_this_request, current_app, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from extensions import db
from forms.account import ForgottenForm, NewPasswordForm
from models import PasswordReset
from routes import security_log, throttle
from services import accounts, mail, resetting
from services.mail import MailServer
from services.refusals import TooManyTries
from services.tries import RESET

bp = Blueprint("resetting", __name__)
log = structlog.get_logger("tillbook")

_MINUTES = PasswordReset.LIFETIME.seconds // 60
_MAIL = """\
Somebody, you we hope, has forgotten the password of the Tillbook account with this e-mail address.

Open this within {minutes} minutes to set a new one. It works once:

{link}

If it was not you, do nothing: the password stays as it is.
"""


@bp.get("/forgot-password")
def forgot() -> ResponseReturnValue:
    return render_template("auth/forgot.html", form=ForgottenForm())


@bp.post("/forgot-password")
def send_link() -> ResponseReturnValue:
    form = ForgottenForm()
    if current_app.config["MAIL_SERVER"] is None:
        return render_template("auth/forgot.html", form=form), 403
    if not form.validate_on_submit():
        return render_template("auth/forgot.html", form=form), 422
    try:
        throttle.count(RESET, form.details.email)
    except TooManyTries as refusal:
        return throttle.answer(refusal, form, "email", "auth/forgot.html")
    _send_after_answer(form.details.email)
    flash(f"If there is an account with this address, a link is on its way there. It works for {_MINUTES} minutes.")
    return redirect(url_for("auth.login"), 303)


@bp.get("/reset-password/<token>")
def show(token: str) -> ResponseReturnValue:
    user = resetting.find_user(token)
    if user is None:
        return _dead()
    return render_template("auth/reset.html", form=NewPasswordForm(user), user=user)


@bp.post("/reset-password/<token>")
def reset(token: str) -> ResponseReturnValue:
    user = resetting.find_user(token)
    if user is None:
        return _dead()
    form = NewPasswordForm(user)
    if not form.validate_on_submit():
        return render_template("auth/reset.html", form=form, user=user), 422
    if not resetting.reset(token, user, form.details.new_password):
        return _dead()
    db.session.commit()
    security_log.note("password-reset", user)
    flash("Password changed, and every browser signed out. Sign in with the new password.")
    return redirect(url_for("auth.login"), 303)


def link_with(token: str) -> str:
    """The whole address: of the settings, as a request may be made up to name any host."""
    return f"{current_app.config['ADDRESS']}/reset-password/{token}"


def _dead() -> ResponseReturnValue:
    return render_template("auth/dead_link.html", minutes=_MINUTES), 404


def _send_after_answer(email: str) -> None:
    """Whether there is such an account must not be told by the time that the answer takes, either."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]  # the app itself, for another thread

    @after_this_request
    def send_when_sent(response: Response) -> Response:
        response.call_on_close(Thread(target=_send, args=(app, email), daemon=True).start)
        return response


def _send(app: Flask, email: str) -> None:
    with app.app_context():
        try:
            _send_link(email)
        except Exception as error:  # told without its words: they may name the address
            log.warning("mail-failed", fault=type(error).__name__)


def _send_link(email: str) -> None:
    user = accounts.find_user(email)
    if user is None:
        return
    text = _MAIL.format(minutes=_MINUTES, link=link_with(resetting.make_token(user)))
    db.session.commit()
    config = current_app.config
    message = mail.write("Set a new password for Tillbook", text, sender=config["MAIL_FROM"], to=user.email)
    mail.send(message, MailServer(**config["MAIL_SERVER"]))
