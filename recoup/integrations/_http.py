"""Requests to a destination, with its answers sorted: done, refused, or not now."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx2

from recoup.integrations.destination import Refused, Unavailable

LONGEST_SENTENCE = 300
_ADDRESS = re.compile(r"[^\s\"'<>=:]+@[^\s\"'<>]+")
"""CRMs repeat in their errors what they were asked; an address must not get into the ledger that way."""

MOST_BYTES = 1_000_000
"""So much of an answer is read; the rest of it is cut off, and its status counts all the same."""
_OF_THE_WIRE = frozenset({b"content-encoding", b"content-length", b"transfer-encoding"})

_SECONDS = re.compile(r"[0-9]{1,18}")

OUT_OF_ORDER = frozenset({401, 402, 403, 404, 405, 407, 410, 423, 451})
"""A key, a right, an address or a version that an operator has to mend: no other event would go either."""
GONE = 404
"""For what may ask for a single thing that is not there."""
LATER = frozenset({408, 425})


class Http:
    """One destination over HTTP; serves all threads, follows no redirects."""

    def __init__(self, who: str, timeout: float) -> None:
        """``who`` names the destination in sentences."""
        self._who, self._patience = who, timeout
        self._client = httpx2.Client(timeout=timeout, follow_redirects=False, trust_env=True)

    def ask(
        self,
        method: str,
        url: str,
        doing: str,
        *,
        headers: Mapping[str, str] | None = None,
        allowed: frozenset[int] = frozenset(),
        **body: Any,
    ) -> httpx2.Response:
        """One request; gives a success, or an answer in JSON whose status is ``allowed``.

        Raises:
            Refused: the destination will not take this one, however often it is sent.
            Unavailable: no answer, too many requests, a failure there, or a key that does not work.
        """
        try:
            answer = self._asked(method, url, dict(headers or {}), **body)
        except httpx2.HTTPError as error:
            sentence = f"{self._who} did not answer when asked to {doing}: {type(error).__name__}"
            raise Unavailable(sentence, everywhere=True) from None
        # A page of something on the way may have any status; it says nothing of what was asked for.
        if answer.is_success or (answer.status_code in allowed and _json(answer) is not None):
            return answer
        raise self._problem(answer, doing)

    def _asked(self, method: str, url: str, headers: dict[str, str], **body: Any) -> httpx2.Response:
        """The answer with as much of its body as anybody needs: one that never ends must not hold a worker, nor fill it."""
        until, read = time.monotonic() + self._patience, b""
        with self._client.stream(method, url, headers=headers, **body) as answer:
            for part in answer.iter_bytes():
                read += part
                if len(read) > MOST_BYTES or time.monotonic() > until:
                    break
        told = [(name, value) for name, value in answer.headers.raw if name.lower() not in _OF_THE_WIRE]
        return httpx2.Response(answer.status_code, headers=told, content=read[:MOST_BYTES])

    def _problem(self, answer: httpx2.Response, doing: str) -> Refused | Unavailable:
        status = answer.status_code
        sentence = self.sentence(answer, doing)
        if status in (429, 503):
            return Unavailable(sentence, status, retry_after=_retry_after(answer), everywhere=True)
        if status >= 500 or status in LATER:
            return Unavailable(sentence, status)
        if status in OUT_OF_ORDER or status < 400:
            return Unavailable(sentence, status, everywhere=True)
        return Refused(sentence, status)

    def found(self, answer: httpx2.Response, name: str, doing: str) -> Any:
        """What stands under this name in the answer.

        Raises:
            Unavailable: nothing does. A page that something on the way put in place of the answer says nothing about the event.
        """
        value = fields(answer).get(name)
        if value is None:
            told = f"{self.sentence(answer, doing)}: that is no answer of {self._who}'s"
            raise Unavailable(told, answer.status_code, everywhere=True)
        return value

    def sentence(self, answer: httpx2.Response, doing: str) -> str:
        """What the destination said, on one line, without addresses."""
        said = _ADDRESS.sub("…", " ".join(_words(answer).split()))
        told = f": {said}" if said else ""
        return f"{self._who} answered {answer.status_code} when asked to {doing}{told}"[:LONGEST_SENTENCE]

    def close(self) -> None:
        """Give the connections back."""
        self._client.close()


def fields(answer: httpx2.Response) -> dict[str, Any]:
    """The answer's JSON object; an empty one where it is none."""
    value = _json(answer)
    return value if isinstance(value, dict) else {}


def _json(answer: httpx2.Response) -> Any:
    """What the answer holds; None where it is no JSON."""
    try:
        return answer.json()
    except (ValueError, RecursionError):
        return None


def _words(answer: httpx2.Response) -> str:
    """The message of HubSpot's objects and Salesforce's lists; plain text as it is; of pages nothing."""
    value = _json(answer)
    if value is None:
        return "" if "html" in answer.headers.get("content-type", "") else answer.text
    if isinstance(value, list):
        value = value[0] if value else {}
    if not isinstance(value, dict):
        return str(value)
    codes = (value.get(name) for name in ("errorCode", "category", "error"))
    said = value.get("message") or value.get("error_description")
    return ", ".join(str(part) for part in (*codes, said) if part)


def _retry_after(answer: httpx2.Response) -> float | None:
    """The header in seconds; it may also be a date (RFC 9110, 10.2.3)."""
    value = answer.headers.get("retry-after", "").strip()
    if _SECONDS.fullmatch(value):
        return float(value)
    # Of the other one's clock: the difference alone counts. Without that moment the date says nothing.
    moment, sent = _date(value), _date(answer.headers.get("date", ""))
    return max((moment - sent).total_seconds(), 0.0) if moment and sent else None


def _date(value: str) -> datetime | None:
    """A date of a header; None where it is none."""
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    return moment.replace(tzinfo=moment.tzinfo or UTC)
