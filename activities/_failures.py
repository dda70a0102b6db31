"""Sorting the errors of the outside: what Temporal tries again, and what never succeeds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import stripe
from temporalio.exceptions import ApplicationError

LONGEST_MESSAGE = 500
"""Error texts are cut to this, so that no answer of an outside system can bloat a history."""

NEVER = (stripe.IdempotencyError, stripe.InvalidRequestError)
"""Stripe answers that a repetition cannot change. A wrong key is not among them: an operator mends it, and the case goes on."""


@contextmanager
def stripe_errors(doing: str) -> Iterator[None]:
    """Turn Stripe's errors into Temporal's: again for what may pass, never for what cannot.

    Raises:
        ApplicationError: with one clear sentence; personal data never stands in Stripe's error codes, so only these are told.
    """
    try:
        yield
    except NEVER as error:
        raise ApplicationError(
            sentence(doing, error), type=type(error).__name__, non_retryable=True
        ) from None
    except stripe.StripeError as error:
        raise ApplicationError(sentence(doing, error), type=type(error).__name__) from None


def sentence(doing: str, error: stripe.StripeError) -> str:
    """One sentence about an error of Stripe's, by its codes."""
    told = error.code or getattr(error.error, "type", None) or type(error).__name__
    status = f" (HTTP {error.http_status}, request {error.request_id})" if error.http_status else ""
    return f"Stripe could not {doing}: {told}{status}"[:LONGEST_MESSAGE]
