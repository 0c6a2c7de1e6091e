"""The shop's API tokens: making and revoking them."""

from uuid import UUID

from flask import Blueprint, abort, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from extensions import db
from forms.token import TokenForm
from models import ApiToken, clock
from services import tokens

bp = Blueprint("tokens", __name__)


@bp.get("/account/tokens")
def index() -> ResponseReturnValue:
    return _page(TokenForm())


@bp.post("/account/tokens")
def make() -> ResponseReturnValue:
    form = TokenForm()
    if not form.validate_on_submit():
        return _page(form), 422
    token, text = tokens.make(form.details, user=current_user)
    db.session.commit()
    flash(f"Token made: {token.name}.")
    # No redirect: nothing that would carry the text over to another page may keep it.
    return render_template("account/token_made.html", token=token, text=text)


@bp.get("/account/tokens/<token_id:id>/revoke")
def ask_to_revoke(id: UUID) -> ResponseReturnValue:
    return render_template("account/revoke_token.html", token=_get(id))


@bp.post("/account/tokens/<token_id:id>/revoke")
def revoke(id: UUID) -> ResponseReturnValue:
    token = _get(id)
    tokens.revoke(token)
    db.session.commit()
    flash(f"Token revoked: {token.name}. What used it is shut out from now on.")
    return redirect(url_for(".index"), 303)


def _page(form: TokenForm) -> str:
    listed = tokens.list_tokens(current_user.shop_id)
    return render_template("account/tokens.html", form=form, tokens=listed, now=clock.utc_now())


def _get(id: UUID) -> ApiToken:
    """The shop's own token; a foreign one is as missing as one that never was."""
    return tokens.get(current_user.shop_id, id) or abort(404)
