"""The JSON API, version 1: the same schemas and services as the pages, asked with a token and in JSON."""

import routes.api.actions
import routes.api.customers
import routes.api.purchases
import routes.api.reports
import routes.api.root  # noqa: F401  (each hangs its operations on the blueprint)
from routes.api.room import bp

__all__ = ["bp"]
