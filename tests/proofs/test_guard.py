"""The network guard against a plain recount: random histories, brands, caps and clocks, and no breach by one.

The moments cluster where clocks and rules are treacherous: summer time beginning and ending, ends of months, leap days, the
days on which a network's rule changed. They are told in the local time of several places.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from activities._guarding import network_guard
from activities.contracts import AttemptOrder, Decision
from recoup.billing import InvoiceState
from recoup.billing.invoices import Method
from recoup.ledger import AttemptCounts, AttemptResult, Ledger, ObservedCharge, Verdict
from recoup.rules.case import AttemptState, Trigger
from recoup.rules.declines import Decline
from recoup.rules.money import Money
from recoup.rules.networks import HIGHEST_CAP, may_attempt
from recoup.rules.steps import Step, StepKind
from tests.ledger.builders import a_case, an_attempt
from tests.ledger.databases import migrated_file
from tests.proofs.recount import Tried, may

TREACHEROUS = [
    datetime(2024, 2, 29, 12),  # a leap day
    datetime(2028, 2, 29, 0, 30),
    datetime(2025, 3, 9, 7),  # New York: summer begins
    datetime(2025, 11, 2, 6),  # and ends
    datetime(2026, 3, 29, 1),  # Warsaw: summer begins
    datetime(2026, 10, 25, 1),  # and ends, on the day on which Visa's 57 changed
    datetime(2026, 4, 4, 15),  # Lord Howe: half an hour
    datetime(2025, 5, 25),  # Visa's 15 became 20
    datetime(2025, 10, 1),  # Visa's 57 left category 1
    datetime(2026, 1, 31, 23, 59, 59),
    datetime(2026, 12, 31, 23, 59, 59),
]
ZONES = ["UTC", "Europe/Warsaw", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"]

brands = st.sampled_from(["visa", "mastercard", "amex", None])
caps = st.integers(1, HIGHEST_CAP)
seconds = st.one_of(
    st.integers(0, 90),
    st.sampled_from([3600, 86_399, 86_400, 86_401, 30 * 86_400 - 1, 30 * 86_400]),
    st.integers(0, 3 * 86_400),
)
starts = st.builds(
    lambda moment, before: int(moment.replace(tzinfo=UTC).timestamp()) - before,
    st.sampled_from(TREACHEROUS),
    st.one_of(st.integers(0, 7200), st.integers(0, 40 * 86_400)),
)
REFUSALS: dict[str | None, list[dict[str, str]]] = {
    "visa": [{"network_decline_code": code} for code in ("51", "05", "57", "14", "R1", "59")],
    "mastercard": [{"network_advice_code": code} for code in ("02", "24", "03", "21", "43")],
    "amex": [{"network_decline_code": "100"}],
    None: [{}],
}
"""Refusals of each brand: passing ones, final ones, one that was final on some days only."""


def local(at: int, zone: str) -> datetime:
    """The moment as somebody's clock shows it."""
    return datetime.fromtimestamp(at, ZoneInfo(zone))


@given(brands, caps, starts, st.lists(seconds, max_size=45), st.sampled_from(ZONES))
@settings(max_examples=300, deadline=None)
def test_the_guard_and_the_recount_agree_to_the_second(
    brand: str | None, cap: int, start: int, gaps: list[int], zone: str
) -> None:
    """Whoever tries as soon as the guard allows is never refused by the recount, and was refused not a second too long."""
    made: list[Tried] = []
    at = start
    for gap in gaps:
        at += gap
        told = [local(tried.at, zone) for tried in made]
        said = may_attempt(brand, told, None, local(at, zone), cap)
        assert said.allowed == may(brand, made, at, cap), said.because
        if not said.allowed:
            assert said.not_before is not None
            then = int(said.not_before.timestamp())
            assert then > at
            assert not may(brand, made, then - 1, cap)
            assert not may_attempt(brand, told, None, local(then - 1, zone), cap).allowed
            at = then
        assert may(brand, made, at, cap)
        assert may_attempt(brand, told, None, local(at, zone), cap).allowed
        made.append(Tried(at))


def test_a_rule_that_changes_meanwhile_is_in_the_answer() -> None:
    """Fifteen on a Visa card the day before its limit rose to 20: not before midnight, and no month later."""
    eve = datetime(2025, 5, 24, 18, tzinfo=UTC)
    told = [eve - timedelta(hours=number) for number in range(15)]
    assert may_attempt("visa", told, None, eve, 20).not_before == datetime(2025, 5, 25, tzinfo=UTC)


def test_a_day_of_25_hours_is_no_window_of_24() -> None:
    """Ten on a Mastercard in the night in which summer ends: free after 24 hours, not when the wall clock says so."""
    first = datetime(2026, 10, 24, 12, tzinfo=ZoneInfo("Europe/Warsaw"))
    said = may_attempt("mastercard", [first] * 10, None, first + timedelta(hours=1))
    assert said.not_before == first.astimezone(UTC) + timedelta(hours=24)


# -- the same through the ledger, where the history is kept ------------------------------------------------------------------


