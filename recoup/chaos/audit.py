"""Comparing the books: what Stripe took against what the ledger says and what the workflows ended with.

Nothing of the product's own judgement is used here: the sandbox's books and charges are the truth, and the networks' rules
are counted anew in the plainest way.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from recoup.chaos.runs import Played, Run
from recoup.ledger import AttemptRow, CaseRow, Ledger
from recoup.rules.case import AttemptState, MessageState, Outcome, Stage, Template
from recoup.rules.conversation import Said
from recoup.rules.networks import DEFAULT_CAP

FIGURES = (
    "double_charges",
    "wrong_charges",
    "raced_charges",
    "unsettled_races",
    "network_breaches",
    "lost_cases",
    "stuck_cases",
    "doubled_messages",
    "wrong_outcomes",
)
LEFT = (Outcome.LOST_CANCELLED, Outcome.LOST_CANCELLED_BY_CUSTOMER)
HARMLESS = ("raced_charges",)
"""What is counted and is no failure: a race that nobody can prevent, flagged and refunded."""

SENDING = timedelta(minutes=1)
EVER = datetime(2000, 1, 1, tzinfo=UTC)
WENT_OUT = (MessageState.SENT, MessageState.UNKNOWN)

MONTH, DAY = timedelta(days=30), timedelta(days=1)
EXECUTED_WITHIN = 600.0
"""Seconds after which a request that was sent has been executed, if it ever is."""
MASTERCARD_A_DAY = 10
KEY_KEPT = timedelta(hours=24)
"""So long Stripe remembers an idempotency key; the same key sent later is a new charge."""
DEBITS = 3
"""Presentations of one debt by SEPA direct debit: the first and two more."""
MASTERCARD_NEVER = frozenset(("03", "21"))
"""Mastercard's advice not to try again."""
VISA_NEVER = frozenset(("04", "07", "12", "14", "15", "41", "43", "46", "57", "R0", "R1", "R3"))
"""Visa, category 1: the issuer will never approve."""


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it must be."""

    figure: str
    seed: int
    sentence: str


def audit(played: Played) -> list[Finding]:
    """Everything that is not as it must be, after all runs of a batch have ended."""
    cases: dict[str, list[CaseRow]] = defaultdict(list)
    for case in played.ledger.cases.list_all(limit=100_000):
        cases[case.invoice].append(case)
    books: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for book in played.books:
        books[book["customer"]].append(book)
    findings: list[Finding] = []
    for run in played.runs:
        said: list[tuple[str, str]] = []
        for book in books[run.customer]:
            if book["billing_reason"] == "subscription_cycle":
                said += _of_invoice(run, book, cases[book["id"]], played.ledger)
        said += _of_others(run, books[run.customer])
        said += _of_messages(run)
        said += _told_twice(run, played.ledger)
        findings += [Finding(figure, run.plan.seed, sentence) for figure, sentence in said]
    findings += _of_workflows(played)
    findings += _of_cards(played)
    return findings


def _of_invoice(
    run: Run, book: dict[str, Any], cases: list[CaseRow], ledger: Ledger
) -> Iterable[tuple[str, str]]:
    invoice = book["id"]
    attempts = ledger.attempts.of_invoice(invoice)
    yield from _charged(run, book, ledger)
    yield from _sent(run, invoice, attempts)
    if not cases:
        if book["failed_charges"] and book["status"] == "open":
            yield "lost_cases", f"{invoice} failed and never became a case"
        return
    for case in cases:
        if case.outcome is None:
            yield "stuck_cases", f"the case {case.id} is open in the ledger ({case.stage})"
    for row in attempts:
        if row.settled_at is None:
            yield "stuck_cases", f"attempt {row.number} of {invoice} has no result ({row.state})"
    yield from _outcome(book, cases, attempts)
    theirs = run.customer_paid[invoice] + len(book["automatic_charges"])
    ours = len(book["successful_charges"]) - theirs
    yield from _unwanted(run, book, cases, ours, ledger)
    recorded = sum(row.state is AttemptState.PAID for row in attempts)
    if ours > recorded and any(sent.invoice == invoice for sent in run.sent):
        yield "wrong_outcomes", f"Stripe took {invoice} for us, and no attempt in the ledger says so"


def _charged(run: Run, book: dict[str, Any], ledger: Ledger) -> Iterable[tuple[str, str]]:
    invoice, taken = book["id"], len(book["successful_charges"]) + bool(book["paid_out_of_band"])
    if taken <= 1:
        return
    if invoice in run.raced:
        yield "raced_charges", f"{invoice} was paid by the customer at the moment of our charge"
        events = {event.kind for event in ledger.events.of_customer(run.customer) if event.invoice == invoice}
        if "double_payment" not in events:
            yield "unsettled_races", f"nobody noticed that {invoice} was paid twice"
        elif len(book["refunds"]) != taken - 1:
            yield "unsettled_races", f"{len(book['refunds'])} refunds for {taken} payments of {invoice}"
    else:
        yield "double_charges", f"{invoice} was charged {taken} times"


def _unwanted(
    run: Run, book: dict[str, Any], cases: list[CaseRow], ours: int, ledger: Ledger
) -> Iterable[tuple[str, str]]:
    """A charge of ours that came after the customer had cancelled: flagged, and given back."""
    # A subscription that our own suspension has cancelled stays payable; nobody cancelled it under us.
    back = any(case.outcome is Outcome.LOST_SUSPENDED for case in cases)
    if ours < 1 or back or book["id"] not in run.cancelled:
        return
    yield "raced_charges", f"the customer cancelled just before our charge of {book['id']}"
    events = {event.kind for event in ledger.events.of_customer(run.customer) if event.invoice == book["id"]}
    if "unwanted_payment" not in events or not book["refunds"]:
        yield "unsettled_races", f"{book['id']} was charged after the customer had cancelled, and kept"


def _sent(run: Run, invoice: str, attempts: list[AttemptRow]) -> Iterable[tuple[str, str]]:
    rows, first = {row.key: row for row in attempts}, dict[str, datetime]()
    for sent in run.sent:
        if sent.invoice != invoice:
            continue
        row = rows.get(sent.key)
        if row is None:
            yield "wrong_charges", f"{sent.key} was sent, and the ledger knows no such attempt"
        elif sent.read != "open":
            yield "wrong_charges", f"{sent.key} was sent after a read that showed {sent.read}"
        elif sent.true != "open":
            yield "wrong_charges", f"{sent.key} was sent, and the books showed {sent.true}"
        elif sent.disputed:
            yield "wrong_charges", f"{sent.key} was sent although the customer had disputed"
        elif sent.owed != row.amount:
            yield "wrong_charges", f"{sent.key} was for {row.amount}, the invoice asked for {sent.owed}"
        elif sent.method != row.payment_method:
            yield (
                "wrong_charges",
                f"{sent.key} was to charge {sent.method}, reserved was {row.payment_method}",
            )
        if row is not None and (open_ := _open_before(row, sent.at, attempts)):
            yield "wrong_charges", f"{sent.key} was sent while attempt {open_} had no result"
        if sent.at - first.setdefault(sent.key, sent.at) >= KEY_KEPT:
            yield "wrong_charges", f"{sent.key} was sent again after Stripe had forgotten it"


def _open_before(row: AttemptRow, at: datetime, attempts: list[AttemptRow]) -> int | None:
    """An earlier attempt that had no result at that moment."""
    earlier = (other for other in attempts if other.number < row.number)
    return next(
        (other.number for other in earlier if other.settled_at is None or other.settled_at > at), None
    )


def _of_others(run: Run, books: list[dict[str, Any]]) -> Iterable[tuple[str, str]]:
    """Nothing but renewals is ever collected."""
    renewals = {book["id"] for book in books if book["billing_reason"] == "subscription_cycle"}
    for sent in run.sent:
        if sent.invoice not in renewals:
            yield "wrong_charges", f"{sent.key} was sent for an invoice that is no renewal of this customer"


def _outcome(
    book: dict[str, Any], cases: list[CaseRow], attempts: list[AttemptRow]
) -> Iterable[tuple[str, str]]:
    last = max(cases, key=lambda case: case.opened_at)
    if last.outcome is None:
        return
    recovered = last.outcome.stage is Stage.RECOVERED
    if recovered and book["status"] != "paid":
        yield "wrong_outcomes", f"{last.id} says {last.outcome}, the invoice is {book['status']}"
    ours = any(row.state is AttemptState.PAID for row in attempts)
    known = any(case.outcome and case.outcome.stage is Stage.RECOVERED for case in cases)
    given_back = last.outcome in LEFT and bool(book["refunds"])
    if ours and not known and not given_back and last.outcome is not Outcome.CLOSED_DISPUTED:
        yield "wrong_outcomes", f"{last.id} says {last.outcome}, and our attempt was paid"


def _of_messages(run: Run) -> Iterable[tuple[str, str]]:
    for key, times in run.messages.items():
        if times > 1:
            yield "doubled_messages", f"{key} went out {times} times"
    for letter, moments in run.letters.items():
        # A reminder may say the same as the one before it, but not on the same day; cases note the moment just before a letter leaves.
        if any(later - earlier < DAY - SENDING for earlier, later in pairwise(moments)):
            yield "doubled_messages", f"the same was told twice within a day: {letter}"


def _told_twice(run: Run, ledger: Ledger) -> Iterable[tuple[str, str]]:
    """What more than one message said for one message of a case, or a first message about what had been told before."""
    rows = [row for row in ledger.messages.of_customer(run.customer, EVER) if row.state in WENT_OUT]
    sent = {row.key: row for row in rows}
    for invoice in run.invoices:
        said = [each for each in ledger.messages.said_of(invoice) if each.message in sent]
        for key, times in Counter(each.stands_for for each in said if each.stands_for is not None).items():
            if times > 1:
                yield "doubled_messages", f"{key} was said by {times} messages"
        first = sent.get(f"{invoice}/{Template.PAYMENT_FAILED}")
        if first is None or first.template is not Template.PAYMENT_FAILED or first.sending_at is None:
            continue
        for each in said:
            at = sent[each.message].sending_at
            if at is not None and at < first.sending_at and each.said in (Said.OPEN, Said.NOTICE):
                yield "doubled_messages", f"{first.key} told what {each.message} had told before"


def _of_workflows(played: Played) -> list[Finding]:
    by_invoice = {invoice: run for run in played.runs for invoice in run.invoices}
    by_customer = {run.customer: run for run in played.runs}
    findings = []
    for id_, problem in played.workflows.items():
        name = id_.split("/")[1]
        run = by_invoice.get(name) or by_customer.get(name) or played.runs[0]
        findings.append(Finding("stuck_cases", run.plan.seed, f"{id_}: {problem}"))
    return findings


def _of_cards(played: Played) -> list[Finding]:
    runs = {run.customer: run for run in played.runs}
    cards: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    debits: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    debts = {charge: book["id"] for book in played.books for charge in book["charges"]}
    for charge in sorted(played.charges, key=lambda charge: charge["created"]):
        card = (charge.get("payment_method_details") or {}).get("card")
        if card and charge["customer"] in runs:
            cards[charge["customer"], card["fingerprint"]].append(charge)
        elif charge["customer"] in runs:
            debits[charge["customer"], debts[charge["id"]]].append(charge)
    findings = []
    for counted, rule in ((cards, _breaches), (debits, _presented)):
        for (customer, _), charges in counted.items():
            run = runs[customer]
            ours = _ours(run, charges, played.ledger)
            broken = [sentence for id_, sentence in rule(charges) if id_ in ours]
            findings += [Finding("network_breaches", run.plan.seed, sentence) for sentence in broken]
    return findings


def _ours(run: Run, charges: list[dict[str, Any]], ledger: Ledger) -> set[str]:
    """The charges that Recoup caused: what the ledger calls its own, and what followed a request that was seen leaving."""
    recorded = {row.charge for invoice in run.invoices for row in ledger.attempts.of_invoice(invoice)}
    sent = [each.at.timestamp() for each in run.sent]
    return {
        charge["id"]
        for charge in charges
        if charge["id"] in recorded or any(-2 < charge["created"] - at < EXECUTED_WITHIN for at in sent)
    }


def _breaches(charges: list[dict[str, Any]]) -> Iterable[tuple[str, str]]:
    """Where one card's charges break the networks' rules, counted plainly: the charge, and what it broke."""
    forbidden: str | None = None
    for number, charge in enumerate(charges):
        id_, at = charge["id"], datetime.fromtimestamp(charge["created"], UTC)
        brand = charge["payment_method_details"]["card"]["brand"]
        before = [datetime.fromtimestamp(each["created"], UTC) for each in charges[:number]]
        if forbidden is not None:
            yield id_, f"{id_} came after {forbidden}, which forbids any other attempt"
        if sum(at - each < MONTH for each in before) >= DEFAULT_CAP:
            yield id_, f"{id_} is more than {DEFAULT_CAP} on one card in 30 days"
        if brand == "mastercard" and sum(at - each < DAY for each in before) >= MASTERCARD_A_DAY:
            yield id_, f"{id_} is more than {MASTERCARD_A_DAY} on one Mastercard in a day"
        if charge["status"] == "failed":
            forbidden = _never(brand, charge.get("outcome") or {}) or forbidden


def _never(brand: str, outcome: dict[str, Any]) -> str | None:
    """What forbids every other attempt with the card."""
    code, advice = outcome.get("network_decline_code"), outcome.get("network_advice_code")
    if brand == "visa" and code in VISA_NEVER:
        return f"Visa's {code}"
    if brand == "mastercard" and advice in MASTERCARD_NEVER:
        return f"Mastercard's advice {advice}"
    return "the advice do_not_try_again" if outcome.get("advice_code") == "do_not_try_again" else None


def _presented(charges: list[dict[str, Any]]) -> Iterable[tuple[str, str]]:
    """Where a debt was presented to a bank account more often, or later, than the scheme lets it be."""
    for number, charge in enumerate(charges):
        if number >= DEBITS:
            yield charge["id"], f"{charge['id']} is presentation {number + 1} of one debt"
        if charge["created"] - charges[0]["created"] > MONTH.total_seconds():
            yield charge["id"], f"{charge['id']} was presented more than 30 days after the first time"
