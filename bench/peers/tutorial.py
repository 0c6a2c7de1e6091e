"""The way tutorials do it: Flask and Flask-SQLAlchemy; the customer is looked for, and added if there is none."""

import os
from hashlib import sha256

from flask import Flask, abort, request
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.exc import IntegrityError

app = Flask(__name__)
app.config["SQLALCHEMY_DATABASE_URI"] = os.environ["DATABASE_URL"]
db = SQLAlchemy(app)


class Token(db.Model):
    __tablename__ = "tokens"
    id = db.Column(db.Integer, primary_key=True)
    token_hash = db.Column(db.String(64), unique=True, nullable=False)


class Customer(db.Model):
    __tablename__ = "customers"
    id = db.Column(db.Integer, primary_key=True)
    name = db.Column(db.String(200), unique=True, nullable=False)


class Purchase(db.Model):
    __tablename__ = "purchases"
    id = db.Column(db.Integer, primary_key=True)
    customer_id = db.Column(db.Integer, db.ForeignKey("customers.id"), nullable=False, index=True)
    item = db.Column(db.String(200), nullable=False)
    quantity = db.Column(db.Integer, nullable=False)
    customer = db.relationship(Customer)


@app.post("/purchases")
def record():
    token = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if Token.query.filter_by(token_hash=sha256(token.encode()).hexdigest()).first() is None:
        abort(401)
    asked = request.get_json()
    try:
        purchase = add_purchase(asked)
    except IntegrityError:  # another request added the customer meanwhile
        db.session.rollback()
        purchase = add_purchase(asked)
    return {"id": purchase.id}, 201


def add_purchase(asked):
    name = asked["customer"]["name"]
    customer = Customer.query.filter_by(name=name).first()
    if customer is None:
        customer = Customer(name=name)
        db.session.add(customer)
    purchase = Purchase(customer=customer, item=asked["item"], quantity=asked["quantity"])
    db.session.add(purchase)
    db.session.commit()
    return purchase
