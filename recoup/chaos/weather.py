"""Where faults get in: around everything through which an effect leaves the process.

Four classes are wrapped, and only while a batch runs: the HTTP client of the Stripe SDK, the ledger's transactions, the
sender of messages, the word to the company's backend. Everything that the product does passes one of them, whichever code
does it. Which run is being worked on, and by whom, is told by whoever has the work done.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from email import message_from_bytes
from email.policy import default
from hashlib import sha256
from typing import Any, Protocol
from urllib.parse import parse_qs

import stripe

from recoup.access import WebhookBackend
from recoup.chaos.faults import Fault
from recoup.chaos.runs import Run, Sent
from recoup.clock import Clock, FileClock
from recoup.errors import ConnectionFailed
from recoup.ledger._store import Store
from recoup.messages.outbox import OutboxSender
from recoup.messages.sending import CannotLookUp, SendUnavailable, SendUnclear
from recoup.virtual.host import Try, WorkerDied

Answer = tuple[Any, int, Any]
Request = Callable[[], Answer]
"""A request that has not been sent yet."""
PAST_THE_KEY = timedelta(hours=26)
"""Longer than Stripe remembers an idempotency key."""


class Others(Protocol):
    """Who else does something while the product is in the middle of its act; nobody's faults strike meanwhile."""

    def act(self, run: Run, fault: Fault, invoice: str) -> None:
        """Have somebody do it now."""
        ...

    def race(self, run: Run, invoice: str, pay: Request) -> Answer:
        """Have the customer pay at the very moment of our own request."""
        ...

    def try_elsewhere(self, this: Try) -> None:
        """Another worker does the same try meanwhile, to its end."""
        ...

    def deliver_later(self, run: Run, request: Request) -> None:
        """The network delivers this request minutes later; nobody reads the answer."""
        ...

    def truth(self, invoice: str) -> tuple[str, int]:
        """What Stripe's books show of an invoice, as :func:`shown` says it, and what it still asks for."""
        ...

    def fail_after(self, path: str, times: int) -> None:
        """The next requests of this path are done, and answered with a stored 500."""
        ...


@dataclass
class Acting:
    """Who works on which run just now."""

    run: Run
    is_worker: bool
    this: Try | None = None
    reads: dict[str, str] = field(default_factory=dict)
    """What was read of each invoice in this try."""
    truths: dict[str, tuple[str, int]] = field(default_factory=dict)
    """What was true of it at the first request to collect after that; the SDK's own repeats read nothing anew."""
    disputed: bool = False


BETWEEN = (
    Fault.PAID_BETWEEN,
    Fault.CANCELLED_BETWEEN,
    Fault.CARD_BETWEEN,
    Fault.DISPUTED_BETWEEN,
    Fault.VOIDED_BETWEEN,
    Fault.WRITTEN_OFF_BETWEEN,
    Fault.CREDITED_BETWEEN,
)