class Card:
    """One card that Recoup, Stripe and its holder all charge; Recoup asks the guard in the ledger's transaction."""

    def __init__(self, ledger: Ledger, brand: str | None, cap: int) -> None:
        self.ledger, self.brand, self.cap = ledger, brand, cap
        self.tried: list[Tried] = []
        self.made = 0

    def by_us(self, at: int, refusal: dict[str, str] | None) -> tuple[bool, datetime | None]:
        """Ask for an attempt of a new invoice; where it is allowed it is made, and paid or refused."""
        self.made += 1
        invoice, moment = f"in_{self.made}", datetime.fromtimestamp(at, UTC)
        self.ledger.cases.open(a_case(invoice, customer=f"cus_{self.made}", currency="eur"), moment)
        method = Method(id="pm_1", type="card", fingerprint="card_1", brand=self.brand, version="pm_1")
        new = an_attempt(invoice, invoice, brand=self.brand, fingerprint="card_1")
        answer = self.ledger.attempts.reserve(new, moment, self._guard(invoice, moment, method))
        if answer.attempt is None:
            assert answer.refused is not None
            return False, answer.refused.not_before
        result = AttemptResult(state=AttemptState.PAID, charge=f"ch_{self.made}")
        if refusal is not None:
            decline = Decline(code="do_not_honor", brand=self.brand, **refusal)
            result = AttemptResult(state=AttemptState.DECLINED, charge=f"ch_{self.made}", decline=decline)
        self.ledger.attempts.settle(answer.attempt.id, result, moment)
        self._note(at, refusal)
        return True, None

    def by_others(self, at: int, refusal: dict[str, str]) -> None:
        """Stripe's own retry, or the hosted page: nobody asks the guard, a webhook tells."""
        self.made += 1
        charge = ObservedCharge(
            charge=f"ch_{self.made}",
            fingerprint="card_1",
            brand=self.brand,
            amount=100,
            currency="pln",
            failed=True,
            decline=Decline(code="do_not_honor", brand=self.brand, **refusal),
            made_at=datetime.fromtimestamp(at, UTC),
        )
        self.ledger.attempts.observe(charge, datetime.fromtimestamp(at, UTC))
        self._note(at, refusal, later=60)

    def _note(self, at: int, refusal: dict[str, str] | None, later: int = 0) -> None:
        codes = refusal or {}
        self.tried.append(
            Tried(
                at,
                paid=refusal is None,
                brand=self.brand,
                response=codes.get("network_decline_code"),
                advice=codes.get("network_advice_code"),
                later=later,
            )
        )

    def _guard(self, invoice: str, at: datetime, method: Method) -> Callable[[AttemptCounts], Verdict]:
        decision = Decision(
            at=at, step=Step(kind=StepKind.ATTEMPT, due_at=at, because="a proof"), known={}, rules_version=1
        )
        due = Money(amount=4900, currency="pln")
        order = AttemptOrder(
            case_id=invoice, invoice=invoice, customer="cus", subscription=None, request=invoice,
            decision=decision, trigger=Trigger.MANUAL, due=due,
        )  # fmt: skip
        state = InvoiceState(id=invoice, status="open", remaining=due, customer="cus", method=method)
        return network_guard(order, state, method, [], self.cap)


MakeCard = Callable[[str | None, int], Card]


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated ledger to copy."""
    return migrated_file(tmp_path_factory.getbasetemp())


@pytest.fixture
def card_of(tmp_path: Path, template: Path) -> Iterator[MakeCard]:
    """Makes cards, each over a fresh ledger."""
    ledgers: list[Ledger] = []

    def make(brand: str | None, cap: int) -> Card:
        file = tmp_path / f"{len(ledgers)}.db"
        shutil.copy(template, file)
        ledgers.append(Ledger.connect(f"sqlite:///{file}"))
        return Card(ledgers[-1], brand, cap)

    yield make
    for ledger in ledgers:
        ledger.close()


@given(
    brands,
    caps,
    starts,
    st.lists(st.tuples(seconds, st.booleans(), st.integers(0, 6), st.booleans()), max_size=25),
)
@example("visa", 20, 1767225600, [(0, False, 3, False), (60, False, 0, False), (60, True, 0, False)])
@example("mastercard", 20, 1767225600, [(0, False, 2, False), (60, False, 0, False), (60, True, 0, False)])
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_history_of_anybody_makes_the_ledger_allow_a_breach(
    card_of: MakeCard, brand: str | None, cap: int, start: int, acts: list[tuple[int, bool, int, bool]]
) -> None:
    """Ours and others' charges in any mixture, with every kind of refusal: what the ledger allows, the recount allows."""
    card, refusals = card_of(brand, cap), REFUSALS[brand]
    at = start
    for gap, ours, kind, paid in acts:
        at += gap
        refusal = refusals[kind % len(refusals)]
        if not ours:
            card.by_others(at, refusal)
            continue
        expected = may(brand, card.tried, at, cap)
        allowed, not_before = card.by_us(at, None if paid else refusal)
        assert allowed == expected
        if not_before is not None:
            then = int(not_before.timestamp())
            assert may(brand, card.tried, then, cap)
            assert not may(brand, card.tried, then - 1, cap)
