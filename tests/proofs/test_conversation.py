"""One conversation with each customer: counted, by the customer's own clock, and with nothing lost."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recoup.billing.places import days_off
from recoup.ledger import Ledger
from recoup.rules.base import days
from recoup.rules.case import Case, MessageState, Outcome
from recoup.rules.contact import Budget, ContactPolicy, QuietHours
from recoup.rules.policy import Campaign, LastNotice, MessageStep, Retries
from recoup.virtual.place import MEMORY
from tests.proofs.talking import Mail, Person, Talk

NIGHT = datetime(2026, 11, 24, 1, 0, tzinfo=UTC)
EXEMPT = ("last_notice", "suspended", "recovered")
_number = count()


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    """A ledger in memory where there is a place for it: this is not about disks."""
    base = MEMORY if MEMORY.is_dir() else tmp_path_factory.getbasetemp()
    place = Path(tempfile.mkdtemp(prefix="recoup-talk-", dir=base))
    ledger = Ledger.connect(f"sqlite:///{place / 'ledger.db'}")
    ledger.migrate()
    yield ledger
    ledger.close()
    shutil.rmtree(place, ignore_errors=True)


@pytest.mark.parametrize("customers", [40, pytest.param(10_000, marks=pytest.mark.slow)])
def test_five_failures_in_a_night_are_one_conversation(ledger: Ledger, customers: int) -> None:
    """One first message, one link, one thank-you, five charges: for each of so many customers with five renewals in one night."""
    currencies = ("usd", "eur", "pln", "usd", "eur")
    campaign, round_ = Campaign(), next(_number)
    people = [
        Person(
            id=f"cus_{round_}_{number}",
            failures=[(NIGHT + timedelta(minutes=2 * place), each) for place, each in enumerate(currencies)],
            timezone="Europe/Warsaw",
            card_at=NIGHT + timedelta(hours=9),
        )
        for number in range(customers)
    ]
    charges = Counter[str]()
    for person in people:
        talk = Talk(ledger, campaign, ContactPolicy(), NIGHT)
        talk.play([person])
        charges.update(talk.charges)
        assert [mail.template for mail in talk.post.sent] == ["payment_failed", "recovered"], person.id
        cases = talk.cases_of(person.id)
        assert {case.outcome for case in cases} == {Outcome.RECOVERED_BY_CARD_UPDATE}
        first = talk.post.sent[0]
        assert first.at.astimezone(ZoneInfo("Europe/Warsaw")).strftime("%H:%M") == "08:00"
        assert all(f"i/{case.invoice}" in first.text for case in cases)
    assert len(charges) == 5 * customers
    assert set(charges.values()) == {1}


# Everything at random.

ZONES = ("Europe/Warsaw", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Kathmandu", "UTC")
COUNTRIES = ("PL", "US", "AU", "SA", None)
STARTS = (
    datetime(2026, 3, 28, 20, 0, tzinfo=UTC), datetime(2026, 10, 24, 20, 0, tzinfo=UTC),
    datetime(2026, 12, 23, 20, 0, tzinfo=UTC), datetime(2027, 3, 13, 12, 0, tzinfo=UTC),
)  # fmt: skip
"""Before changes of clocks, and before Christmas."""


@st.composite
def contacts(draw: st.DrawFn) -> ContactPolicy:
    quiet = draw(
        st.sampled_from(
            (None, ("21:00", "08:00"), ("00:00", "22:30"), ("11:00", "15:00"), ("02:30", "01:00"))
        )
    )
    budget = draw(st.sampled_from((None, (1, 1), (1, 7), (2, 3), (4, 7))))
    return ContactPolicy(
        gather_minutes=draw(st.integers(0, 15)),
        quiet_hours=quiet and QuietHours(begin=quiet[0], end=quiet[1]),
        budget=budget and Budget(messages=budget[0], days=budget[1]),
        working_days_only=draw(st.booleans()),
    )


@st.composite
def campaigns(draw: st.DrawFn) -> Campaign:
    reminders = sorted(draw(st.lists(st.sampled_from((0.2, 1.0, 3.0, 5.0, 5.5)), max_size=3)))
    return Campaign(
        messages=(
            MessageStep(template="payment_failed", after_days=0),
            *(MessageStep(template="reminder", after_days=day) for day in reminders),
        ),
        retries=Retries(after_days=(1,)),
        window_days=6,
        grace_days=draw(st.sampled_from((0, 1))),
        warning=LastNotice(days_before=draw(st.sampled_from((0, 0.5, 2)))),
    )


@st.composite
def persons(draw: st.DrawFn, start: datetime) -> Person:
    after = draw(st.lists(st.integers(0, 3 * 24 * 60) | st.integers(0, 20), min_size=1, max_size=4))
    return Person(
        id=f"cus_{next(_number)}x",
        failures=[(start + timedelta(minutes=minutes), "eur") for minutes in after],
        timezone=draw(st.sampled_from(ZONES)),
        country=draw(st.sampled_from(COUNTRIES)),
        card_at=draw(st.none() | st.integers(0, 8 * 24).map(lambda hour: start + timedelta(hours=hour))),
    )


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_nobody_is_told_at_a_wrong_time_too_often_or_not_at_all(ledger: Ledger, data: st.DataObject) -> None:
    """Over zones, holidays, quiet hours, windows and budgets: no message at a forbidden local time, none over budget, each due one
    sent, said by another, or explained.
    """
    start, contact = data.draw(st.sampled_from(STARTS)), data.draw(contacts())
    person = data.draw(persons(start))
    talk = Talk(ledger, data.draw(campaigns()), contact, start)
    talk.play([person])
    for mail in talk.post.sent:
        _assert_a_good_time(mail, person, contact)
    _assert_within_budget(talk.post.sent, contact.budget)
    said = Counter[str]()
    for case in talk.cases_of(person.id):
        assert case.closed_at is not None
        _assert_told(case)
        said.update(f"{case.id}/{sent.key}" for sent in case.messages)
    assert set(said.values()) <= {1}
    assert {mail.key for mail in talk.post.sent} <= set(said)
    assert all(because for *_, because in talk.put_off)


def _assert_a_good_time(mail: Mail, person: Person, contact: ContactPolicy) -> None:
    local = mail.at.astimezone(ZoneInfo(person.timezone or "UTC"))
    if contact.quiet_hours is not None:
        begin, end, now = contact.quiet_hours.begin, contact.quiet_hours.end, f"{local:%H:%M}"
        assert not (begin <= now < end if begin < end else now >= begin or now < end), (mail.key, local)
    if contact.working_days_only and mail.template not in EXEMPT:
        assert not days_off(person.country, None, local.date(), local.date()), (mail.key, local)


def _assert_within_budget(sent: list[Mail], budget: Budget | None) -> None:
    for mail in sent:
        if budget is not None and mail.template not in EXEMPT:
            window = [one for one in sent if mail.at - days(budget.days) < one.at <= mail.at]
            assert len(window) <= budget.messages, (mail.key, window)


def _assert_told(case: Case) -> None:
    """Told of the failure before anything else, of the suspension in time, and of the end."""
    told = {sent.key: sent for sent in case.messages}
    assert all(sent.state is MessageState.SENT for sent in case.messages)
    assert case.outcome is not None
    if case.outcome is Outcome.LOST_SUSPENDED:
        notice = told["last_notice"]
        assert case.closed_at is not None
        assert case.closed_at - notice.at >= days(case.campaign.warning.days_before)
        assert "suspended" in told
    elif told:
        assert "recovered" in told
    if case.outcome is Outcome.LOST_SUSPENDED and "payment_failed" not in told:
        # Held back until the last notice, which says all of it.
        assert min(sent.at for sent in case.messages) == told["last_notice"].at
