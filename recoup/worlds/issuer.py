"""What an issuer answers: a pure function of the method's story, the attempts so far, and the moment."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from recoup.worlds.methods import Card, Debit, Decline, Method, Phase

Outcome = Literal["approved", "declined", "authentication_required", "processing"]


@dataclass(frozen=True)
class PaymentRequest:
    """One attempt as the issuer sees it; ``amount`` is in the currency's minor unit, 0 when a card is only saved."""

    amount: int
    currency: str
    off_session: bool = True
    authenticated: bool = False
    saving: bool = False


@dataclass(frozen=True)
class PastAttempt:
    """An attempt that the same issuer has answered before, with the same card or account."""

    at: datetime
    authenticated: bool = False


@dataclass(frozen=True)
class IssuerAnswer:
    """What came back, in the words of Stripe's charge outcome.

    ``code`` and the four decline codes are None when nothing was refused. A debit is ``processing``: ``settles_at`` says
    when its result is known, ``settles_as`` what that will be.
    """

    outcome: Outcome
    code: str | None = None
    decline_code: str | None = None
    advice_code: str | None = None
    network_decline_code: str | None = None
    network_advice_code: str | None = None
    type: Literal["authorized", "issuer_declined", "blocked", "invalid"] = "authorized"
    reason: str | None = None
    network_status: Literal["approved_by_network", "declined_by_network", "not_sent_to_network"] = (
        "approved_by_network"
    )
    settles_at: datetime | None = None
    settles_as: IssuerAnswer | None = None


APPROVED = IssuerAnswer("approved")

AUTHENTICATION_REQUIRED = IssuerAnswer(
    "authentication_required",
    code="authentication_required",
    decline_code="authentication_required",
    type="issuer_declined",
    reason="authentication_required",
    network_status="declined_by_network",
)


def declined(decline: Decline) -> IssuerAnswer:
    """The answer that a refusal makes."""
    sent = decline.type == "issuer_declined"
    return IssuerAnswer(
        "declined",
        code=decline.error_code,
        decline_code=decline.decline_code,
        advice_code=decline.advice_code,
        network_decline_code=decline.network_decline_code,
        network_advice_code=decline.network_advice_code,
        type=decline.type,
        reason=decline.reason or decline.decline_code,
        network_status="declined_by_network" if sent else "not_sent_to_network",
    )


def answer(
    method: Method,
    request: PaymentRequest,
    history: Sequence[PastAttempt],
    now: datetime,
    *,
    key: str = "",
    seed: int = 0,
) -> IssuerAnswer:
    """What the issuer of ``method`` says at ``now``; ``history`` holds every earlier attempt to charge it, oldest first.

    Savings are no attempts and stand in no history. ``key`` and ``seed`` feed the draws of ``succeeds_with_probability``,
    with the number of the attempt; nothing else is random.
    """
    if request.saving:
        return _answer_to_saving(method, request)
    story = _Story(method.issuer)
    for past in history:
        story.attempt(past.at, past.authenticated)
    phase = story.attempt(now, request.authenticated)
    since_last = now - history[-1].at if history else None
    said = _answer_of(phase, key, seed, len(history), since_last)
    if isinstance(method, Debit):
        settles_at = now + method.settles_after.length
        return IssuerAnswer("processing", settles_at=settles_at, settles_as=said)
    return said


def _answer_to_saving(method: Method, request: PaymentRequest) -> IssuerAnswer:
    saving = method.saving if isinstance(method, Card) else "approves"
    if isinstance(saving, Decline):
        return declined(saving)
    return AUTHENTICATION_REQUIRED if saving != "approves" and not request.authenticated else APPROVED


def _answer_of(
    phase: Phase | None, key: str, seed: int, attempts_before: int, since_last: timedelta | None
) -> IssuerAnswer:
    if phase is None or phase.approves:
        return APPROVED
    if phase.declines is None:
        return AUTHENTICATION_REQUIRED
    if draw(seed, key, attempts_before) < phase.chance(since_last):
        return APPROVED
    return declined(phase.declines)


def draw(seed: int, key: str, number: int) -> float:
    """A number in [0, 1) that depends on nothing but its arguments."""
    digest = hashlib.sha256(f"{seed}:{key}:{number}".encode()).digest()
    return int.from_bytes(digest[:8]) / 2**64


class _Story:
    """Where an issuer stands among its phases, after the attempts told so far."""

    def __init__(self, phases: Sequence[Phase]) -> None:
        self._phases = phases
        self._index = 0
        self._times: list[datetime] = []

    def attempt(self, at: datetime, authenticated: bool) -> Phase | None:
        """Tell of an attempt; the phase that answers it, None when all are over."""
        while (phase := self._phase(self._index)) is not None and self._is_over(phase, at, authenticated):
            self._index += 1
            self._times = []
        if phase is None:
            return None
        if phase.needs_authentication and authenticated:
            return self._phase(self._index + 1)
        self._times.append(at)
        return phase

    def _phase(self, index: int) -> Phase | None:
        return self._phases[index] if index < len(self._phases) else None

    def _is_over(self, phase: Phase, at: datetime, authenticated: bool) -> bool:
        if phase.until_at is not None:
            return at >= phase.until_at
        if phase.until_authenticated:
            return authenticated
        if not self._times:
            return False
        if phase.for_attempts is not None:
            return len(self._times) >= phase.for_attempts
        if phase.until is not None:
            return at - self._times[0] >= phase.until.length
        if phase.until_quiet_for is not None:
            return at - self._times[-1] >= phase.until_quiet_for.length
        return False
