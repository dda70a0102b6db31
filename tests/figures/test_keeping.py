"""Facts that are kept and brought up to date: the same as if they were folded from nothing, and as the rows alone."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from recoup import figures
from recoup.figures import Selection, keeping
from recoup.figures.columns import Frame
from recoup.figures.facts import Facts
from recoup.figures.folding import fold
from recoup.figures.keeping import bring_up_to_date, facts_of
from recoup.figures.recovery import recovery_rate
from recoup.figures.tries import attempts_of, declines_of
from recoup.ledger import CaseRow, FigureBlock, Ledger
from recoup.ledger.history_rows import Kind, PastCharge, PastPayment
from recoup.rules.case import AttemptState, Outcome
from recoup.rules.declines import Decline
from tests.figures.scene import END, play
from tests.ledger.builders import YES, a_case, a_charge, a_message, an_attempt, declined

BEGIN = datetime(2026, 8, 20, tzinfo=UTC)
EVERYTHING = Selection(now=END)


class Story:
    """Things that happen to a few customers' cases, in any order that a ledger allows."""

    def __init__(self, ledger: Ledger, seed: int) -> None:
        self.ledger, self.chance, self.now = ledger, random.Random(seed), BEGIN
        self.cases: list[str] = []
        self.sent: list[str] = []

    def go_on(self, steps: int) -> None:
        """So many things, some hours apart."""
        acts = (
            self._fail, self._try, self._close, self._tell, self._bounce, self._click, self._charge, self._return,
        )  # fmt: skip
        for _ in range(steps):
            self.now += timedelta(hours=self.chance.randint(1, 30))
            self.chance.choices(acts, (3, 4, 2, 2, 1, 2, 2, 1))[0]()

    def _fail(self) -> None:
        invoice = f"in_{len(self.cases)}"
        customer = self.chance.randint(1, 5)
        more = {
            "customer": f"cus_{customer}", "subscription": f"sub_{customer}" if customer > 1 else None,
            "amount": self.chance.choice((900, 4900)), "currency": self.chance.choice(("pln", "eur")),
            "campaign": self.chance.choice(("everybody", "big")), "failed_at": self.now,
        }  # fmt: skip
        self.ledger.cases.open(a_case(invoice, **more), self.now)
        self.cases.append(invoice)

    def _try(self) -> None:
        case = self._some()
        if case is None or not case.is_open:
            return
        new = an_attempt(
            case.invoice, f"{case.id}#{self.now.isoformat()}", case_id=case.id, amount=case.amount
        )
        if self.chance.random() < 0.2:
            self.ledger.attempts.reserve(new, self.now, lambda _: YES.model_copy(update={"allowed": False}))
            return
        made = self.ledger.attempts.reserve(new, self.now, lambda _: YES).attempt
        if made is None or made.settled_at is not None:
            return
        self.ledger.attempts.mark_sent(made.id, self.now)
        result = declined(f"ch_{new.request}", self.chance.choice(("do_not_honor", "lost_card")))
        if self.chance.random() < 0.3:
            result = result.model_copy(
                update={"state": AttemptState.PAID, "decline": None, "decline_class": None}
            )
        self.ledger.attempts.settle(made.id, result, self.now)

    def _close(self) -> None:
        case = self._some()
        if case is not None:
            outcome = self.chance.choice((*Outcome, Outcome.LOST_SUSPENDED, Outcome.LOST_SUSPENDED))
            self.ledger.cases.close(case.id, outcome, "so it ended", self.now)

    def _return(self) -> None:
        for invoice in self.cases:
            first = self.ledger.cases.get(invoice)
            if first is not None and first.outcome is Outcome.LOST_SUSPENDED:
                who = first.model_dump(
                    include={"customer", "subscription", "amount", "currency", "failed_at"}
                )
                back = a_case(f"{invoice}/r2", **who)
                if self.ledger.cases.open(back, self.now).admitted:
                    self.ledger.cases.close(back.id, Outcome.RECOVERED_BY_CARD_UPDATE, "came back", self.now)
                    return

    def _tell(self) -> None:
        case = self._some()
        if case is None:
            return
        key = f"{case.id}/{self.now.isoformat()}"
        new = a_message(key, case_id=case.id, customer=case.customer, channel="email")
        self.ledger.messages.reserve(new, self.now)
        self.ledger.messages.begin_sending(key, self.now)
        self.ledger.messages.mark_sent(key, key, self.now)
        self.sent.append(key)

    def _click(self) -> None:
        customer = f"cus_{self.chance.randint(1, 5)}"
        link = self.ledger.links.issue(customer, "update", self.now + timedelta(days=30), self.now)
        self.ledger.links.note_opened(link.id, self.now)
        if self.chance.random() < 0.5:
            self.ledger.links.note_used(link.id, self.now)

    def _charge(self) -> None:
        """By Stripe itself or the customer: mostly without its invoice, sometimes without its customer."""
        case = self._some(among=100)
        if case is None:
            return
        knows = self.chance.random()
        seen = a_charge(
            f"ch_{self.now.isoformat()}",
            invoice=case.invoice if knows < 0.4 else None,
            customer=None if knows < 0.1 else case.customer,
            amount=case.amount,
            currency=case.currency,
        )
        code = self.chance.choice(("expired_card", "try_again_later"))
        failed = {"decline": Decline(code=code), "made_at": self.now}
        self.ledger.attempts.observe(seen.model_copy(update=failed), self.now)

    def _bounce(self) -> None:
        """What was sent comes back, however long ago its case was closed."""
        if self.sent:
            self.ledger.messages.mark_returned(self.chance.choice(self.sent), "no such address", self.now)

    def _some(self, among: int = 8) -> CaseRow | None:
        return self.ledger.cases.get(self.chance.choice(self.cases[-among:])) if self.cases else None


