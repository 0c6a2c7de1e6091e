"""The examples of the documentation: one story of a shop, told by requests and their answers.

A test runs it from top to bottom and compares every answer, so that nothing here can become untrue.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

_PLACE = re.compile(r"\{([a-z_]+)\}")
_PROBLEM = re.compile(r'"type": "/problems/([a-z-]+)"')


class Message(NamedTuple):
    """A request or an answer, taken apart."""

    first: str
    """`POST /api/v1/purchases`, or `201 Created`."""
    headers: Mapping[str, str]
    body: str


class Example(NamedTuple):
    """A request and its answer as they are shown.

    Every request has a token and, with a body, is of JSON, unless its headers say otherwise. `{names}` stand for what
    is different in every shop, like ids; in JSON, "…" stands for more than is shown.
    """

    title: str
    asked: str
    answered: str

    @property
    def request(self) -> Message:
        return _take_apart(self.asked)

    @property
    def answer(self) -> Message:
        return _take_apart(self.answered)

    @property
    def method(self) -> str:
        return self.request.first.partition(" ")[0]

    @property
    def path(self) -> str:
        return self.request.first.partition(" ")[2]

    @property
    def status(self) -> int:
        return int(self.answer.first.partition(" ")[0])

    @property
    def problems(self) -> list[str]:
        """The names of the problems in the answer."""
        return _PROBLEM.findall(self.answered)


def shown(text: str) -> str:
    """With something that looks right in the places of names."""
    return _PLACE.sub(lambda place: SAMPLES.get(place[1], place[0]), text)


def filled(text: str, known: Mapping[str, str]) -> str:
    """With what is known by now in the places of names."""
    return _PLACE.sub(lambda place: known.get(place[1], place[0]), text)


def of_problem(name: str) -> list[Example]:
    """The examples that answer with a problem; inside a batch only when it comes nowhere else."""
    found = [example for example in (*STORY, *BY_HAND) if name in example.problems]
    return [example for example in found if example.status >= 400] or found


def _take_apart(text: str) -> Message:
    head, _, body = text.partition("\n\n")
    first, *headers = head.split("\n")
    pairs = (header.partition(":") for header in headers)
    return Message(first, {name: value.strip() for name, _, value in pairs}, body)


SAMPLES = {
    "sue": "cus_01kajf3d6rf0ntw8z5hb2q7xmc",
    "tim": "cus_01kajf4m0he5avrd3k9y1c6pzs",
    "other_tim": "cus_01kajf6b7xe8jstn4v0w2g5hqr",
    "tom": "cus_01kajf9wq2fgkb6x7d1m3n8tyv",
    "shirts": "pur_01kajf3tgve9z8c2m4q6w1hrnd",
    "book": "pur_01kajf4m5nfkx0y7b3d9t2vscg",
    "pens": "pur_01kajf7x1ae1h5r8n2z4k6wqpm",
    "phone_added": "act_01kajf5h9cf2d4g6j8m0p1q3s5",
    "shirts_restored": "act_01kajf5k2be1d3f5h7m9p0q2r4",
    "purchase_history_cursor": "7c05e2b9a41d.WyIwMTljYTRmMS0…",
    "susan_kept": "act_01kajf3d8tf7w9y1a2c4e6g8k0",
    "merge": "act_01kajf8k3medvt5q7r9x0z2b4n",
    "merge_undone": "act_01kajf8z6rf3h5k7n9q1s2v4x6",
    "update_undone": "act_01kajf9x2mek3b6d8g0j1n4q7s",
    "split": "act_01kajf9wt8e0c2f4h6m8p9r1t3",
    "tim_etag": "5d41c0a97b2e4f6688d1035c9ea7b210",
    "tim_new_etag": "c83f19d2604b7ae5913f7d08b65a2ce4",
    "shirts_etag": "0b7e5a1f93c84d26a5f0e8127c6d39b4",
    "shirts_new_etag": "e92d4c7018af5b36d7149c0ea8b3f265",
    "shirts_last_etag": "7f30b6d85ce2419a0e6d28f3b19c75a4",
    "purchases_cursor": "b06d2f81c3a9.WyIyMDI2LTExLTIxIiwiMDE5Y…",
    "customers_cursor": "4e8a17f5d02c.WyJzdWUiLCIwMTljYTRm…",
    "toms_cursor": "93c5e07b1f6a.WyIyMDI2LTExLTIxIiwiMDE5Y2…",
    "made_key": "2f6d0c1a-94b3-4e57-8a60-d13c9b7e5f28",
    "request_id": "019ca4f31b7c7d02a6e58f3c901d4b7e",
    "customers_token": "till_…",
}
"""What is shown in the places of names."""

STORY = (
    Example(
        "Who asks, and where to go from here",
        "GET /api/v1",
        """200 OK

{
  "links": {
    "purchases": "/api/v1/purchases", "customers": "/api/v1/customers",
    "summary": "/api/v1/reports/summary",
    "new_and_returning": "/api/v1/reports/new-and-returning",
    "top_items": "/api/v1/reports/top-items",
    "top_customers": "/api/v1/reports/top-customers",
    "openapi": "/api/v1/openapi.json", "docs": "/api/docs"
  },
  "token": {
    "name": "Till 7",
    "scopes": [
      "purchases:read", "purchases:write", "customers:read", "customers:write",
      "reports:read"
    ],
    "expires_at": null
  },
  "shop": {
    "name": "Corner shop", "currency": "USD", "country": "US",
    "time_zone": "America/New_York", "today": "2026-11-21"
  }
}""",
    ),
    Example(
        "Describe the API",
        "GET /api/v1/openapi.json",
        """200 OK

{
  "openapi": "3.1.0",
  "info": {
    "title": "Tillbook", "version": "1",
    "description": "Record purchases exactly once, and keep one record per customer."
  },
  "paths": "…", "components": "…", "security": [{"token": []}]
}""",
    ),
    Example(
        "Somebody new",
        """POST /api/v1/customers

{"name": "Susan", "email": "sue@example.com"}""",
        """201 Created
Location: /api/v1/customers/{sue}

