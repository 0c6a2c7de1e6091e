"""Every problem the API may answer with (RFC 9457): what it is called, what is the matter, what to do."""

from typing import NamedTuple


class ProblemType(NamedTuple):
    status: int
    title: str
    cause: str
    fix: str

    def address(self, name: str) -> str:
        return f"/problems/{name}"


PROBLEMS = {
    "validation": ProblemType(
        422,
        "Some fields need a change",
        "Something that was sent breaks a rule. Each entry of `errors` points at a field of the body, or names a "
        "parameter of the address, and says what it must be.",
        "Change these fields and send the request again, with the same Idempotency-Key: a refusal does not use it up.",
    ),
    "idempotency-key-reused": ProblemType(
        422,
        "This key was used for something else",
        "A purchase was recorded under this Idempotency-Key before, with other content.",
        "Use a new key for each purchase, and the same key only to send the same purchase again.",
    ),
    "malformed-idempotency-key": ProblemType(
        400,
        "The Idempotency-Key cannot be read",
        "A key is 1 to 255 printable ASCII characters, bare or in quotes.",
        "Send a random UUID, made once for each purchase.",
    ),
    "malformed-json": ProblemType(
        400,
        "The body cannot be read as JSON",
        "The body is not one JSON object in UTF-8, names a field twice, holds NaN or is nested too deeply.",
        "Mend the JSON; `detail` says where.",
    ),
    "unsupported-media-type": ProblemType(
        415,
        "Send JSON",
        "The body was not said to be JSON, or was said to be compressed.",
        "Send it uncompressed, with the header Content-Type: application/json and without Content-Encoding.",
    ),
    "bad-request": ProblemType(
        400,
        "The request cannot be read",
        "The request broke off, or its headers contradict each other.",
        "Send it again. With the same Idempotency-Key nothing is recorded twice.",
    ),
    "bad-cursor": ProblemType(
        400,
        "This page of the list is not there",
        "A cursor belongs to the list, the filters and the order it was made for.",
        "Follow the `next` of the page before, or begin again without a cursor.",
    ),
    "token-in-address": ProblemType(
        400,
        "A token does not belong in an address",
        "Addresses end up in logs, histories and on screens.",
        "Revoke this token, make a new one, and send it in the header Authorization: Bearer till_….",
    ),
    "unauthenticated": ProblemType(
        401,
        "Send a token",
        "There was no token, or it is not one of ours, was revoked, or has expired.",
        "Make a token on the page API tokens of your account and send it: Authorization: Bearer till_….",
    ),
    "missing-scope": ProblemType(
        403,
        "The token may not do this",
        "A token lets in only as far as its scopes; `scope` names the one that is missing.",
        "Make a token with this scope.",
    ),
    "not-found": ProblemType(
        404,
        "There is no such thing here",
        "The address is wrong, or the id is none of your shop's.",
        "Check the address and the id.",
    ),
    "method-not-allowed": ProblemType(
        405,
        "This cannot be done here",
        "The address is right, the method is not; the header Allow names those that are. Nothing is ever deleted.",
        "To take a purchase back, POST to its /void.",
    ),
    "customer-ambiguous": ProblemType(
        409,
        "Several customers are meant",
        "Only a name was given, and several customers bear it: they are the `candidates`. Nothing was stored.",
        "Send the customer_id of the right one instead of the customer, or add an e-mail address, a phone number or a "
        "customer number.",
    ),
    "identity-conflict": ProblemType(
        409,
        "This belongs to different customers",
        "What was given for the customer belongs to several `candidates`, and nothing is guessed. Nothing was stored.",
        "Send the customer_id of the right one, or merge the two if they are one.",
    ),
    "external-id-taken": ProblemType(
        409,
        "This number is already recorded",
        "Another purchase of the shop has this external_id. Nothing was stored.",
        "Give each purchase its own number. To send the same purchase again, use the same Idempotency-Key.",
    ),
    "customer-merged": ProblemType(
        409,
        "This customer was merged into another",
        "The id still finds them, but what is to change stands with the customer named by `customer_id`.",
        "Send the request for that customer.",
    ),
    "cannot-merge": ProblemType(
        409,
        "These cannot be merged or split",
        "The two are one customer already. Nothing was changed.",
        "Check both ids.",
    ),
    "cannot-undo": ProblemType(
        409,
        "This cannot be taken back",
        "It was taken back already, or something later stands on it. Nothing was changed.",
        "Take the later change back first, or change it by hand.",
    ),
    "precondition-failed": ProblemType(
        412,
        "It is not as you saw it",
        "The ETag of If-Match is an older one, or with If-None-Match: * the customer is known already. "
        "Nothing was changed.",
        "Read it again, decide again, and send the new ETag.",
    ),
    "too-large": ProblemType(
        413,
        "That is too much at once",
        "A body has at most 1 MB and a batch at most 1,000 purchases.",
        "Send it in smaller parts.",
    ),
    "not-stored": ProblemType(
        424,
        "Not stored, because another was refused",
        "With all_or_nothing=true one purchase that is refused keeps back the rest of its batch.",
        "Mend the refused ones and send the batch again, with the same keys.",
    ),
    "too-many-requests": ProblemType(
        429,
        "Too many requests",
        "The token asked more often than it may; the headers RateLimit-* say how often that is.",
        "Wait for the seconds of Retry-After, and send several purchases in one batch.",
    ),
    "busy": ProblemType(
        503,
        "Tillbook is busy",
        "The database is away, locked or full, or others change the same customer.",
        "Wait for the seconds of Retry-After and send it again, with the same Idempotency-Key: nothing is recorded "
        "twice.",
    ),
    "broken": ProblemType(
        500,
        "Something broke on our side",
        "A mistake of ours. It is on our log under the `request_id`.",
        "Report the request_id. Nothing was stored.",
    ),
}
OF_STATUS = {
    400: "bad-request",
    404: "not-found",
    405: "method-not-allowed",
    413: "too-large",
    415: "unsupported-media-type",
    429: "too-many-requests",
    503: "busy",
}