def kept(ledger: Ledger) -> list[FigureBlock]:
    """What is kept, brought up to date."""
    bring_up_to_date(ledger)
    return ledger.figure_blocks.touching(None, None, named=True)


def anew(ledger: Ledger) -> list[FigureBlock]:
    """The same, folded from nothing."""
    seen = ledger.figure_blocks.fold()
    assert seen is not None
    ledger.figure_blocks.write(seen, seen.model_copy(update={"version": 0}), [], anew=True)
    return kept(ledger)


def from_rows(ledger: Ledger) -> Facts:
    """The facts of all customers' rows, kept nowhere."""
    customers = {case.customer for case in ledger.cases.list_all(limit=1000)}
    return Facts.join([fold(rows) for rows in ledger.figures.of(customers)]).in_order()


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_what_is_kept_is_what_the_rows_say(
    ledger: Ledger, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After each part of a long story of returns, voids, disputes, charges and clicks: brought up to date, folded anew, and read from the rows alone."""
    story = Story(ledger, seed)
    monkeypatch.setattr(keeping, "EVENTS_AT_ONCE", 5)
    monkeypatch.setattr(keeping, "CUSTOMERS_AT_ONCE", 2)
    monkeypatch.setattr(keeping, "LATE", timedelta(0))  # nothing of this story comes late
    for _ in range(3):
        story.go_on(70)
        went_on = kept(ledger)
        everything = Facts.join([Facts.from_bytes(each.facts, each.names) for each in went_on])
        assert same(everything, from_rows(ledger))
        made = figures.of(ledger, EVERYTHING)
        assert [each.last_at for each in anew(ledger)] == [each.last_at for each in went_on]
        assert figures.of(ledger, EVERYTHING) == made
    made = figures.of(ledger, EVERYTHING)
    assert made.recovery_rate.all.recovered > 0
    assert made.recovery_rate.returned.cases > 0
    assert made.recovery_rate.left_out.cases > 0
    assert sum(each.others for each in made.declines.by_code) > 0
    assert made.attempts.refused_by_guard > 0
    assert len(made.recovery_rate.cohorts) > 3


def same(one: Facts, other: Facts) -> bool:
    """Whether both say the same of every debt, whatever numbers their words have."""
    pairs = [(one.debts, other.debts), (one.names, other.names)]
    pairs += [(frame, other.about()[name]) for name, frame in one.about().items()]
    return all(rows(a) == rows(b) for a, b in pairs)


def rows(frame: Frame | None) -> list[tuple[object, ...]]:
    """The rows with their words."""
    assert frame is not None
    columns = [
        frame.looked_up(name, frame.words[name], "O").tolist()
        if name in frame.words
        else frame[name].tolist()
        for name in frame.columns
    ]
    return sorted(zip(*columns, strict=True), key=str)


def test_a_time_is_read_from_the_months_that_it_touches(ledger: Ledger) -> None:
    """What failed after it and what had ended before it is not read, and nothing is missed for it."""
    play(ledger)
    since, until = datetime(2026, 11, 10, tzinfo=UTC), datetime(2026, 11, 20, tzinfo=UTC)
    looked = Selection(now=END, since=since, until=until)
    made = figures.of(ledger, looked)
    whole, some = facts_of(ledger, looked, whole=True), facts_of(ledger, looked, whole=False)
    assert 0 < len(some.debts) < len(whole.debts)
    assert recovery_rate(whole, looked) == recovery_rate(some, looked) == made.recovery_rate
    assert attempts_of(whole, looked) == made.attempts
    assert declines_of(whole, looked) == made.declines


def test_what_an_import_says_of_a_charge_is_folded(ledger: Ledger) -> None:
    """A charge without an invoice finds it as soon as an import that knows it has come to its end."""
    at = BEGIN
    for invoice in ("in_1", "in_2"):
        ledger.cases.open(a_case(invoice, failed_at=at), at)
    seen = a_charge("ch_1", invoice=None, customer="cus_1", amount=4900, currency="pln")
    ledger.attempts.observe(seen.model_copy(update={"made_at": at + timedelta(hours=1)}), at)
    before = rows(facts_of(ledger, EVERYTHING, whole=True).others)
    values: dict[str, Any] = {"currency": "pln", "made_at": at, "read_at": END}
    payment = PastPayment(
        payment="inpay_1",
        invoice="in_2",
        payment_intent="pi_1",
        status="open",
        paid=0,
        paid_at=None,
        **values,
    )
    charge = PastCharge(
        charge="ch_1", customer="cus_1", payment_intent="pi_1", status="failed", amount=4900, refunded=0, disputed=False,
        code="do_not_honor", brand="visa", **values,
    )  # fmt: skip
    for kind, found in ((Kind.PAYMENTS, payment), (Kind.CHARGES, charge)):
        begun = ledger.history.begin(kind, at, END)
        assert begun is not None
        ledger.history.write_page(begun, [found], None, END)
    after = rows(facts_of(ledger, EVERYTHING, whole=True).others)
    assert [row[0] for row in before] == [0]
    assert [row[0] for row in after] == [1]


def test_a_charge_that_names_its_invoice_alone_is_folded(ledger: Ledger) -> None:
    """Nobody says whose it was: the invoice's case does, also long after it was closed."""
    ledger.cases.open(a_case("in_1", failed_at=BEGIN), BEGIN)
    ledger.cases.close("in_1", Outcome.LOST_SUSPENDED, "so it ended", BEGIN + timedelta(days=14))
    assert len(facts_of(ledger, EVERYTHING, whole=True).others) == 0
    late = BEGIN + keeping.LATE + timedelta(days=20)
    seen = a_charge("ch_1", invoice="in_1", customer=None).model_copy(update={"made_at": late})
    ledger.attempts.observe(seen, late)
    assert len(facts_of(ledger, EVERYTHING, whole=True).others) == 1


def test_what_changes_no_fact_is_not_written(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """A month is written again for what is new in it, not for what was only looked at, and comes to the same bytes where it comes back."""
    play(ledger)
    before, written, write = kept(ledger), [], ledger.figure_blocks.write

    def note(seen: Any, then: Any, blocks: Any, **more: Any) -> bool:
        written.append([block.month for block in blocks])
        return write(seen, then, blocks, **more)

    monkeypatch.setattr(ledger.figure_blocks, "write", note)
    for case in ledger.cases.list_all(limit=20):
        ledger.events.append("looked_at", END, case_id=case.id, invoice=case.invoice, customer=case.customer)
    assert kept(ledger) == before
    assert written == [[]]
    case = next(each for each in ledger.cases.list_all(limit=1000) if each.is_open)
    seen = a_charge("ch_new", invoice=case.invoice, customer=case.customer, currency=case.currency)
    ledger.attempts.observe(seen, END)
    assert len(kept(ledger)) == len(before) > 1
    assert written == [[], [f"{case.failed_at:%Y-%m}"]]


def test_who_was_overtaken_changes_nothing(ledger: Ledger) -> None:
    """Two processes that bring the same up to date: the second one's write is refused, and it goes on behind the first."""
    play(ledger, count=6)
    bring_up_to_date(ledger)
    seen = ledger.figure_blocks.fold()
    assert seen is not None
    first = seen.model_copy(update={"event": seen.event + 1})
    assert ledger.figure_blocks.write(seen, first, [])
    assert not ledger.figure_blocks.write(seen, seen.model_copy(update={"event": 0}), [], anew=True)
    assert ledger.figure_blocks.fold() == first
    assert ledger.figure_blocks.touching(None, None, named=False)
