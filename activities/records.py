"""Records: what the ledger keeps of a case beyond what the other activities write while they act."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from temporalio import activity

from activities.contracts import (
    Activity,
    Closed,
    CloseOrder,
    CustomerCase,
    CustomerCases,
    CustomerQuestion,
    Order,
)
from activities.note_contracts import Note, Noted
from recoup.clock import Clock
from recoup.ledger import CaseRow, DecisionRecord, Ledger
from recoup.rules.case import Access
from recoup.rules.contact import MOST_MINUTES
from recoup.rules.declines import Decline, unknown_codes

_LONGEST_GATHERING = timedelta(minutes=MOST_MINUTES)


@dataclass
class Records:
    """The activities that only touch the ledger."""

    ledger: Ledger
    clock: Clock

    @activity.defn(name=Activity.CLOSE_CASE.value, no_thread_cancel_exception=True)
    def close_case(self, order: CloseOrder) -> Closed:
        """Commit the outcome; the first one stands, whoever comes later."""
        write_decision(self.ledger, order)
        row = self.ledger.cases.close(order.case_id, order.outcome, order.because, self.clock.now())
        held = self.ledger.access.get(order.subscription) if order.subscription else None
        return Closed(
            at=self.clock.now(),
            outcome=row.outcome or order.outcome,
            because=row.because or order.because,
            suspended=held is not None and held.state is not Access.FULL,
            alone=self._is_alone(row),
        )

    @activity.defn(name=Activity.NOTE.value, no_thread_cancel_exception=True)
    def note(self, note: Note) -> Noted:
        """Write down that a person is needed, or what an operator said."""
        about = {"case_id", "invoice", "customer", "request", "at", "kind"}
        self.ledger.events.append(
            note.kind.value,
            note.at,
            case_id=note.case_id,
            invoice=note.invoice,
            customer=note.customer,
            actor=note.operator or "system",
            data=note.model_dump(exclude=about, exclude_none=True),
            unique=f"{note.kind.value}/{note.request}",
        )
        return Noted(at=self.clock.now())

    def _is_alone(self, case: CaseRow) -> bool:
        """Whether no other debt of the customer's can end, or has ended, within the time that a last word gathers."""
        cases, since = self.ledger.cases, self.clock.now() - _LONGEST_GATHERING
        open_ = cases.open_of_customer(case.customer)
        others = [*open_, *cases.ended_of_customer(case.customer, since)]
        return all(other.invoice == case.invoice for other in others)

    @activity.defn(name=Activity.CASES_OF_CUSTOMER.value, no_thread_cancel_exception=True)
    def cases_of_customer(self, question: CustomerQuestion) -> CustomerCases:
        """The customer's open and suspended cases, newest invoice first."""
        cases = self.ledger.cases
        open_ = [_concerned(row) for row in cases.open_of_customer(question.customer)]
        gone = [
            _concerned(row).model_copy(
                update={"begins": True, "return_number": len(cases.by_invoice(row.invoice)) + 1}
            )
            for row in cases.suspended_of_customer(question.customer)
        ]
        return CustomerCases(at=self.clock.now(), cases=(*open_, *gone))


def _concerned(row: CaseRow) -> CustomerCase:
    return CustomerCase(case_id=row.id, invoice=row.invoice)


def write_decision(ledger: Ledger, order: Order) -> None:
    """Keep the decision behind an order: what was known, the candidates, the choice, because, propensity. Once for each."""
    decision, case = order.decision, ledger.cases.get(order.case_id)
    ledger.decisions.record(
        DecisionRecord(
            case_id=order.case_id,
            at=decision.at,
            rules_version=decision.rules_version,
            policy_version=case.policy_version if case else "unknown",
            known=dict(decision.known),
            candidates=[candidate.model_dump(mode="json") for candidate in decision.step.candidates],
            choice=decision.step.model_dump(
                mode="json", exclude={"candidates", "because"}, exclude_none=True
            ),
            because=decision.step.because,
            propensity=decision.propensity,
            model=decision.model,
        ),
        order.request,
    )


LONGEST_CODE = 120
"""Codes are short words; what is longer is no code and is kept only in part."""


def report_unknown(ledger: Ledger, decline: Decline | None, at: datetime, invoice: str) -> None:
    """Record each code that no table explains, once for all time, so that somebody adds its row."""
    if decline is None:
        return
    for code in unknown_codes(decline):
        name = code[:LONGEST_CODE]
        data = {"code": name, "brand": decline.brand, "method_type": decline.method_type}
        ledger.events.append(
            "decline_unknown", at, invoice=invoice, data=data, unique=f"decline_unknown/{name}"
        )