{
  "id": "{sue}", "name": "Susan",
  "email": "sue@example.com", "phone": null, "reference": null, "note": null,
  "merged_into": null, "created_at": "2026-11-21T09:15:04Z",
  "updated_at": "2026-11-21T09:15:04Z", "customer_outcome": "created",
  "matched_on": null,
  "customer_changes": {
    "name": {"from": null, "to": "Susan"},
    "email": {"from": null, "to": "sue@example.com"}
  }
}""",
    ),
    Example(
        "Record a purchase: the e-mail address finds Susan, who is called Sue from now on",
        """POST /api/v1/purchases
Idempotency-Key: 8e03978e-40d5-43e8-bc93-6894a57f9324

{
  "customer": {"name": "Sue", "email": "sue@example.com"}, "item": "T-shirt",
  "quantity": 2, "amount": {"amount": "15.50", "currency": "USD"},
  "purchased_on": "2026-11-20", "external_id": "till-7/123"
}""",
        """201 Created
Location: /api/v1/purchases/{shirts}

{
  "id": "{shirts}", "status": "recorded",
  "item": "T-shirt", "quantity": 2,
  "amount": {"amount": "15.50", "currency": "USD"},
  "unit_price": {"amount": "7.75", "currency": "USD"},
  "purchased_on": "2026-11-20", "external_id": "till-7/123", "note": null,
  "source": "api",
  "customer": {
    "id": "{sue}", "name": "Sue",
    "email": "sue@example.com", "phone": null, "reference": null
  },
  "matched_on": "email",
  "idempotency_key": "8e03978e-40d5-43e8-bc93-6894a57f9324",
  "recorded_at": "2026-11-21T09:15:04Z", "voided_at": null, "void_reason": null,
  "customer_outcome": "updated",
  "customer_changes": {"name": {"from": "Susan", "to": "Sue"}}
}""",
    ),
    Example(
        "Sent again with the same key: the same answer, and nothing is recorded twice",
        """POST /api/v1/purchases
Idempotency-Key: 8e03978e-40d5-43e8-bc93-6894a57f9324

{
  "customer": {"name": "Sue", "email": "sue@example.com"}, "item": "T-shirt",
  "quantity": 2, "amount": {"amount": "15.50", "currency": "USD"},
  "purchased_on": "2026-11-20", "external_id": "till-7/123"
}""",
        """201 Created
Location: /api/v1/purchases/{shirts}
Idempotent-Replayed: true

{
  "id": "{shirts}", "status": "recorded",
  "item": "T-shirt", "quantity": 2,
  "amount": {"amount": "15.50", "currency": "USD"},
  "unit_price": {"amount": "7.75", "currency": "USD"},
  "purchased_on": "2026-11-20", "external_id": "till-7/123", "note": null,
  "source": "api",
  "customer": {
    "id": "{sue}", "name": "Sue",
    "email": "sue@example.com", "phone": null, "reference": null
  },
  "matched_on": "email",
  "idempotency_key": "8e03978e-40d5-43e8-bc93-6894a57f9324",
  "recorded_at": "2026-11-21T09:15:04Z", "voided_at": null, "void_reason": null,
  "customer_outcome": "updated",
  "customer_changes": {"name": {"from": "Susan", "to": "Sue"}}
}""",
    ),
    Example(
        "The same key for something else",
        """POST /api/v1/purchases
Idempotency-Key: 8e03978e-40d5-43e8-bc93-6894a57f9324

{
  "customer": {"name": "Sue", "email": "sue@example.com"}, "item": "T-shirt",
  "quantity": 3, "amount": {"amount": "15.50", "currency": "USD"},
  "purchased_on": "2026-11-20", "external_id": "till-7/123"
}""",
        """422 Unprocessable Content

{
  "type": "/problems/idempotency-key-reused",
  "title": "This key was used for something else", "status": 422,
  "detail": "This was already recorded with other content. Nothing was stored.",
  "request_id": "{request_id}",
  "purchase_id": "{shirts}"
}""",
    ),
    Example(
        "Fields that need a change",
        """POST /api/v1/purchases
Idempotency-Key: till-7/124

{
  "customer": {"name": "Sue", "email": "sue@example.com"}, "item": "T-shirt",
  "quantity": 1.5, "amount": {"amount": "15.50", "currency": "USD"},
  "purchased_on": "2027-01-02", "external_id": "till-7/124"
}""",
        """422 Unprocessable Content

{
  "type": "/problems/validation", "title": "Some fields need a change",
  "status": 422, "detail": "2 fields need a change. Nothing was stored.",
  "request_id": "{request_id}",
  "errors": [
    {
      "pointer": "#/quantity", "code": "not_whole_number",
      "detail": "Quantity must be a whole number from 1 to 1,000,000"
    },
    {
      "pointer": "#/purchased_on", "code": "in_future",
      "detail": "Purchase date must be today or in the past"
    }
  ]
}""",
    ),
    Example(
        "Only check, and store nothing",
        """POST /api/v1/purchases?validate_only=true
Idempotency-Key: till-7/124

{
  "customer": {"email": "sue@example.com", "phone": "212 555 0142"},
  "item": "mug", "quantity": 3, "unit_price": {"amount": "8.00"}
}""",
        """200 OK

{
  "valid": true, "item": "mug", "quantity": 3,
  "amount": {"amount": "24.00", "currency": "USD"},
  "unit_price": {"amount": "8.00", "currency": "USD"},
  "purchased_on": "2026-11-21", "external_id": null, "note": null,
  "customer_id": "{sue}", "matched_on": "email",
  "customer_outcome": "updated",
  "customer_changes": {"phone": {"from": null, "to": "212 555 0142"}}
}""",
    ),
    Example(
        "A sentence, and no key: the answer has a key of ours",
        """POST /api/v1/purchases

{"sentence": "Tim purchased a book"}""",
        """201 Created
Location: /api/v1/purchases/{book}

{
  "id": "{book}", "status": "recorded", "item": "book",
  "quantity": 1, "amount": null, "unit_price": null,
  "purchased_on": "2026-11-21", "external_id": null, "note": null,
  "source": "api",
  "customer": {
    "id": "{tim}", "name": "Tim", "email": null,
    "phone": null, "reference": null
  },
  "matched_on": null, "idempotency_key": "{made_key}",
  "recorded_at": "2026-11-21T09:15:04Z", "voided_at": null, "void_reason": null,
  "customer_outcome": "created",
  "customer_changes": {"name": {"from": null, "to": "Tim"}}
}""",
    ),
    Example(
        "What a sentence means",
        """POST /api/v1/purchases/parse

