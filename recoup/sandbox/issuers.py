"""Who answers a charge: the issuer of a card or account, built in or from the world file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from recoup.sandbox.cards import TEST_ACCOUNTS, TEST_CARDS
from recoup.sandbox.http.errors import Doc
from recoup.sandbox.work import Work
from recoup.worlds.issuer import APPROVED, IssuerAnswer, PastAttempt, PaymentRequest, answer
from recoup.worlds.methods import Card, Method, Phase
from recoup.worlds.world import World

WORLD_CARD = "tok_world_"
_OF_THE_WORLD = "world:"

RATE_LIMITED = IssuerAnswer(
    "declined",
    code="card_decline_rate_limit_exceeded",
    decline_code="card_decline_rate_limit_exceeded",
    advice_code="try_again_later",
    type="blocked",
    reason="card_decline_rate_limit_exceeded",
    network_status="not_sent_to_network",
)


_MESSAGES = {
    "insufficient_funds": "Your card has insufficient funds.",
    "expired_card": "Your card has expired.",
    "incorrect_cvc": "Your card's security code is incorrect.",
    "incorrect_number": "Your card number is incorrect.",
    "processing_error": "An error occurred while processing your card. Try again in a little bit.",
    "authentication_required": "This payment requires additional user action before it can be completed successfully.",
    "invoice_payment_intent_requires_action": "This payment requires additional user action before it can be completed successfully.",
    "card_decline_rate_limit_exceeded": "Your card was declined for making repeated attempts too frequently.",
}


@dataclass(frozen=True)
class Known:
    """A card or account that the sandbox can answer for."""

    key: str
    method: Method
    expiry: tuple[int, int] | None


class Issuers:
    """Every issuer the sandbox answers for."""

    def __init__(
        self, now: datetime, world: World | None = None, world_start: datetime | None = None
    ) -> None:
        self._world = world
        self._known: dict[str, Known] = {}
        self._by_number: dict[str, str] = {}
        self._by_id: dict[str, str] = {}
        for key, card in TEST_CARDS.items():
            self._add(f"test:{key}", card, now)
        for iban, debit in TEST_ACCOUNTS.items():
            self._add(f"iban:{iban}", debit, now)
            self._by_number[iban] = f"iban:{iban}"
        for key, method in (world.methods if world else {}).items():
            self._add(f"world:{key}", method, world_start or now)
            self._by_id[WORLD_CARD + key] = f"world:{key}"

    def by_number(self, number: str) -> Known | None:
        """The card or account with this number."""
        key = self._by_number.get(number.replace(" ", "").upper())
        return self._known.get(key or "")

    def by_id(self, id_: str) -> Known | None:
        """The card that a ready-made id or token stands for (``pm_card_visa``, ``tok_visa``, ``tok_world_…``)."""
        return self._known.get(self._by_id.get(id_, ""))

    def saving(self, method: Doc, *, authenticated: bool) -> IssuerAnswer:
        """The answer to saving a payment method without a payment."""
        request = PaymentRequest(0, "eur", off_session=False, authenticated=authenticated, saving=True)
        return self._ask(method, request, [], datetime.fromtimestamp(0, UTC))

    def decide(self, work: Work, method: Doc, request: PaymentRequest) -> IssuerAnswer:
        """The answer to a charge of this payment method now."""
        if self._is_rate_limited(work, method):
            return RATE_LIMITED
        known = self._known.get(method["_card"])
        phases = known.method.issuer if known else ()
        now = datetime.fromtimestamp(work.now, UTC)
        said = self._ask(method, request, _history(work, method, phases), now)
        if said.outcome == "processing" and not method["_card"].startswith(_OF_THE_WORLD):
            days = work.switches.number("debit_days")
            said = replace(said, settles_at=datetime.fromtimestamp(work.now + days * 86400, UTC))
        return said

    def _ask(
        self, method: Doc, request: PaymentRequest, past: list[PastAttempt], now: datetime
    ) -> IssuerAnswer:
        key = method["_card"]
        known = self._known.get(key)
        if known is None:
            return APPROVED
        if self._world is not None and key.startswith(_OF_THE_WORLD):
            return self._world.issuer_answer(key.removeprefix(_OF_THE_WORLD), request, past, now)
        return answer(known.method, request, past, now, key=key)

    def _is_rate_limited(self, work: Work, method: Doc) -> bool:
        threshold = int(work.switches.number("decline_rate_limit"))
        if threshold == 0:
            return False
        where = {
            "_fingerprint": method["_fingerprint"],
            "status": "failed",
            "created": (">", work.now - 86400),
        }
        return len(work.select("charge", where)) >= threshold

    def _add(self, key: str, method: Method, start: datetime) -> None:
        expiry = None
        if isinstance(method, Card):
            method = method.with_number(key)
            expiry = method.expiry(start)
            self._by_number[method.number or ""] = key
            self._by_id.update(dict.fromkeys(method.ids, key))
        self._known[key] = Known(key, method, expiry)


def _history(work: Work, method: Doc, phases: Sequence[Phase]) -> list[PastAttempt]:
    """Every earlier attempt with the card or account that reached its issuer, oldest first.

    A card that was authenticated when it was saved counts as authenticated for issuers that ask only until then.
    """
    past = [
        PastAttempt(datetime.fromtimestamp(charge["created"], UTC), bool(charge.get("_authenticated")))
        for charge in work.select("charge", {"_card": method["_card"]})
        if charge["_sent"]
    ][::-1]
    if method["_set_up"] and any(phase.until_authenticated for phase in phases):
        past.insert(0, PastAttempt(datetime.fromtimestamp(method["created"], UTC), True))
    return past


def message_for(answer: IssuerAnswer) -> str:
    """What Stripe tells the customer about a decline; fraud and the like are told as a generic one."""
    return (
        _MESSAGES.get(answer.code or "")
        or _MESSAGES.get(answer.decline_code or "")
        or "Your card was declined."
    )
