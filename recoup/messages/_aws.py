"""What AWS's failures mean for a message that was being handed over: never, again, or unclear. SES and text messages sort alike."""

from __future__ import annotations

from collections.abc import Callable

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    HTTPClientError,
    IncompleteReadError,
    ParamValidationError,
)
from botocore.parsers import ResponseParserError

from recoup.messages.sending import SendError, SendRefused, SendUnavailable, SendUnclear

HANDED_OVER = (HTTPClientError, IncompleteReadError, ResponseParserError)
"""What the SDK raises once it is connected: timed out, cut off, or answered with something unreadable."""

FAILURES = (ClientError, BotoCoreError, ResponseParserError)
"""Everything that a call may raise."""

Refusing = Callable[[str, str], SendError | None]
"""Given the code of an answer and its reason: the error, if another try would not change the answer."""


def sort_failure(error: Exception, who: str, what: str, refusing: Refusing) -> SendError:
    """Sort one of :data:`FAILURES`; ``who`` was asked to take ``what``. No sentence repeats AWS's own, which may name an address."""
    if isinstance(error, ClientError):
        return _sorted_answer(error, who, what, refusing)
    name = type(error).__name__
    if isinstance(error, HANDED_OVER):
        return SendUnclear(f"{who} may have taken {what} and gave no answer: {name}")
    if isinstance(error, ParamValidationError):
        return SendRefused(f"{who} cannot be given {what}: it breaks the form of the call")
    # No connection, no credentials, no region: all of it happens before the message leaves.
    return SendUnavailable(f"{who} cannot be reached: {name}")


def _sorted_answer(error: ClientError, who: str, what: str, refusing: Refusing) -> SendError:
    code, reason = code_of(error), str(error.response.get("Reason") or "")
    status = error.response["ResponseMetadata"].get("HTTPStatusCode", 0)
    if (refused := refusing(code, reason)) is not None:
        return refused
    if status >= 500 and status != 503:
        return SendUnclear(f"{who} failed while it had {what}: {code}")
    # Throttling, quotas, paused sending, and credentials that somebody has to mend: the message itself is fine.
    return SendUnavailable(f"{who} did not take {what} for now: {reason or code}")


def code_of(error: ClientError) -> str:
    """The code of an answer."""
    return str(error.response.get("Error", {}).get("Code") or "unknown")