{"sentence": "Sue bought 2 T-shirts for $15.50 yesterday"}""",
        """200 OK

{
  "customer": {"name": "Sue"}, "item": "T-shirts", "quantity": 2,
  "amount": {"amount": "15.50", "currency": "USD"},
  "unit_price": {"amount": "7.75", "currency": "USD"},
  "purchased_on": "2026-11-20"
}""",
    ),
    Example(
        "A sentence that can be read in two ways: offer the choices",
        """POST /api/v1/purchases/parse

{"sentence": "Tim bought a hat on 3/4 for $10"}""",
        """422 Unprocessable Content

{
  "type": "/problems/validation", "title": "Some fields need a change",
  "status": 422, "detail": "1 field needs a change. Nothing was stored.",
  "request_id": "{request_id}",
  "errors": [
    {
      "pointer": "#/sentence", "code": "date_ambiguous",
      "detail": "“3/4” can be read in two ways. Write it like 3 Apr or 4 Mar"
    }
  ],
  "choices": [
    {"label": "3 Apr", "sentence": "Tim bought a hat for $10 on 3 Apr"},
    {"label": "4 Mar", "sentence": "Tim bought a hat for $10 on 4 Mar"}
  ]
}""",
    ),
    Example(
        "Show a customer",
        "GET /api/v1/customers/{tim}",
        """200 OK
ETag: "{tim_etag}"

{
  "id": "{tim}", "name": "Tim", "email": null,
  "phone": null, "reference": null, "note": null, "merged_into": null,
  "created_at": "2026-11-21T09:15:04Z", "updated_at": "2026-11-21T09:15:04Z"
}""",
    ),
    Example(
        "Nothing has changed since",
        """GET /api/v1/customers/{tim}
