"""Stripe's error answers."""

from __future__ import annotations

from typing import Any

Doc = dict[str, Any]


class StripeError(Exception):
    """An error answer of the API: an HTTP status and the fields of the ``error`` object.

    ``keeps_work`` says that what the request did stands nevertheless (a declined payment leaves its charge behind);
    ``stored`` says whether the idempotency store replays it (Stripe, "Idempotent requests": failed validation is not stored).
    """

    def __init__(
        self,
        status: int,
        type_: str,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        keeps_work: bool = False,
        stored: bool = True,
        **fields: Any,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.keeps_work = keeps_work
        self.stored = stored
        self.error: Doc = {"message": message, "type": type_}
        if code:
            self.error["code"] = code
            self.error["doc_url"] = f"https://stripe.com/docs/error-codes/{code.replace('_', '-')}"
        if param:
            self.error["param"] = param
        self.error.update({name: value for name, value in fields.items() if value is not None})

    @property
    def body(self) -> Doc:
        """The JSON body of the answer."""
        return {"error": self.error}


def invalid_request(message: str, *, code: str | None = None, param: str | None = None) -> StripeError:
    """A request that cannot be carried out as things stand (HTTP 400)."""
    return StripeError(400, "invalid_request_error", message, code=code, param=param)


def invalid_parameter(message: str, param: str, code: str | None = None) -> StripeError:
    """A parameter that fails validation (HTTP 400, never stored for replay)."""
    return StripeError(400, "invalid_request_error", message, code=code, param=param, stored=False)


def missing(type_: str, id_: str, param: str) -> StripeError:
    """No such object (HTTP 404; 400 in Stripe when the object is named in the body, 404 when in the path)."""
    name = type_.rsplit(".", 1)[-1].replace("_", " ") if type_ != "payment_method" else "PaymentMethod"
    status = 404 if param in ("id", "intent") else 400
    return StripeError(
        status, "invalid_request_error", f"No such {name}: '{id_}'", code="resource_missing", param=param
    )


def unrecognized_url(method: str, path: str) -> StripeError:
    """No such endpoint (HTTP 404)."""
    text = f"Unrecognized request URL ({method}: {path}). The sandbox has no such endpoint; docs/sandbox.md lists those it has."
    return StripeError(404, "invalid_request_error", text, stored=False)
