"""The rows behind every figure, read in a few queries; what they mean is said in :mod:`recoup.figures`."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from recoup.ledger._store import Store, every
from recoup.ledger.figures_rows import (
    FigureAttempt,
    FigureCase,
    FigureCharge,
    FigureContact,
    FigureMessage,
    FigureRefusal,
)
from recoup.ledger.history_schema import history_charges, history_payments
from recoup.ledger.schema import attempts, cases, events, message_invoices, messages, observed_charges
from recoup.rules.case import AttemptState, MessageState, Outcome, Template, Trigger

_ASKING = (
    Template.PAYMENT_FAILED,
    Template.AUTHENTICATION_NEEDED,
    Template.REMINDER,
    Template.LAST_NOTICE,
)
"""Messages that ask for the payment."""

_WENT_OUT = (MessageState.SENT, MessageState.UNKNOWN, MessageState.RETURNED)


class FigureRows:
    """Rows for figures, of all cases; whoever makes a figure chooses among them."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def cases(self) -> list[FigureCase]:
        """All cases, in the order in which they failed."""
        names = (
            "id", "invoice", "customer", "subscription", "amount", "currency", "campaign", "policy_version",
            "failed_at", "opened_at", "outcome", "closed_at", "is_return",
        )  # fmt: skip
        query = sa.select(*(cases.c[name] for name in names)).order_by(cases.c.failed_at, cases.c.id)
        asked = {row["case_id"]: row["asked_at"] for row in self._rows(_asked())}
        return [FigureCase(**_outcome(row), asked_at=asked.get(row["id"])) for row in self._rows(query)]

    def attempts(self) -> list[FigureAttempt]:
        """All attempts of ours that were made and have their result, in the order in which they were made."""
        made = (
            attempts.c.state.in_((AttemptState.PAID, AttemptState.DECLINED)),
            attempts.c.sent_at.is_not(None),
        )
        query = sa.select(attempts).where(*made).order_by(attempts.c.sent_at, attempts.c.id)
        return [
            FigureAttempt(
                case_id=row["case_id"],
                invoice=row["invoice"],
                number=row["number"],
                trigger=Trigger(row["trigger"]),
                brand=row["brand"],
                amount=row["amount"],
                currency=row["currency"],
                state=AttemptState(row["state"]),
                code=_code(row["decline"]),
                at=row["sent_at"],
            )
            for row in self._rows(query)
        ]

    def charges(self) -> list[FigureCharge]:
        """All charges of customers with cases that were not ours, in the order in which they were made."""
        of_a_case = sa.exists().where(
            sa.or_(
                cases.c.invoice == observed_charges.c.invoice, cases.c.customer == observed_charges.c.customer
            )
        )
        ours = sa.exists().where(attempts.c.charge == observed_charges.c.charge)
        imported = (
            sa.select(sa.func.min(history_payments.c.invoice))
            .join(history_charges, history_charges.c.payment_intent == history_payments.c.payment_intent)
            .where(history_charges.c.charge == observed_charges.c.charge)
            .scalar_subquery()
        )
        invoice = sa.func.coalesce(observed_charges.c.invoice, imported).label("found")
        query = sa.select(observed_charges, invoice).where(of_a_case, ~ours)
        ordered = query.order_by(observed_charges.c.made_at, observed_charges.c.charge)
        return [
            FigureCharge(
                invoice=row["found"],
                customer=row["customer"],
                brand=row["brand"],
                amount=row["amount"],
                currency=row["currency"],
                failed=row["failed"],
                code=_code(row["decline"]),
                at=row["made_at"],
            )
            for row in self._rows(ordered)
        ]

    def contacts(self) -> list[FigureContact]:
        """How far the conversation about each case came; cases about which nothing was sent or opened are left out."""
        sent = {row["case_id"]: row for row in self._rows(_sent())}
        opened = {row["case_id"]: row["at"] for row in self._rows(_acted("link_opened"))}
        updated = {row["case_id"]: row["at"] for row in self._rows(_acted("link_used"))}
        return [
            FigureContact(
                case_id=case_id,
                messages=sent[case_id]["messages"] if case_id in sent else 0,
                returned=int(sent[case_id]["returned"] or 0) if case_id in sent else 0,
                opened_at=opened.get(case_id),
                updated_at=updated.get(case_id),
            )
            for case_id in sorted({*sent, *opened, *updated})
        ]

    def messages(self) -> list[FigureMessage]:
        """All messages of cases that went out, whatever they said, in the order in which they did."""
        out = (
            messages.c.state.in_(_WENT_OUT),
            messages.c.case_id.is_not(None),
            messages.c.sending_at.is_not(None),
        )
        query = sa.select(messages).where(*out).order_by(messages.c.sending_at, messages.c.key)
        return [FigureMessage(row["case_id"], row["channel"], row["sending_at"]) for row in self._rows(query)]

    def refusals(self) -> list[FigureRefusal]:
        """All attempts that the guard did not let through, in order."""
        query = sa.select(events).where(events.c.kind == "attempt_refused").order_by(events.c.id)
        return [
            FigureRefusal(row["case_id"], row["at"], str(row["data"].get("because", "")))
            for row in self._rows(query)
        ]

    def _rows(self, query: sa.Select[Any]) -> list[dict[str, Any]]:
        return self._store.read(lambda conn: every(conn, query))