If-None-Match: "{tim_etag}\"""",
        """304 Not Modified
ETag: "{tim_etag}\"""",
    ),
    Example(
        "Change what is given, if nobody else has meanwhile",
        """PATCH /api/v1/customers/{tim}
If-Match: "{tim_etag}"

{
  "email": "tim@example.com", "phone": "(212) 555-0187",
  "note": "Collects on Fridays"
}""",
        """200 OK
ETag: "{tim_new_etag}"

{
  "id": "{tim}", "name": "Tim",
  "email": "tim@example.com", "phone": "(212) 555-0187", "reference": null,
  "note": "Collects on Fridays", "merged_into": null,
  "created_at": "2026-11-21T09:15:04Z", "updated_at": "2026-11-21T09:15:04Z"
}""",
    ),
    Example(
        "Changed meanwhile",
        """PATCH /api/v1/customers/{tim}
If-Match: "{tim_etag}"

{"note": null}""",
        """412 Precondition Failed

{
  "type": "/problems/precondition-failed", "title": "It is not as you saw it",
  "status": 412,
  "detail": "It was changed since you read it. Nothing was changed now.",
  "request_id": "{request_id}"
}""",
    ),
    Example(
        "Somebody known: the phone number is added",
        """POST /api/v1/customers

{"email": "sue@example.com", "phone": "212 555 0142"}""",
        """200 OK

{
  "id": "{sue}", "name": "Sue",
  "email": "sue@example.com", "phone": "212 555 0142", "reference": null,
  "note": null, "merged_into": null, "created_at": "2026-11-21T09:15:04Z",
  "updated_at": "2026-11-21T09:15:04Z", "customer_outcome": "updated",
  "matched_on": "email",
  "customer_changes": {"phone": {"from": null, "to": "212 555 0142"}}
}""",
    ),
    Example(
        "Create only: somebody known is left as they are",
        """POST /api/v1/customers
If-None-Match: *

{"name": "Suzie", "email": "sue@example.com"}""",
        """412 Precondition Failed

{
  "type": "/problems/precondition-failed", "title": "It is not as you saw it",
  "status": 412, "detail": "Sue is known already. Nothing was stored.",
  "request_id": "{request_id}",
  "customer_id": "{sue}"
}""",
    ),
    Example(
        "Another Tim: an unknown e-mail address makes somebody new",
        """POST /api/v1/customers

{"name": "Tim", "email": "tim@example.org", "reference": "C-1042"}""",
        """201 Created
Location: /api/v1/customers/{other_tim}

{
  "id": "{other_tim}", "name": "Tim",
  "email": "tim@example.org", "phone": null, "reference": "C-1042",
  "note": null, "merged_into": null, "created_at": "2026-11-21T09:15:04Z",
  "updated_at": "2026-11-21T09:15:04Z", "customer_outcome": "created",
  "matched_on": null,
  "customer_changes": {
    "name": {"from": null, "to": "Tim"},
    "email": {"from": null, "to": "tim@example.org"},
    "reference": {"from": null, "to": "C-1042"}
  }
}""",
    ),
    Example(
        "Only a name, and several customers bear it",
        """POST /api/v1/purchases
Idempotency-Key: till-7/125

{"customer": {"name": "Tim"}, "item": "lamp"}""",
        """409 Conflict

{
  "type": "/problems/customer-ambiguous",
  "title": "Several customers are meant", "status": 409,
  "detail": "Several customers are called Tim. Choose who bought it. Nothing was stored.",
  "request_id": "{request_id}",
  "candidates": [
    {
      "id": "{tim}", "name": "Tim",
      "email": "tim@example.com", "phone": "(212) 555-0187", "reference": null,
      "purchases": 1, "last_purchased_on": "2026-11-21"
    },
    {
      "id": "{other_tim}", "name": "Tim",
      "email": "tim@example.org", "phone": null, "reference": "C-1042",
      "purchases": 0, "last_purchased_on": null
    }
  ]
}""",
    ),
    Example(
        "The e-mail address is one customer’s, the phone number another’s",
        """POST /api/v1/purchases
Idempotency-Key: till-7/125

{
  "customer": {"email": "sue@example.com", "phone": "212 555 0187"},
  "item": "lamp"
}""",
        """409 Conflict

{
  "type": "/problems/identity-conflict",
  "title": "This belongs to different customers", "status": 409,
  "detail": "What was entered belongs to different customers. Choose who bought it. Nothing was stored.",
  "request_id": "{request_id}",
  "candidates": [
    {
      "id": "{sue}", "name": "Sue",
      "email": "sue@example.com", "phone": "212 555 0142", "reference": null,
      "purchases": 1, "last_purchased_on": "2026-11-20"
    },
    {
      "id": "{tim}", "name": "Tim",
      "email": "tim@example.com", "phone": "(212) 555-0187", "reference": null,
      "purchases": 1, "last_purchased_on": "2026-11-21"
    }
  ]
}""",
    ),
    Example(
        "A number that another purchase has",
        """POST /api/v1/purchases
Idempotency-Key: till-7/125

{
  "customer_id": "{tim}", "item": "lamp",
  "external_id": "till-7/123"
}""",
        """409 Conflict

{
  "type": "/problems/external-id-taken",
  "title": "This number is already recorded", "status": 409,
  "detail": "Purchase number till-7/123 is already recorded. Each is used once. Nothing was stored.",
  "request_id": "{request_id}"
}""",
    ),
    Example(
        "An empty key",
        """POST /api/v1/purchases
Idempotency-Key: ""

{"customer_id": "{tim}", "item": "lamp"}""",
        """400 Bad Request

{
  "type": "/problems/malformed-idempotency-key",
  "title": "The Idempotency-Key cannot be read", "status": 400,
  "detail": "A key must be 1 to 255 printable ASCII characters. Nothing was stored.",
  "request_id": "{request_id}"
}""",
    ),
    Example(
        "An id that is not your shop’s",
        """POST /api/v1/purchases
Idempotency-Key: till-7/125

{"customer_id": "cus_01h455vb4pex5vsknk084sn02q", "item": "lamp"}""",
        """404 Not Found

{
  "type": "/problems/not-found", "title": "There is no such thing here",
  "status": 404,
  "detail": "An id that was given is none of your shop's. Nothing was stored.",
  "request_id": "{request_id}"
}""",
    ),
    Example(
        "Three at once: a new one, one that was recorded before, one that is refused",
        """POST /api/v1/purchases/batch

{
  "purchases": [
    {
      "idempotency_key": "till-7/126",
      "customer_id": "{tim}", "item": "pen",
      "quantity": 3, "unit_price": {"amount": "1.20"}
    },
    {
      "idempotency_key": "8e03978e-40d5-43e8-bc93-6894a57f9324",
      "customer": {"name": "Sue", "email": "sue@example.com"},
      "item": "T-shirt", "quantity": 2,
      "amount": {"amount": "15.50", "currency": "USD"},
      "purchased_on": "2026-11-20", "external_id": "till-7/123"
    },
    {
      "idempotency_key": "till-7/127",
      "sentence": "Sue bought some apples for $4"
    }
  ]
}""",
        """200 OK

{
  "stored": 2,
  "results": [
    {
      "status": 201, "replayed": false,
      "purchase": {
        "id": "{pens}", "status": "recorded",
        "item": "pen", "quantity": 3,
        "amount": {"amount": "3.60", "currency": "USD"},
        "unit_price": {"amount": "1.20", "currency": "USD"},
        "purchased_on": "2026-11-21", "external_id": null, "note": null,
        "source": "api",
        "customer": {
          "id": "{tim}", "name": "Tim",
          "email": "tim@example.com", "phone": "(212) 555-0187",
          "reference": null
        },
        "matched_on": "customer_id", "idempotency_key": "till-7/126",
        "recorded_at": "2026-11-21T09:15:04Z", "voided_at": null,
        "void_reason": null, "customer_outcome": "unchanged",
        "customer_changes": {}
      }
    },
    {
      "status": 201, "replayed": true,
      "purchase": {
        "id": "{shirts}", "status": "recorded",
        "item": "T-shirt", "quantity": 2,
        "amount": {"amount": "15.50", "currency": "USD"},
        "unit_price": {"amount": "7.75", "currency": "USD"},
        "purchased_on": "2026-11-20", "external_id": "till-7/123", "note": null,
        "source": "api",
        "customer": {
          "id": "{sue}", "name": "Sue",
          "email": "sue@example.com", "phone": null, "reference": null
        },
        "matched_on": "email",
        "idempotency_key": "8e03978e-40d5-43e8-bc93-6894a57f9324",
        "recorded_at": "2026-11-21T09:15:04Z", "voided_at": null,
        "void_reason": null, "customer_outcome": "updated",
        "customer_changes": {"name": {"from": "Susan", "to": "Sue"}}
      }
    },
    {
      "status": 422, "replayed": false,
      "problem": {
        "type": "/problems/validation", "title": "Some fields need a change",
        "status": 422, "detail": "1 field needs a change. Nothing was stored.",
        "request_id": "{request_id}",
        "errors": [
          {
            "pointer": "#/sentence", "code": "quantity_vague",
            "detail": "Enter how many, like: Sue bought 3 apples"
          }
        ]
      }
    }
  ]
}""",
    ),
    Example(
        "All of them or none",
        """POST /api/v1/purchases/batch?all_or_nothing=true

{
  "purchases": [
    {
      "idempotency_key": "till-7/128", "customer": {"reference": "C-1042"},
      "item": "lamp", "amount": {"amount": "45.00"}
    },
    {
      "idempotency_key": "till-7/129", "customer": {"reference": "C-1042"},
      "item": ""
    }
  ]
}""",
        """200 OK

{
  "stored": 0,
  "results": [
    {
      "status": 424, "replayed": false,
      "problem": {
        "type": "/problems/not-stored",
        "title": "Not stored, because another was refused", "status": 424,
        "detail": "Mend the refused ones and send the batch again, with the same keys.",
        "request_id": "{request_id}"
      }
    },
    {
      "status": 422, "replayed": false,
      "problem": {
        "type": "/problems/validation", "title": "Some fields need a change",
        "status": 422, "detail": "1 field needs a change. Nothing was stored.",
        "request_id": "{request_id}",
        "errors": [
          {
            "pointer": "#/item", "code": "blank",
            "detail": "Enter what was bought"
          }
        ]
      }
    }
  ]
}""",
    ),
    Example(
        "The latest day first, two on a page",
        "GET /api/v1/purchases?limit=2",
        """200 OK
Link: </api/v1/purchases?limit=2&cursor={purchases_cursor}>; rel="next"

{
  "items": [
    {
      "id": "{pens}", "status": "recorded",
      "item": "pen", "quantity": 3,
      "amount": {"amount": "3.60", "currency": "USD"},
      "unit_price": {"amount": "1.20", "currency": "USD"},
      "purchased_on": "2026-11-21", "external_id": null, "note": null,
      "source": "api",
      "customer": {
        "id": "{tim}", "name": "Tim",
        "email": "tim@example.com", "phone": "(212) 555-0187", "reference": null
      },
      "matched_on": "customer_id", "idempotency_key": "till-7/126",
      "recorded_at": "2026-11-21T09:15:04Z", "voided_at": null,
      "void_reason": null
    },
    {
      "id": "{book}", "status": "recorded",
      "item": "book", "quantity": 1, "amount": null, "unit_price": null,
      "purchased_on": "2026-11-21", "external_id": null, "note": null,
      "source": "api",
      "customer": {
        "id": "{tim}", "name": "Tim",
        "email": "tim@example.com", "phone": "(212) 555-0187", "reference": null
      },
      "matched_on": null,
      "idempotency_key": "{made_key}",
      "recorded_at": "2026-11-21T09:15:04Z", "voided_at": null,
      "void_reason": null
    }
  ],
  "next": "/api/v1/purchases?limit=2&cursor={purchases_cursor}"
}""",
    ),
    Example(
        "The next page, which is the last: it has no next",
        "GET /api/v1/purchases?limit=2&cursor={purchases_cursor}",
        """200 OK

{
  "items": [
    {
      "id": "{shirts}", "status": "recorded",
      "item": "T-shirt", "quantity": 2,
      "amount": {"amount": "15.50", "currency": "USD"},
      "unit_price": {"amount": "7.75", "currency": "USD"},
      "purchased_on": "2026-11-20", "external_id": "till-7/123", "note": null,
      "source": "api",
      "customer": {
        "id": "{sue}", "name": "Sue",
        "email": "sue@example.com", "phone": "212 555 0142", "reference": null
      },
      "matched_on": "email",
      "idempotency_key": "8e03978e-40d5-43e8-bc93-6894a57f9324",
      "recorded_at": "2026-11-21T09:15:04Z", "voided_at": null,
      "void_reason": null
    }
  ]
}""",
    ),
    Example(
        "A cursor goes with its filters",
        "GET /api/v1/purchases?limit=2&item=pen&cursor={purchases_cursor}",
        """400 Bad Request

{
  "type": "/problems/bad-cursor", "title": "This page of the list is not there",
  "status": 400,
  "detail": "Follow the `next` of the page before, or begin again without a cursor.",
  "request_id": "{request_id}"
}""",
    ),
    Example(
        "Narrowed down",
        """GET /api/v1/purchases?customer_id={sue}&purchased_from=2026-11-01&min_amount=10&status=all""",
        """200 OK

{
  "items": [
    {
      "id": "{shirts}", "status": "recorded",
      "item": "T-shirt", "quantity": 2,
      "amount": {"amount": "15.50", "currency": "USD"},
      "unit_price": {"amount": "7.75", "currency": "USD"},
      "purchased_on": "2026-11-20", "external_id": "till-7/123", "note": null,
      "source": "api",
      "customer": {
        "id": "{sue}", "name": "Sue",
        "email": "sue@example.com", "phone": "212 555 0142", "reference": null
      },
      "matched_on": "email",
      "idempotency_key": "8e03978e-40d5-43e8-bc93-6894a57f9324",
      "recorded_at": "2026-11-21T09:15:04Z", "voided_at": null,
      "void_reason": null
    }
  ]
}""",
    ),
    Example(
        "By your own number: no purchase has this one",
        "GET /api/v1/purchases?external_id=till-7/999",
        """200 OK

{"items": []}""",
    ),
    Example(
        "Parameters that need a change",
        "GET /api/v1/purchases?limit=1000&colour=red",
        """422 Unprocessable Content

{
  "type": "/problems/validation", "title": "Some fields need a change",
  "status": 422, "detail": "2 parameters need a change.",
  "request_id": "{request_id}",
  "errors": [
    {
      "parameter": "limit", "code": "not_whole_number",
      "detail": "Limit must be a whole number from 1 to 200"
    },
    {
      "parameter": "colour", "code": "unknown_field",
      "detail": "“colour” is not a field here. Leave it out"
    }
  ]
}""",
    ),
    Example(
        "As CSV, all of it in one answer",
        """GET /api/v1/purchases?item=T-shirt
Accept: text/csv""",
        """200 OK
Content-Type: text/csv; charset=utf-8

"id","purchased_on","customer_id","name","email","phone","reference","item","quantity","amount","currency","note",\
"external_id","status","source","recorded_at"
"{shirts}","2026-11-20","{sue}","Sue","sue@example.com","212 555 \
0142","","T-shirt","2","15.50","USD","","till-7/123","recorded","api","2026-11-21T09:15:04Z\"""",
    ),
    Example(
        "Show a purchase",
        "GET /api/v1/purchases/{shirts}",
        """200 OK
ETag: "{shirts_etag}"

{
  "id": "{shirts}", "status": "recorded",
  "item": "T-shirt", "quantity": 2,
  "amount": {"amount": "15.50", "currency": "USD"},
  "unit_price": {"amount": "7.75", "currency": "USD"},
  "purchased_on": "2026-11-20", "external_id": "till-7/123", "note": null,
  "source": "api",
  "customer": {
    "id": "{sue}", "name": "Sue",
    "email": "sue@example.com", "phone": "212 555 0142", "reference": null
  },
  "matched_on": "email",
  "idempotency_key": "8e03978e-40d5-43e8-bc93-6894a57f9324",
  "recorded_at": "2026-11-21T09:15:04Z", "voided_at": null, "void_reason": null
}""",
    ),
    Example(
        "Nothing has changed since",
        """GET /api/v1/purchases/{shirts}
If-None-Match: "{shirts_etag}\"""",
        """304 Not Modified
ETag: "{shirts_etag}\"""",
    ),
    Example(
        "No such purchase",
        "GET /api/v1/purchases/pur_01h455vb4pex5vsknk084sn02q",
        """404 Not Found

{
  "type": "/problems/not-found", "title": "There is no such thing here",
  "status": 404,
  "detail": "The address is wrong, or the id is none of your shop's. Check the address and the id.",
  "request_id": "{request_id}"
}""",
    ),
    Example(
        "Change what is given, if nobody else has meanwhile",
        """PATCH /api/v1/purchases/{shirts}
If-Match: "{shirts_etag}"

{
  "quantity": 3, "amount": {"amount": "23.25"},
  "note": "One more, for her brother"
}""",
        """200 OK
ETag: "{shirts_new_etag}"

{
  "id": "{shirts}", "status": "recorded",
  "item": "T-shirt", "quantity": 3,
  "amount": {"amount": "23.25", "currency": "USD"},
  "unit_price": {"amount": "7.75", "currency": "USD"},
  "purchased_on": "2026-11-20", "external_id": "till-7/123",
  "note": "One more, for her brother", "source": "api",
  "customer": {
    "id": "{sue}", "name": "Sue",
    "email": "sue@example.com", "phone": "212 555 0142", "reference": null
  },
  "matched_on": "email",
  "idempotency_key": "8e03978e-40d5-43e8-bc93-6894a57f9324",
  "recorded_at": "2026-11-21T09:15:04Z", "voided_at": null, "void_reason": null
}""",
    ),
    Example(
        "Changed meanwhile",
        """PATCH /api/v1/purchases/{shirts}
If-Match: "{shirts_etag}"

{"quantity": 1}""",
        """412 Precondition Failed

{
  "type": "/problems/precondition-failed", "title": "It is not as you saw it",
  "status": 412,
  "detail": "It was changed since you read it. Nothing was changed now.",
  "request_id": "{request_id}"
}""",
    ),
    Example(
        "Null clears",
        """PATCH /api/v1/purchases/{shirts}

{"note": null}""",
        """200 OK
ETag: "{shirts_last_etag}"

{
  "id": "{shirts}", "status": "recorded",
  "item": "T-shirt", "quantity": 3,
  "amount": {"amount": "23.25", "currency": "USD"},
  "unit_price": {"amount": "7.75", "currency": "USD"},
  "purchased_on": "2026-11-20", "external_id": "till-7/123", "note": null,
  "source": "api",
  "customer": {
    "id": "{sue}", "name": "Sue",
    "email": "sue@example.com", "phone": "212 555 0142", "reference": null
  },
  "matched_on": "email",
  "idempotency_key": "8e03978e-40d5-43e8-bc93-6894a57f9324",
  "recorded_at": "2026-11-21T09:15:04Z", "voided_at": null, "void_reason": null
}""",
    ),
    Example(
        "Take a purchase back",
        """POST /api/v1/purchases/{shirts}/void

{"reason": "Brought back"}""",
        """200 OK

{
  "id": "{shirts}", "status": "void", "item": "T-shirt",
  "quantity": 3, "amount": {"amount": "23.25", "currency": "USD"},
  "unit_price": {"amount": "7.75", "currency": "USD"},
  "purchased_on": "2026-11-20", "external_id": "till-7/123", "note": null,
  "source": "api",
  "customer": {
    "id": "{sue}", "name": "Sue",
    "email": "sue@example.com", "phone": "212 555 0142", "reference": null
  },
  "matched_on": "email",
  "idempotency_key": "8e03978e-40d5-43e8-bc93-6894a57f9324",
  "recorded_at": "2026-11-21T09:15:04Z", "voided_at": "2026-11-21T09:15:04Z",
  "void_reason": "Brought back"
}""",
    ),
    Example(
        "Nothing is ever deleted",
        "DELETE /api/v1/purchases/{shirts}",
        """405 Method Not Allowed
Allow: GET, HEAD, OPTIONS, PATCH

{
  "type": "/problems/method-not-allowed", "title": "This cannot be done here",
  "status": 405,
  "detail": "The address is right, the method is not; the header Allow names those that are. Nothing is ever deleted. \
To take a purchase back, POST to its /void.",
  "request_id": "{request_id}"
}""",
    ),
    Example(
        "Let it count again",
        "POST /api/v1/purchases/{shirts}/restore",
        """200 OK

{
  "id": "{shirts}", "status": "recorded",
  "item": "T-shirt", "quantity": 3,
  "amount": {"amount": "23.25", "currency": "USD"},
  "unit_price": {"amount": "7.75", "currency": "USD"},
  "purchased_on": "2026-11-20", "external_id": "till-7/123", "note": null,
  "source": "api",
  "customer": {
    "id": "{sue}", "name": "Sue",
    "email": "sue@example.com", "phone": "212 555 0142", "reference": null
  },
  "matched_on": "email",
  "idempotency_key": "8e03978e-40d5-43e8-bc93-6894a57f9324",
  "recorded_at": "2026-11-21T09:15:04Z", "voided_at": null, "void_reason": null
}""",
    ),
    Example(
        "What became of it last",
        "GET /api/v1/purchases/{shirts}/history?limit=2",
        """200 OK
Link: </api/v1/purchases/{shirts}/history?limit=2&cursor={purchase_history_cursor}>; rel="next"

{
  "items": [
    {
      "at": "2026-11-21T09:15:04Z", "user": "owner@example.com",
      "field": "void_reason", "from": "Brought back", "to": null,
      "purchase_id": null, "action_id": "{shirts_restored}"
    },
    {
      "at": "2026-11-21T09:15:04Z", "user": "owner@example.com",
      "field": "status", "from": "void", "to": "recorded", "purchase_id": null,
      "action_id": "{shirts_restored}"
    }
  ],
  "next": "/api/v1/purchases/{shirts}/history?limit=2&cursor={purchase_history_cursor}"
}""",
    ),
    Example(
        "In the order of their names",
        "GET /api/v1/customers?limit=1",
        """200 OK
Link: </api/v1/customers?limit=1&cursor={customers_cursor}>; rel="next"

{
  "items": [
    {
      "id": "{sue}", "name": "Sue",
      "email": "sue@example.com", "phone": "212 555 0142", "reference": null,
      "note": null, "merged_into": null, "created_at": "2026-11-21T09:15:04Z",
      "updated_at": "2026-11-21T09:15:04Z"
    }
  ],
  "next": "/api/v1/customers?limit=1&cursor={customers_cursor}"
}""",
    ),
    Example(
        "Whose e-mail address it is",
        "GET /api/v1/customers?email=TIM@example.com",
        """200 OK

{
  "items": [
    {
      "id": "{tim}", "name": "Tim",
      "email": "tim@example.com", "phone": "(212) 555-0187", "reference": null,
      "note": "Collects on Fridays", "merged_into": null,
      "created_at": "2026-11-21T09:15:04Z", "updated_at": "2026-11-21T09:15:04Z"
    }
  ]
}""",
    ),
    Example(
        "What Tim bought",
        "GET /api/v1/customers/{tim}/purchases?limit=1",
        """200 OK
Link: </api/v1/customers/{tim}/purchases?limit=1&cursor={toms_cursor}>; rel="next"

{
  "items": [
    {
      "id": "{pens}", "status": "recorded",
      "item": "pen", "quantity": 3,
      "amount": {"amount": "3.60", "currency": "USD"},
      "unit_price": {"amount": "1.20", "currency": "USD"},
      "purchased_on": "2026-11-21", "external_id": null, "note": null,
      "source": "api",
      "customer": {
        "id": "{tim}", "name": "Tim",
        "email": "tim@example.com", "phone": "(212) 555-0187", "reference": null
      },
      "matched_on": "customer_id", "idempotency_key": "till-7/126",
      "recorded_at": "2026-11-21T09:15:04Z", "voided_at": null,
      "void_reason": null
    }
  ],
  "next": "/api/v1/customers/{tim}/purchases?limit=1&cursor={toms_cursor}"
}""",
    ),
    Example(
        "What changed on Sue, by a purchase and by hand",
        "GET /api/v1/customers/{sue}/history",
        """200 OK

{
  "items": [
    {
      "at": "2026-11-21T09:15:04Z", "user": "owner@example.com",
      "field": "phone", "from": null, "to": "212 555 0142", "purchase_id": null,
      "action_id": "{phone_added}"
    },
    {
      "at": "2026-11-21T09:15:04Z", "user": "owner@example.com",
      "field": "name", "from": "Susan", "to": "Sue",
      "purchase_id": "{shirts}", "action_id": null
    },
    {
      "at": "2026-11-21T09:15:04Z", "user": "owner@example.com",
      "field": "email", "from": null, "to": "sue@example.com",
      "purchase_id": null, "action_id": "{susan_kept}"
    },
    {
      "at": "2026-11-21T09:15:04Z", "user": "owner@example.com",
      "field": "name", "from": null, "to": "Susan", "purchase_id": null,
      "action_id": "{susan_kept}"
    }
  ]
}""",
    ),
    Example(
        "The other Tim turned out to be this one",
        """POST /api/v1/customers/{tim}/merge

{"from_customer_id": "{other_tim}"}""",
        """200 OK

{
  "action_id": "{merge}",
  "customer": {
    "id": "{tim}", "name": "Tim",
    "email": "tim@example.com", "phone": "(212) 555-0187",
    "reference": "C-1042", "note": "Collects on Fridays", "merged_into": null,
    "created_at": "2026-11-21T09:15:04Z", "updated_at": "2026-11-21T09:15:04Z"
  }
}""",
    ),
    Example(
        "One who was merged names who stays",
        "GET /api/v1/customers/{other_tim}",
        """200 OK

{
  "id": "{other_tim}", "name": "Tim",
  "email": "tim@example.org", "phone": null, "reference": "C-1042",
  "note": null, "merged_into": "{tim}",
  "created_at": "2026-11-21T09:15:04Z", "updated_at": "2026-11-21T09:15:04Z"
}""",
    ),
    Example(
        "They are one already",
        """POST /api/v1/customers/{tim}/merge

{"from_customer_id": "{other_tim}"}""",
        """409 Conflict

{
  "type": "/problems/cannot-merge", "title": "These cannot be merged or split",
  "status": 409,
  "detail": "Both are Tim. Choose another customer. Nothing was stored.",
  "request_id": "{request_id}"
}""",
    ),
    Example(
        "One who was merged cannot be changed",
        """PATCH /api/v1/customers/{other_tim}

{"note": "Wholesale"}""",
        """409 Conflict

{
  "type": "/problems/customer-merged",
  "title": "This customer was merged into another", "status": 409,
  "detail": "This customer was merged into Tim. Change that one. Nothing was stored.",
  "request_id": "{request_id}",
  "customer_id": "{tim}"
}""",
    ),
    Example(
        "They are two after all",
        "POST /api/v1/actions/{merge}/undo",
        """200 OK

{
  "action_id": "{merge_undone}",
  "undid": "{merge}"
}""",
    ),
    Example(
        "It was taken back already",
        "POST /api/v1/actions/{merge}/undo",
        """409 Conflict

{
  "type": "/problems/cannot-undo", "title": "This cannot be taken back",
  "status": 409, "detail": "This was taken back already. Nothing was stored.",
  "request_id": "{request_id}"
}""",
    ),
    Example(
        "The pens were somebody else’s",
        """POST /api/v1/customers/{tim}/split

{
  "purchase_ids": ["{pens}"],
  "customer": {"name": "Tom"}
}""",
        """200 OK

{
  "action_id": "{split}",
  "customer": {
    "id": "{tom}", "name": "Tom", "email": null,
    "phone": null, "reference": null, "note": null, "merged_into": null,
    "created_at": "2026-11-21T09:15:04Z", "updated_at": "2026-11-21T09:15:04Z"
  }
}""",
    ),
    Example(
        "From a day on, by day",
        "GET /api/v1/reports/summary?from=2026-11-01&group_by=day",
        """200 OK

{
  "items": [
    {
      "purchases": 1, "quantity": 3,
      "amounts": [{"amount": "23.25", "currency": "USD"}],
      "period": "2026-11-20", "first_day": "2026-11-20",
      "last_day": "2026-11-20"
    },
    {
      "purchases": 2, "quantity": 4,
      "amounts": [{"amount": "3.60", "currency": "USD"}],
      "period": "2026-11-21", "first_day": "2026-11-21",
      "last_day": "2026-11-21"
    }
  ]
}""",
    ),
    Example(
        "From a day on, by week",
        "GET /api/v1/reports/new-and-returning?from=2026-11-01&group_by=week",
        """200 OK

{
  "items": [
    {
      "period": "2026-W47", "first_day": "2026-11-16",
      "last_day": "2026-11-22", "new": 3, "returning": 0
    }
  ]
}""",
    ),
    Example(
        "By pieces",
        "GET /api/v1/reports/top-items?sort=-quantity&limit=2",
        """200 OK

{
  "items": [
    {
      "purchases": 1, "quantity": 3,
      "amounts": [{"amount": "3.60", "currency": "USD"}], "item": "pen"
    },
    {
      "purchases": 1, "quantity": 3,
      "amounts": [{"amount": "23.25", "currency": "USD"}], "item": "T-shirt"
    }
  ]
}""",
    ),
    Example(
        "By amount",
        "GET /api/v1/reports/top-customers?sort=-amount&currency=USD&limit=2",
        """200 OK

{
  "items": [
    {
      "purchases": 1, "quantity": 3,
      "amounts": [{"amount": "23.25", "currency": "USD"}],
      "customer": {
        "id": "{sue}", "name": "Sue",
        "email": "sue@example.com", "phone": "212 555 0142", "reference": null
      }
    },
    {
      "purchases": 1, "quantity": 3,
      "amounts": [{"amount": "3.60", "currency": "USD"}],
      "customer": {
        "id": "{tom}", "name": "Tom", "email": null,
        "phone": null, "reference": null
      }
    }
  ]
}""",
    ),
    Example(
        "It was Susan after all: the purchase stays, the name is taken back",
        "POST /api/v1/purchases/{shirts}/undo-update",
        """200 OK

{
  "action_id": "{update_undone}",
  "purchase_id": "{shirts}",
  "customer": {
    "id": "{sue}", "name": "Susan",
    "email": "sue@example.com", "phone": "212 555 0142", "reference": null,
    "note": null, "merged_into": null,
    "created_at": "2026-11-21T09:15:04Z", "updated_at": "2026-11-21T09:15:04Z"
  }
}""",
    ),
    Example(
        "No token",
        """GET /api/v1
Authorization:""",
        """401 Unauthorized
WWW-Authenticate: Bearer realm="Tillbook"

{
  "type": "/problems/unauthenticated", "title": "Send a token", "status": 401,
  "detail": "Send a token that is in use: Authorization: Bearer till_….",
  "request_id": "{request_id}"
}""",
    ),
    Example(
        "A token for customers only",
        """GET /api/v1/purchases
Authorization: Bearer {customers_token}""",
        """403 Forbidden

{
  "type": "/problems/missing-scope", "title": "The token may not do this",
  "status": 403, "detail": "The token needs the scope purchases:read.",
  "request_id": "{request_id}", "scope": "purchases:read"
}""",
    ),
    Example(
        "A token in the address",
        "GET /api/v1/customers?token={customers_token}",
        """400 Bad Request

{
  "type": "/problems/token-in-address",
  "title": "A token does not belong in an address", "status": 400,
  "detail": "Revoke this token: an address is no secret. Send tokens in a header.",
  "request_id": "{request_id}"
}""",
    ),
    Example(
        "A field that is given twice",
        """POST /api/v1/purchases

{"customer": {"name": "Tim"}, "item": "a book", "item": "a pen"}""",
        """400 Bad Request

{
  "type": "/problems/malformed-json",
  "title": "The body cannot be read as JSON", "status": 400,
  "detail": "Give “item” only once in an object.",
  "request_id": "{request_id}"
}""",
    ),
    Example(
        "A form instead of JSON",
        """POST /api/v1/purchases
Content-Type: application/x-www-form-urlencoded

customer=Tim&item=book""",
        """415 Unsupported Media Type

{
  "type": "/problems/unsupported-media-type", "title": "Send JSON",
  "status": 415,
  "detail": "The body was not said to be JSON, or was said to be compressed. Send it uncompressed, with the header \
Content-Type: application/json and without Content-Encoding.",
  "request_id": "{request_id}"
}""",
    ),
    Example(
        "A body that broke off",
        """POST /api/v1/purchases
Content-Length: 72

{"customer": {"name": "T""",
        """400 Bad Request

{
  "type": "/problems/bad-request", "title": "The request cannot be read",
  "status": 400,
  "detail": "The request broke off, or its headers contradict each other. Send it again. With the same Idempotency-Key \
nothing is recorded twice.",
  "request_id": "{request_id}"
}""",
    ),
    Example(
        "A body of more than 1 MB",
        """POST /api/v1/purchases/batch
Content-Length: 1200345

{"purchases": [""",
        """413 Content Too Large

{
  "type": "/problems/too-large", "title": "That is too much at once",
  "status": 413,
  "detail": "A body has at most 1 MB and a batch at most 1,000 purchases. Send it in smaller parts.",
  "request_id": "{request_id}"
}""",
    ),
    Example(
        "Is it alive?",
        "GET /healthz",
        """200 OK

{"status": "alive"}""",
    ),
    Example(
        "Can it serve?",
        "GET /readyz",
        """200 OK

{"status": "ready"}""",
    ),
)