class Weather:
    """Lets the faults of the run that is being worked on strike."""

    def __init__(self, clock: Clock, others: Others) -> None:
        self._clock = clock
        self._others = others
        self.acting: Acting | None = None
        self.changed = False
        """Whether something was changed at Stripe since :meth:`changed_since` was asked last."""
        self.offset: float | None = None
        """What the clock's file says; None when it has to be read again. Nobody moves the clock but the batch."""

    def changed_since(self) -> bool:
        """Whether something was changed at Stripe since this was asked last."""
        changed, self.changed = self.changed, False
        return changed

    @contextmanager
    def over(self, acting: Acting | None) -> Iterator[None]:
        """Work on a run begins; within it nobody else's faults strike. None: nothing can happen now."""
        before, self.acting = self.acting, acting
        try:
            yield
        finally:
            self.acting = before

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Wrap the classes through which effects leave the process."""
        with ExitStack() as stack:
            for owner, name, around in (
                (stripe.RequestsClient, "request", self._request),
                (Store, "write", self._write),
                (OutboxSender, "send", self._send),
                (OutboxSender, "find", self._find),
                (WebhookBackend, "tell", self._tell),
                (stripe.RequestsClient, "_sleep_time_seconds", _at_once),
                (FileClock, "_offset", self._read_offset),
            ):
                stack.enter_context(_wrapped(owner, name, around))
            yield

    def _read_offset(self, original: Any, clock: FileClock) -> float:
        if self.offset is None:
            self.offset = original(clock)
        return self.offset

    # -- Stripe --------------------------------------------------------------------------------------------------------

    def _request(self, original: Any, client: Any, method: str, url: str, *rest: Any, **more: Any) -> Answer:
        def do() -> Answer:
            answer: Answer = original(client, method, url, *rest, **more)
            return answer

        get = method.lower() == "get"
        self.changed = self.changed or not get
        if self.acting is None:
            return do()
        path = url.partition("/v1/")[2].partition("?")[0]
        if get:
            return self._read(self.acting, path, do)
        headers, body = rest[0] or {}, str(rest[1] if len(rest) > 1 else "")
        if path.startswith("invoices/") and path.endswith("/pay") and "paid_out_of_band" not in body:
            return self._pay(self.acting, path.split("/")[1], _header(headers, "idempotency-key"), body, do)
        return self._change(self.acting, do)

    def _read(self, acting: Acting, path: str, do: Request) -> Answer:
        run = acting.run
        if acting.is_worker:
            self._crash(run, Fault.CRASH_BEFORE_READ)
            if run.strikes(Fault.READ_NOT_REACHED):
                raise _no_connection()
            if run.strikes(Fault.READ_RATE_LIMITED):
                return _error(429, "rate_limit")
            if run.strikes(Fault.READ_ERROR):
                return _error(500, "api_error")
        answer = do()
        parts = path.split("/")
        if parts[0] == "invoices" and len(parts) == 2 and answer[1] == 200:
            acting.reads[parts[1]] = shown(json.loads(answer[0]))
            acting.truths.pop(parts[1], None)
        return answer

    def _change(self, acting: Acting, do: Request) -> Answer:
        if not acting.is_worker:
            return do()
        run = acting.run
        self._crash(run, Fault.CRASH_BEFORE_CHANGE)
        if run.strikes(Fault.CHANGE_NOT_REACHED):
            raise _no_connection()
        if run.strikes(Fault.CHANGE_RATE_LIMITED):
            return _error(429, "rate_limit")
        if run.strikes(Fault.CHANGE_ERROR):
            return _error(500, "api_error")
        answer = do()
        self._crash(run, Fault.CRASH_AFTER_CHANGE)
        if run.strikes(Fault.CHANGE_ANSWER_LOST):
            raise _no_connection()
        return answer

    def _pay(self, acting: Acting, invoice: str, key: str, body: str, do: Request) -> Answer:
        run = acting.run
        if invoice not in acting.truths:
            acting.truths[invoice] = self._others.truth(invoice)
        read, (true, owed) = acting.reads.get(invoice), acting.truths[invoice]
        for fault in BETWEEN:
            if run.strikes(fault):
                with self.over(None):
                    self._others.act(run, fault, invoice)
                if fault is Fault.CANCELLED_BETWEEN:
                    run.cancelled.add(invoice)
        if acting.this is not None and run.strikes(Fault.CUT_OFF):
            self._others.try_elsewhere(acting.this)
        self._crash(run, Fault.CRASH_BEFORE_PAY)
        if run.strikes(Fault.PAY_NOT_REACHED):
            raise _no_connection()
        if run.strikes(Fault.PAY_RATE_LIMITED):
            return _error(429, "rate_limit")
        if run.strikes(Fault.PAY_ERROR_BEFORE):
            return _error(500, "api_error")
        method = parse_qs(body).get("payment_method", [""])[0]
        sent = Sent(self._clock.now(), invoice, key, read, true, owed, method, disputed=acting.disputed)
        run.sent.append(sent)
        run.note("PAY", at=sent.at, invoice=invoice, key=key, read=read, true=true)
        if run.strikes(Fault.PAY_TIMED_OUT):
            self._others.deliver_later(run, self._calmly(do))
            raise _no_connection()
        return self._paid(acting, invoice, do)

    def _paid(self, acting: Acting, invoice: str, do: Request) -> Answer:
        run = acting.run
        if run.strikes(Fault.PAY_ERROR_AFTER):
            self._others.fail_after(f"/v1/invoices/{invoice}/pay", 1)
        if run.strikes(Fault.KEY_EXPIRED):
            # Half of them never reach Stripe: what became of them must be found out all the same.
            if run.plan.seed % 2:
                do()
            run.away_until = self._clock.now() + PAST_THE_KEY
            raise WorkerDied
        answer = self._race(run, invoice, do) if run.strikes(Fault.PAID_AT_ONCE) else do()
        run.note("PAID", status=answer[1])
        self._crash(run, Fault.CRASH_AFTER_PAY)
        if run.strikes(Fault.PAY_ANSWER_LOST):
            raise _no_connection()
        return answer

    def _race(self, run: Run, invoice: str, do: Request) -> Answer:
        with self.over(None):
            return self._others.race(run, invoice, do)

    def _calmly(self, do: Request) -> Request:
        """The same request, sent when nobody's faults strike."""

        def calm() -> Answer:
            with self.over(None):
                return do()

        return calm

    # -- the ledger ----------------------------------------------------------------------------------------------------

    def _write(self, original: Any, store: Any, *rest: Any, **more: Any) -> Any:
        if self.acting is None:
            return original(store, *rest, **more)
        run = self.acting.run
        self._crash(run, Fault.CRASH_BEFORE_RECORD)
        if run.strikes(Fault.LEDGER_REFUSED):
            raise ConnectionFailed("The database refuses to write")
        result = original(store, *rest, **more)
        self._crash(run, Fault.CRASH_AFTER_RECORD)
        if run.strikes(Fault.LEDGER_ANSWER_LOST):
            raise ConnectionFailed("The database did not answer")
        return result

    # -- mail and the company's backend --------------------------------------------------------------------------------

    def _send(self, original: Any, outbox: Any, mime: bytes, **more: Any) -> Any:
        if self.acting is None:
            return original(outbox, mime, **more)
        run, key = self.acting.run, str(more["key"])
        self._crash(run, Fault.CRASH_BEFORE_MESSAGE)
        if run.strikes(Fault.MAIL_REFUSED):
            raise SendUnavailable("The mail server has no time")
        with self.over(None):
            receipt = original(outbox, mime, **more)
        run.messages[key] += 1
        if key.removesuffix("/2") not in run.unconfirmed:
            run.letters.setdefault(_letter(mime), []).append(self._clock.now())
        run.note("MAIL", key=key)
        run.unconfirmed.add(key)
        self._crash(run, Fault.CRASH_AFTER_MESSAGE)
        if run.strikes(Fault.MAIL_ANSWER_LOST):
            raise SendUnclear("The mail server took it and did not answer")
        run.unconfirmed.discard(key)
        return receipt

    def _find(self, original: Any, outbox: Any, key: str) -> Any:
        """Every other run has a sender that cannot look up what it sent, as SES and SMTP cannot."""
        if self.acting is not None and self.acting.run.plan.seed % 2:
            raise CannotLookUp("This sender keeps no list")
        if self.acting is not None:
            self.acting.run.unconfirmed.discard(key)
        return original(outbox, key)

    def _tell(self, original: Any, backend: Any, *rest: Any, **more: Any) -> None:
        if self.acting is None:
            original(backend, *rest, **more)
            return
        run = self.acting.run
        self._crash(run, Fault.CRASH_BEFORE_ACCESS)
        if run.strikes(Fault.BACKEND_DOWN):
            raise ConnectionFailed("The company's backend does not answer")
        original(backend, *rest, **more)
        self._crash(run, Fault.CRASH_AFTER_ACCESS)

    def _crash(self, run: Run, fault: Fault) -> None:
        if run.strikes(fault):
            raise WorkerDied


