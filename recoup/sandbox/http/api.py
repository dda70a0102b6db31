"""From a request to its answer: key and version, faults, parameters, idempotency, the transaction, the log."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from recoup.sandbox import API_VERSION
from recoup.sandbox.faults import FaultRule
from recoup.sandbox.http import idempotency
from recoup.sandbox.http.errors import StripeError, unrecognized_url
from recoup.sandbox.http.expand import render
from recoup.sandbox.http.forms import decode
from recoup.sandbox.http.routing import Call, Endpoint, Router
from recoup.sandbox.ids import random_text
from recoup.sandbox.sandbox import Sandbox

log = logging.getLogger(__name__)


@dataclass
class Incoming:
    """A request as it came over the wire."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: str
    id: str = field(default_factory=lambda: f"req_{random_text(14)}")

    @property
    def key(self) -> str | None:
        """The idempotency key; only POST has one."""
        return self.headers.get("idempotency-key") if self.method == "POST" else None


@dataclass
class Answer:
    """The answer: status, JSON text, and whether it is replayed or never arrives."""

    status: int
    body: str
    replayed: bool = False
    lost: bool = False


class Api:
    """Answers requests to ``/v1/…``."""

    def __init__(self, sandbox: Sandbox, router: Router) -> None:
        self._sandbox = sandbox
        self._router = router

    def answer(self, incoming: Incoming) -> Answer:
        """The answer to a request; everything it does is done when this returns."""
        struck = self._sandbox.faults.for_request(incoming.method, incoming.path)
        kinds: dict[str, FaultRule] = {rule.fault: rule for rule in struck}
        try:
            answer = self._answer(incoming, kinds)
        except StripeError as error:
            answer = Answer(error.status, json.dumps(error.body))
        except Exception:
            log.exception("sandbox: %s %s failed", incoming.method, incoming.path)
            answer = Answer(500, json.dumps(_api_error().body))
        answer.lost = answer.lost or "lose_answer" in kinds
        self._log(incoming, answer, ",".join(kinds) or None)
        return answer

    def _answer(self, incoming: Incoming, faults: dict[str, FaultRule]) -> Answer:
        _check_api_key(incoming.headers.get("authorization", ""))
        self._check_version(incoming.headers.get("stripe-version"))
        found = self._router.find(incoming.method, incoming.path)
        if found is None:
            raise unrecognized_url(incoming.method, incoming.path)
        endpoint, path = found
        if "delay" in faults:
            time.sleep(min(faults["delay"].seconds, 120.0))
        if "refuse_connection" in faults:
            return Answer(0, "", lost=True)
        if "rate_limit" in faults:
            text = "Request rate limit exceeded. Learn more about rate limits here https://stripe.com/docs/rate-limits."
            raise StripeError(429, "invalid_request_error", text, code="rate_limit", stored=False)
        if "error_before" in faults:
            raise _api_error(faults["error_before"].status)
        raw = decode("&".join(part for part in (incoming.query, incoming.body) if part))
        params = endpoint.params.read(raw) or {}
        return self._execute(endpoint, Request(incoming, path, params, faults.get("error_after")))

    def _execute(self, endpoint: Endpoint, request: Request) -> Answer:
        key = request.incoming.key
        if key is not None:
            idempotency.check_key(key)
        lock = f"lock {request.path['id']}" if endpoint.locks and self._locking() else None
        running = self._sandbox.running
        with running.hold(f"key {key}" if key else None, idempotency.key_in_use(key or "")):
            replay = self._replay(request)
            if replay is not None:
                return Answer(replay.status, replay.body, replayed=True)
            with running.hold(lock, idempotency.lock_timeout()):
                seen = self._look(request) if endpoint.locks else {}
                if endpoint.locks and self._sandbox.switches.number("issuer_seconds"):
                    time.sleep(self._sandbox.switches.number("issuer_seconds"))
                return self._commit(endpoint, request, seen)

    def _commit(self, endpoint: Endpoint, request: Request, seen: dict[str, str]) -> Answer:
        incoming = request.incoming
        with self._sandbox.work({"id": incoming.id, "idempotency_key": incoming.key}) as work:
            work.seen = seen
            work.db.execute("SAVEPOINT request")
            stored = True
            try:
                call = Call(work, request.path, request.params)
                status, body = 200, render(work, endpoint.handler(call), request.params.get("expand"))
            except StripeError as error:
                status, body, stored = error.status, error.body, error.stored
                if not error.keeps_work:
                    work.db.execute("ROLLBACK TO request")
                    work.forget()
            if request.error_after is not None:
                status, body = request.error_after.status or 500, _api_error().body
            work.flush()
            if incoming.key and stored and incoming.method == "POST":
                parts = (incoming.key, incoming.method, incoming.path, request.digest)
                idempotency.keep(work.db, *parts, status, body, work.now)
        return Answer(status, json.dumps(body))

    def _replay(self, request: Request) -> idempotency.Replay | None:
        incoming = request.incoming
        if not incoming.key:
            return None
        pruned = self._sandbox.switches.text("prune_idempotency_keys") == "on"
        oldest = self._sandbox.clock.now() - idempotency.KEPT_SECONDS if pruned else -1
        with self._sandbox.store.transaction() as db:
            if pruned:
                db.execute("DELETE FROM idempotency WHERE at <= ?", (oldest,))
            return idempotency.look_up(
                db, incoming.key, incoming.method, incoming.path, request.digest, oldest
            )

    def _look(self, request: Request) -> dict[str, str]:
        """The status of the object as the request found it, where a lock does not keep it so (switch ``invoice_lock``)."""
        if self._locking():
            return {}
        with self._sandbox.work() as work:
            invoice = work.find("invoice", request.path["id"])
            return {} if invoice is None else {invoice["id"]: invoice["status"]}

    def _locking(self) -> bool:
        return self._sandbox.switches.text("invoice_lock") == "on"

    def _check_version(self, version: str | None) -> None:
        if version in (None, API_VERSION) or self._sandbox.switches.text("old_versions") == "accepted":
            return
        text = f"Invalid Stripe API version: {version}. The sandbox speaks {API_VERSION}."
        raise StripeError(400, "invalid_request_error", text, stored=False)

    def _log(self, incoming: Incoming, answer: Answer, fault: str | None) -> None:
        row = (
            self._sandbox.clock.now(),
            incoming.method,
            incoming.path,
            incoming.key,
            answer.status,
            int(answer.replayed),
            fault,
            incoming.id,
        )
        with self._sandbox.store.transaction() as db:
            db.execute(
                "INSERT INTO requests (at, method, path, key, status, replayed, fault, request_id) VALUES (?,?,?,?,?,?,?,?)",
                row,
            )


@dataclass
class Request:
    """A request whose parameters have been read."""

    incoming: Incoming
    path: dict[str, str]
    params: dict[str, Any]
    error_after: FaultRule | None = None

    @property
    def digest(self) -> str:
        """What tells whether two requests have the same parameters."""
        return idempotency.digest(self.params)


def _check_api_key(authorization: str) -> None:
    scheme, _, key = authorization.partition(" ")
    if scheme != "Bearer" or not key:
        text = "You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY')."
        raise StripeError(401, "invalid_request_error", text, stored=False)
    if not key.startswith(("sk_test_", "rk_test_")) or len(key) < 10:
        shown = key[:8] + "*" * max(len(key) - 12, 4) + key[-4:]
        raise StripeError(401, "invalid_request_error", f"Invalid API Key provided: {shown}", stored=False)


def _api_error(status: int | None = None) -> StripeError:
    text = "An error occurred with our connection to Stripe's sandbox. Retry with the same idempotency key."
    return StripeError(status or 500, "api_error", text, stored=False)