BY_HAND = (
    Example(
        "Asked too often",
        "GET /api/v1/customers?email=tim@example.com",
        """429 Too Many Requests
Retry-After: 12
RateLimit-Limit: 6000
RateLimit-Remaining: 0
RateLimit-Reset: 12

{
  "type": "/problems/too-many-requests", "title": "Too many requests",
  "status": 429,
  "detail": "Wait for the seconds of Retry-After, and send several purchases in one batch.",
  "request_id": "{request_id}"
}""",
    ),
    Example(
        "A mistake of ours",
        "GET /api/v1/reports/summary",
        """500 Internal Server Error

{
  "type": "/problems/broken", "title": "Something broke on our side",
  "status": 500, "detail": "Report the request_id. Nothing was stored.",
  "request_id": "{request_id}"
}""",
    ),
    Example(
        "Somebody else holds the database",
        """POST /api/v1/purchases
Idempotency-Key: till-7/130

{"customer_id": "{tim}", "item": "lamp"}""",
        """503 Service Unavailable
Retry-After: 2

{
  "type": "/problems/busy", "title": "Tillbook is busy", "status": 503,
  "detail": "Wait for the seconds of Retry-After and send it again, with the same Idempotency-Key: \
nothing is recorded twice.",
  "request_id": "{request_id}"
}""",
    ),
)
"""What takes a fault to come about: no test can ask for it."""