@contextmanager
def _wrapped(owner: type, name: str, around: Callable[..., Any]) -> Iterator[None]:
    own = name in vars(owner)
    original = getattr(owner, name)

    def wrapper(self: Any, *rest: Any, **more: Any) -> Any:
        return around(original, self, *rest, **more)

    setattr(owner, name, wrapper)
    try:
        yield
    finally:
        if own:
            setattr(owner, name, original)
        else:
            delattr(owner, name)


def _at_once(*_: Any) -> float:
    """The SDK's pauses between its own tries."""
    return 0.0


def _no_connection() -> stripe.APIConnectionError:
    return stripe.APIConnectionError("The connection broke", should_retry=True)  # type: ignore[no-untyped-call]


def _error(status: int, kind: str) -> Answer:
    return json.dumps({"error": {"type": kind, "message": "a fault"}}), status, {"request-id": "req_fault"}


def _header(headers: Any, name: str) -> str:
    return next((str(value) for key, value in headers.items() if key.lower() == name), "")


def _letter(mime: bytes) -> str:
    """To whom a message says what; its links are other ones each time."""
    mail = message_from_bytes(mime, policy=default)
    body = mail.get_body(("plain",))
    text = re.sub(r"https?://\S+", "", body.get_content() if body is not None else "")
    return f"{mail['to']}: {mail['subject']} ({sha256(text.encode()).hexdigest()[:12]})"


def shown(invoice: dict[str, Any]) -> str:
    """What a read showed, in one word; everything but ``open`` forbids a charge."""
    status = str(invoice.get("status"))
    details = (invoice.get("parent") or {}).get("subscription_details") or {}
    subscription = details.get("subscription")
    if isinstance(subscription, dict) and subscription.get("status") in ("canceled", "incomplete_expired"):
        return "cancelled"
    if status == "open" and not invoice.get("amount_remaining"):
        return "nothing owed"
    return status
