"""What a message may say: reasons a customer may read, names and links from outside, facts that must be there."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from recoup.messages import MessageFacts, OpenInvoice, Reason, reason_for, sample_facts
from recoup.messages.samples import WRITTEN_AT
from recoup.rules.case import Template
from recoup.rules.codes import CODES
from recoup.rules.declines import AUTHENTICATION_CODES, Decline
from recoup.rules.money import Money

FRAUD_CODES = sorted(code for code, row in CODES.items() if row.decline_class == "fraud")


def changed(template: Template = Template.REMINDER, **fields: Any) -> MessageFacts:
    """Sample facts with some fields replaced, checked anew."""
    return MessageFacts.model_validate({**dict(sample_facts(template)), **fields})


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("insufficient_funds", Reason.INSUFFICIENT_FUNDS),
        ("expired_card", Reason.EXPIRED_CARD),
        ("authentication_required", Reason.AUTHENTICATION),
        ("incorrect_cvc", Reason.CARD_DATA),
        ("incorrect_number", Reason.CARD_DATA),
        ("do_not_honor", Reason.BANK_REFUSED),
        ("generic_decline", Reason.BANK_REFUSED),
        ("transaction_not_allowed", Reason.BANK_REFUSED),
        ("withdrawal_count_limit_exceeded", Reason.LIMIT),
        ("no_payment_method", Reason.NO_METHOD),
        ("processing_error", Reason.OTHER),
        ("a_code_stripe_adds_tomorrow", Reason.BANK_REFUSED),
    ],
)
def test_a_decline_has_a_reason_the_customer_may_read(code: str, reason: Reason) -> None:
    """The common declines are told apart; unknown ones are a plain refusal."""
    assert reason_for(Decline(code=code)) is reason


@pytest.mark.parametrize("code", FRAUD_CODES)
def test_suspicion_reads_as_a_plain_refusal(code: str) -> None:
    """Lost, stolen and suspicious cards are never told apart from any other refusal."""
    assert reason_for(Decline(code=code)) is Reason.BANK_REFUSED


def test_a_blocked_payment_reads_as_a_plain_refusal() -> None:
    """What Radar blocked is not explained, whatever code it carries."""
    assert reason_for(Decline(code="insufficient_funds", kind="blocked")) is Reason.BANK_REFUSED


@pytest.mark.parametrize("code", sorted(AUTHENTICATION_CODES))
def test_every_authentication_code_asks_for_confirmation(code: str) -> None:
    """Each code that stands for 3-D Secure has the reason that asks the customer to confirm."""
    assert reason_for(Decline(code=code)) is Reason.AUTHENTICATION


def test_no_decline_is_no_reason() -> None:
    """Without a decline nothing particular is claimed."""
    assert reason_for(None) is Reason.OTHER


@pytest.mark.parametrize(
    "name",
    ["Win at https://evil.example", "www.evil.example", "See evil.example", "a@b.example", "", " \n "],
)
def test_a_name_that_could_mislead_is_left_out(name: str) -> None:
    """A name typed at sign-up cannot smuggle an address into a mail, and an empty one is none."""
    assert changed(customer_name=name).customer_name is None


@pytest.mark.parametrize("name", ["J.R. Smith", "Nowak sp. z o.o.", "Łódź S.A.", "A. B. Nowak"])
def test_initials_are_no_address(name: str) -> None:
    """What merely has dots in it, as initials and companies do, is a name."""
    assert changed(customer_name=name).customer_name == name


def test_a_long_description_keeps_no_message_back() -> None:
    """Whoever writes a novel into an invoice still gets their message, with its beginning."""
    item = OpenInvoice(
        number="A-1", description="x" * 5000, due=Money(amount=1, currency="usd"), failed_at=WRITTEN_AT
    )
    assert item.description == "x" * 499 + "…"


def test_text_from_outside_stays_on_one_line() -> None:
    """Line breaks, control characters and direction overrides in names become spaces."""
    assert changed(customer_name="Anna\r\nNowak\u202e\u2028!").customer_name == "Anna Nowak !"


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "ftp://a.example", "https://", "/u/1", "https://a.example/ x"]
)
def test_only_web_addresses_are_links(url: str) -> None:
    """A link that is no http or https address is refused."""
    with pytest.raises(ValidationError, match="http or https"):
        changed(update_url=url)


def test_a_last_notice_needs_its_day() -> None:
    """A last notice without the day of the suspension cannot be made."""
    with pytest.raises(ValidationError, match="suspend_on"):
        changed(Template.LAST_NOTICE, suspend_on=None)


def test_only_a_thank_you_goes_without_the_link() -> None:
    """Every message that asks for something carries the update link."""
    assert changed(Template.RECOVERED, update_url=None).update_url is None
    with pytest.raises(ValidationError, match="update_url"):
        changed(Template.REMINDER, update_url=None)


@pytest.mark.parametrize(
    ("template", "missing"),
    [
        (Template.CARD_EXPIRING, "card"),
        (Template.CARD_EXPIRING, "next_payment"),
        (Template.CARD_REFRESH, "card"),
        (Template.CARD_EXPIRING, "update_url"),
    ],
)
def test_what_a_message_ahead_needs(template: Template, missing: str) -> None:
    """A message about payments to come cannot be made without its card, its link, and for an expiring card the payment."""
    with pytest.raises(ValidationError, match=missing):
        changed(template, **{missing: None})


def test_a_message_about_a_debt_needs_the_debt() -> None:
    """Without an invoice only messages ahead can be made."""
    assert changed(Template.CARD_REFRESH).items == ()
    with pytest.raises(ValidationError, match="items"):
        changed(Template.REMINDER, items=())


def test_an_unknown_time_zone_is_named() -> None:
    """A time zone that does not exist is refused with its name."""
    with pytest.raises(ValidationError, match="'Mars/Olympus'"):
        changed(timezone="Mars/Olympus")


def test_totals_are_kept_by_currency() -> None:
    """What all items come to is summed for each currency by itself."""
    item = sample_facts(Template.REMINDER).items[0]
    euro = item.model_copy(update={"due": Money(amount=100, currency="eur")})
    facts = changed(items=(item, euro, item))
    assert facts.totals == (Money(amount=9800, currency="usd"), Money(amount=100, currency="eur"))
