"""The signed-in person's own account."""

from flask import Blueprint, flash, g, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_user

from extensions import db
from forms.account import PasswordForm
from services import accounts
from services.refusals import WrongPassword

bp = Blueprint("account", __name__)


@bp.get("/account")
def show() -> ResponseReturnValue:
    return render_template("account/show.html", form=PasswordForm())


@bp.post("/account/password")
def change_password() -> ResponseReturnValue:
    form = PasswordForm()
    if form.validate_on_submit():
        try:
            accounts.change_password(current_user, form.details)
        except WrongPassword as wrong:
            form.refuse(wrong.field, wrong.message)
        else:
            db.session.commit()
            login_user(g.viewer)  # not the proxy: it would stand for itself
            flash("Password changed. Every other browser was signed out.")
            return redirect(url_for(".show"), 303)
    return render_template("account/show.html", form=form), 422
