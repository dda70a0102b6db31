"""Made-up facts for every message: what the start-up check, the documentation and the previews are written from."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from recoup.messages.facts import AHEAD, CardOnFile, Company, MessageFacts, NextPayment, OpenInvoice, Reason
from recoup.rules.case import Template
from recoup.rules.money import Money

WRITTEN_AT = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)

_REASONS = {Template.AUTHENTICATION_NEEDED: Reason.AUTHENTICATION}


def sample_facts(template: Template, locale: str = "en") -> MessageFacts:
    """Plausible facts for this message: one invoice of 49.00, failed on 20 November 2026, suspension 21 days later.

    Of messages ahead: a card to the end of November 2026, and 49.00 to be paid on 20 December.
    """
    if template in AHEAD:
        return _ahead(template, locale)
    failed_at = WRITTEN_AT
    written_at, suspend_on = _moments(template, failed_at)
    return MessageFacts(
        template=template,
        company=Company(name="Northwind", support="help@northwind.example"),
        customer_name="Anna Nowak",
        locale=locale,
        reason=_REASONS.get(template, Reason.INSUFFICIENT_FUNDS),
        items=(
            OpenInvoice(
                number="NW-2026-0042",
                description="Team plan, monthly",
                due=Money(amount=4900, currency="pln" if locale.startswith("pl") else "usd"),
                failed_at=failed_at,
                pay_url="https://invoice.stripe.com/i/sample",
            ),
        ),
        update_url="https://billing.northwind.example/u/sample-link",
        next_retry_at=written_at + timedelta(days=2) if _retries(template) else None,
        suspend_on=suspend_on,
        access_restored=False,
        timezone="Europe/Warsaw" if locale.startswith("pl") else "UTC",
        written_at=written_at,
    )


def _ahead(template: Template, locale: str) -> MessageFacts:
    return MessageFacts(
        template=template,
        company=Company(name="Northwind", support="help@northwind.example"),
        customer_name="Anna Nowak",
        locale=locale,
        card=CardOnFile(brand="visa", last4="4242", exp_year=2026, exp_month=11),
        next_payment=NextPayment(
            on=WRITTEN_AT + timedelta(days=30),
            due=Money(amount=4900, currency="pln" if locale.startswith("pl") else "usd"),
            description="Team plan, monthly",
        ),
        update_url="https://billing.northwind.example/u/sample-link",
        timezone="Europe/Warsaw" if locale.startswith("pl") else "UTC",
        written_at=WRITTEN_AT,
    )


def _moments(template: Template, failed_at: datetime) -> tuple[datetime, datetime]:
    suspend_on = failed_at + timedelta(days=21)
    written = {
        Template.REMINDER: failed_at + timedelta(days=5),
        Template.LAST_NOTICE: suspend_on - timedelta(days=3),
        Template.SUSPENDED: suspend_on,
        Template.RECOVERED: failed_at + timedelta(days=3),
    }
    return written.get(template, failed_at), suspend_on


def _retries(template: Template) -> bool:
    return template in (Template.PAYMENT_FAILED, Template.REMINDER)
