"""Who gets in, before any page is asked: everything needs a signed-in user but a short public list."""

from http import HTTPStatus

from flask import Flask, Request, abort, flash, g, redirect, render_template, request, session, url_for
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy.exc import DBAPIError
from werkzeug.datastructures import MultiDict

from extensions import db, login
from forms.account import LoginForm
from models import Import, User, UserSession, clock
from models.dialect import is_passing, only_reads
from routes.api import room
from routes.kept import what_was_typed
from routes.origin import is_from_elsewhere
from services import accounts
from services.rollback import aside

FILES = {"static", "bootstrap.static"}
_ASKS_NOBODY = FILES | {"health.alive", "health.ready", "metrics.show"}
PUBLIC = (
    _ASKS_NOBODY
    | {"docs.api", "docs.problems", "docs.problem"}
    | {"auth.register", "auth.open_shop", "auth.login", "auth.sign_in"}
    | {"resetting.forgot", "resetting.send_link", "resetting.show", "resetting.reset"}
)
UPLOAD = "imports.upload"
UPLOAD_MAX = Import.SIZE_MAX + 64_000
_SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
_PREVIEWS = {"purchases.preview", "purchases.fill_in_again"}
"""Asked by POST, as what is typed has no place in an address; while somebody types, nobody need wait for them."""


def register(app: Flask) -> None:
    app.before_request(_note_what_may_write)
    app.before_request(_ask_to_sign_in)
    app.teardown_request(_forget_what_may_write)
    app.session_interface = _Sessions()
    login.session_protection = None  # a session is a row that can be ended; guessing from addresses only locks out
    login.user_loader(_load_user)


class _Sessions(SecureCookieSessionInterface):
    """None for the API, which looks at no cookie."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        return self.make_null_session(app) if room.is_asked() else super().open_session(app, request)


def _note_what_may_write() -> None:
    g.viewer = None
    only_reads.set(_only_reads())


def _only_reads() -> bool:
    return request.method in _SAFE_METHODS or request.endpoint in _PREVIEWS


def _forget_what_may_write(_: BaseException | None) -> None:
    only_reads.set(False)


def _ask_to_sign_in() -> ResponseReturnValue | None:
    if request.endpoint in _ASKS_NOBODY:
        return None
    # The API lets in by tokens and never looks at the session. What is not there is for nobody to find out.
    if room.is_asked():
        if request.endpoint is None:
            room.admit()
        return None
    # Beside the token of each form: a page of another site has nothing to send here, whatever it has got hold of.
    if request.method not in _SAFE_METHODS and is_from_elsewhere():
        abort(403)
    if request.endpoint == UPLOAD and "_user_id" in session:
        request.max_content_length = UPLOAD_MAX  # nobody else needs to send so much
    try:
        # Whole, before the database is asked: on SQLite, who may write holds the lock from then on.
        _ = request.form
    finally:
        # Asked for once, here: an error page must not need the database to know whom it is shown to.
        g.viewer = current_user._get_current_object() if current_user.is_authenticated else None
        # Nor may a transaction that fails: it would have the session forget them.
        db.session.expunge_all()
    # A page that does not exist is nobody's secret: it goes on to its 404.
    if request.endpoint is None or request.endpoint in PUBLIC or g.viewer:
        return None
    if request.method in _SAFE_METHODS:
        flash("Sign in to go on.")
        return redirect(url_for("auth.login", next=request.full_path.rstrip("?")))
    return _sign_in_and_go_on()


def _sign_in_and_go_on() -> ResponseReturnValue:
    kept = what_was_typed()
    if kept is None:
        flash("You were signed out. Nothing was stored: sign in, then send it again.")
        return redirect(url_for("auth.login"), 303)
    flash("You were signed out. Nothing was stored yet: what you typed is kept, and is there when you have signed in.")
    form = LoginForm(MultiDict(), kept=kept.text, kept_path=kept.path)
    return render_template("auth/login.html", form=form), HTTPStatus.UNAUTHORIZED


def _load_user(token: str) -> User | None:
    found = accounts.find_session(token)
    if found is None:
        return None
    user, session = found
    if clock.utc_now() - session.last_seen_at < UserSession.SEEN_EVERY:
        return user
    return _seen_again(token)


def _seen_again(token: str) -> User | None:
    with aside(only_reads=False):
        try:
            accounts.mark_seen(token)
            db.session.commit()
        except DBAPIError as error:
            if not is_passing(error):  # else an import holds the database: a later request notes it
                raise
    found = accounts.find_session(token)
    return found[0] if found else None