def _outcome(row: dict[str, Any]) -> dict[str, Any]:
    return row | {"outcome": Outcome(row["outcome"]) if row["outcome"] else None}


def _code(decline: dict[str, Any] | None) -> str | None:
    return str(decline["code"]) if decline else None


def _about() -> sa.Subquery:
    """Every message that went out, with each case it was about: its own, and those whose invoices it named in their time."""
    own = sa.select(messages.c.key, messages.c.case_id).where(messages.c.case_id.is_not(None))
    named = (
        sa.select(message_invoices.c.message, cases.c.id)
        .join(cases, cases.c.invoice == message_invoices.c.invoice)
        .join(messages, messages.c.key == message_invoices.c.message)
        .where(
            messages.c.sending_at >= cases.c.opened_at,
            sa.or_(cases.c.closed_at.is_(None), messages.c.sending_at <= cases.c.closed_at),
        )
    )
    return sa.union(own, named).subquery("about")


def _sent() -> sa.Select[Any]:
    about = _about()
    came_back = sa.case((messages.c.state == MessageState.RETURNED, 1), else_=0)
    return (
        sa.select(
            about.c.case_id,
            sa.func.count().label("messages"),
            sa.func.sum(came_back).label("returned"),
        )
        .join(messages, messages.c.key == about.c.key)
        .where(messages.c.state.in_(_WENT_OUT), messages.c.template.in_(_ASKING))
        .group_by(about.c.case_id)
    )


def _asked() -> sa.Select[Any]:
    about = _about()
    first = sa.func.min(messages.c.sending_at, type_=messages.c.sending_at.type)
    return (
        sa.select(about.c.case_id, first.label("asked_at"))
        .join(messages, messages.c.key == about.c.key)
        .where(messages.c.state.in_(_WENT_OUT), messages.c.template.in_(_ASKING))
        .group_by(about.c.case_id)
    )


def _acted(kind: str) -> sa.Select[Any]:
    """When the customer first did so on the page behind the link, while the case ran."""
    first = sa.func.min(events.c.at, type_=events.c.at.type)
    return (
        sa.select(cases.c.id.label("case_id"), first.label("at"))
        .join(events, events.c.customer == cases.c.customer)
        .where(
            events.c.kind == kind,
            events.c.at >= cases.c.opened_at,
            sa.or_(cases.c.closed_at.is_(None), events.c.at <= cases.c.closed_at),
        )
        .group_by(cases.c.id)
    )
