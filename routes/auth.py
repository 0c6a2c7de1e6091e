"""Register, sign in, sign out."""

from flask import Blueprint, current_app, flash, g, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_user

from extensions import db
from forms.account import LoginForm, RegisterForm
from models import User
from routes import purchases, security_log, throttle
from routes.browsers import browser_named_in
from routes.kept import Kept
from routes.reading import local_path
from schemas.currencies import countries, currency_of, time_zones_of
from services import accounts, tries
from services.refusals import EmailTaken, TooManyTries, WrongPassword
from services.tries import REGISTER, SIGN_IN, Attempt

bp = Blueprint("auth", __name__)


@bp.get("/register")
def register() -> ResponseReturnValue:
    if not current_app.config["REGISTRATION_IS_OPEN"]:
        return _closed()
    return render_template("auth/register.html", form=RegisterForm(**_usual_shop()))


@bp.post("/register")
def open_shop() -> ResponseReturnValue:
    if not current_app.config["REGISTRATION_IS_OPEN"]:
        return _closed()
    form = RegisterForm()
    if form.validate_on_submit():
        try:
            throttle.count(REGISTER, form.details.email.normal)
            user = accounts.register(form.details)
        except TooManyTries as refusal:
            return throttle.answer(refusal, form, "email", "auth/register.html")
        except EmailTaken as taken:
            form.refuse(taken.field, taken.message)
        else:
            _sign_in(user)
            security_log.note("registered")
            flash(f"Welcome. {user.shop.name} is open: record the first purchase.")
            return redirect(url_for("purchases.new"), 303)
    return render_template("auth/register.html", form=form), 422


@bp.get("/login")
def login() -> ResponseReturnValue:
    if current_user.is_authenticated:
        return redirect(url_for("purchases.new"))
    return render_template("auth/login.html", form=LoginForm())


@bp.post("/login")
def sign_in() -> ResponseReturnValue:
    form = LoginForm()
    if form.validate_on_submit():
        try:
            attempt = throttle.count(SIGN_IN, form.details.email)
        except TooManyTries as refusal:
            return throttle.answer(refusal, form, "email", "auth/login.html")
        user = accounts.check_credentials(form.details)
        if user is None:
            security_log.note("sign-in-failed")
            form.refuse("email", "E-mail address or password is not right. Check both and try again")
        elif _is_signed_in(user, attempt, form):
            if form.kept.data:
                return _show_again(Kept.of(local_path(form.kept_path.data) or "/", form.kept.data))
            return redirect(local_path(request.args.get("next")) or url_for("purchases.new"), 303)
    return render_template("auth/login.html", form=form), 422


@bp.post("/logout")
def logout() -> ResponseReturnValue:
    accounts.end_session(current_user)
    db.session.commit()
    session.clear()
    flash("Signed out.")
    return redirect(url_for(".login"), 303)


def _show_again(kept: Kept) -> ResponseReturnValue:
    """Where the form was left."""
    if kept.path == url_for("purchases.record"):
        return purchases.show_again(kept.form)
    advice = "Nothing was stored yet. Look over what you typed."
    return render_template("errors/kept.html", title="You are signed in again", advice=advice, kept=kept)


def _closed() -> ResponseReturnValue:
    return render_template("auth/closed.html"), 403


def _is_signed_in(user: User, attempt: Attempt, form: LoginForm) -> bool:
    tries.clear(attempt)
    try:
        _sign_in(user)
    except WrongPassword as wrong:
        form.refuse("password", wrong.message)
        return False
    security_log.note("signed-in")
    return True


def _sign_in(user: User) -> None:
    if current_user.is_authenticated:
        accounts.end_session(current_user)
    accounts.open_session(user, browser_named_in(request.user_agent.string))
    db.session.commit()
    session.clear()  # what was known before, the CSRF token too, does not outlive a change of user
    g.pop("csrf_token", None)  # the one for forms of the session that has ended
    login_user(user)
    g.viewer = user


def _usual_shop() -> dict[str, str]:
    """Country, currency and time zone that the browser's language suggests."""
    regions = [language.partition("-")[2].upper() for language, _ in request.accept_languages]
    country = next((region for region in regions if region in countries()), "US")
    zones = time_zones_of(country)
    return {
        "country": country,
        "currency": currency_of(country) or "USD",
        "time_zone": _MAIN_ZONES.get(country) or (zones[0] if zones else "UTC"),
    }


# Where a country has several zones, the one that most of its people live in.
_MAIN_ZONES = {
    "AU": "Australia/Sydney",
    "BR": "America/Sao_Paulo",
    "CA": "America/Toronto",
    "CN": "Asia/Shanghai",
    "DE": "Europe/Berlin",
    "ES": "Europe/Madrid",
    "ID": "Asia/Jakarta",
    "MX": "America/Mexico_City",
    "NZ": "Pacific/Auckland",
    "PT": "Europe/Lisbon",
    "RU": "Europe/Moscow",
    "US": "America/New_York",
}
