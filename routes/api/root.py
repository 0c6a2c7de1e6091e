"""Where things are, and what the API is."""

from flask import g, url_for
from flask.typing import ResponseReturnValue

from routes.api import reply
from routes.api.openapi import document
from routes.api.room import bp, operation
from schemas.answers import RootAnswer, ShopAnswer, TokenAnswer

_LINKS = {
    "purchases": ".list_purchases",
    "customers": ".list_customers",
    "summary": ".summary",
    "new_and_returning": ".new_and_returning",
    "top_items": ".top_items",
    "top_customers": ".top_customers",
    "openapi": ".openapi",
    "docs": "docs.api",
}


@bp.get("")
@operation("Show where things are, and who asks", gives={200: RootAnswer})
def show_root() -> ResponseReturnValue:
    token, shop = g.token, g.viewer.shop
    return reply.reply(
        RootAnswer(
            links={name: url_for(endpoint) for name, endpoint in _LINKS.items()},
            token=TokenAnswer(name=token.name, scopes=token.scopes, expires_at=token.expires_at),
            shop=ShopAnswer(
                name=shop.name,
                currency=shop.currency,
                country=shop.country,
                time_zone=shop.time_zone,
                today=shop.today(),
            ),
        )
    )


@bp.get("/openapi.json")
@operation("Describe this API (OpenAPI 3.1)", is_open=True)
def openapi() -> ResponseReturnValue:
    return document()
