"""Reminders before a card expires: to whom, when, how often, and what stops them."""

from __future__ import annotations

import asyncio
import dataclasses
from collections import Counter
from datetime import datetime, timedelta

import pytest

from activities.card_contracts import ExpiringResult, ReminderTally, StartExpiring
from activities.contracts import TASK_QUEUE
from recoup.ledger import NewCase, NewMessage
from recoup.rules.case import MessageState, Outcome, Template
from recoup.rules.expiring import good_until
from recoup.temporal.expiring import EXPIRING, keep_card_schedule, remind_now
from tests.cards.stage import Stage, working
from tests.ledger.builders import a_case

pytestmark = pytest.mark.asyncio(loop_scope="session")
NOON = timedelta(hours=12)
"""Of the day that a month begins with: an hour at which people may be written to."""


def next_month(stage: Stage) -> datetime:
    """The first moment after the month that comes next: whatever today is, a month away and more."""
    now = stage.clock.now()
    gone = good_until(now.year, now.month)
    return good_until(gone.year, gone.month)


def expiring_customer(
    stage: Stage, renews_at: datetime, gone_at: datetime, **about: object
) -> tuple[str, str]:
    """A customer whose card expires at one moment and who pays at another; with the card."""
    customer = stage.customer(**about)
    last = gone_at - timedelta(days=1)
    card = stage.card(customer, (last.year, last.month))
    stage.subscribe(customer, renews_at)
    return customer, card


async def move_to(stage: Stage, moment: datetime) -> None:
    """Let time pass until this moment."""
    await stage.in_thread(stage.sandbox.pass_time, seconds=(moment - stage.clock.now()).total_seconds())


async def test_each_step_is_one_message_with_the_same_link(stage: Stage) -> None:
    """30, 14 and 3 days before the payment, counted from it; however often it runs in between; then no more."""
    gone_at = next_month(stage)
    renews_at = gone_at + timedelta(days=10) + NOON
    customer, card = await stage.in_thread(
        expiring_customer, stage, renews_at, gone_at, preferred_locales=["pl"]
    )
    told = []
    for days in (31, 30, 20, 14, 13, 3, 2, 1):
        await move_to(stage, renews_at - timedelta(days=days) + timedelta(minutes=1))
        first = await remind_now(stage.client, "test")
        again = await remind_now(stage.client, "test")
        assert again.tally.told == 0
        told.append(first.tally.told)
    assert told == [0, 1, 0, 1, 0, 1, 0, 0]
    mails = stage.mails()
    month = f"{(gone_at - timedelta(days=1)):%Y-%m}"
    assert sorted(mail.key for mail in mails) == [f"expiring/{card}/{month}/{step}" for step in (14, 3, 30)]
    assert {mail.template for mail in mails} == {"card_expiring"}
    assert {mail.locale for mail in mails} == {"pl"}
    assert len({link for mail in mails for link in mail.links if "/u/" in link}) == 1
    rows = [stage.ledger.messages.get(mail.key) for mail in mails]
    assert [(row.customer, row.case_id) for row in rows if row] == [(customer, None)] * 3


async def test_days_without_a_run_are_not_made_up_for(stage: Stage) -> None:
    """Switched on nine days before the payment, one reminder goes out: the second one, not the first two at once."""
    gone_at = next_month(stage)
    renews_at = gone_at + timedelta(days=10) + NOON
    await stage.in_thread(expiring_customer, stage, renews_at, gone_at)
    await move_to(stage, renews_at - timedelta(days=9))
    assert (await remind_now(stage.client, "test")).tally.told == 1
    assert [mail.key.rpartition("/")[2] for mail in stage.mails()] == ["14"]


async def test_what_stops_a_reminder(stage: Stage) -> None:
    """Renewed by the network, another default, cancelled, an open or suspended case: each unheard of, and still nobody is told."""
    gone_at = next_month(stage)
    renews_at = gone_at + timedelta(days=5) + NOON

    def prepare() -> list[tuple[str, str]]:
        return [expiring_customer(stage, renews_at, gone_at) for _ in range(6)]

    people = await stage.in_thread(prepare)
    renewed, replaced, cancelled, debtor, suspended, untouched = people
    await move_to(stage, renews_at - timedelta(days=10))
    await stage.mirrored()

    def change() -> None:
        stage.sandbox.control("updater", {"payment_method": renewed[1], "exp_month": 1, "exp_year": 2040})
        stage.card(replaced[0], (2040, 1), kind="other")
        for subscription in stage.api.subscriptions.list({"customer": cancelled[0]}).data:
            stage.api.subscriptions.cancel(subscription.id)

    await stage.in_thread(change)
    now = stage.clock.now()
    for number, person in enumerate((debtor, suspended)):
        case = NewCase(
            **(a_case(f"in_{number}").model_dump() | {"customer": person[0], "subscription": None})
        )
        stage.ledger.cases.open(case, now)
    stage.ledger.cases.close("in_1", Outcome.LOST_SUSPENDED, "the test says so", now)

    # The mirror was imported lately and no webhook came: what it finds is old, what is done is not.
    result = await remind_now(stage.client, "test")
    assert result.mirror.imported == 0
    assert result.tally == ReminderTally(looked=6, told=1, left=5)
    assert [mail.key.split("/")[1] for mail in stage.mails()] == [untouched[1]]
    # What was read on the way is known now.
    (card,) = stage.ledger.mirror.of_customer(renewed[0])
    assert card.card.exp_year == 2040


async def test_one_card_for_two_subscriptions_is_one_reminder(stage: Stage) -> None:
    """The payment that comes first counts, and the other one makes no second message."""
    gone_at = next_month(stage)
    customer, _ = await stage.in_thread(expiring_customer, stage, gone_at + timedelta(days=20), gone_at)
    await stage.in_thread(stage.subscribe, customer, gone_at + timedelta(days=4))
    await move_to(stage, gone_at + timedelta(days=4) - timedelta(days=13) + NOON)
    assert (await remind_now(stage.client, "test")).tally.told == 1
    (mail,) = stage.mails()
    assert mail.key.endswith("/14")


async def test_without_an_address_the_reminder_fails_once(stage: Stage) -> None:
    """It is told in the result, kept in the ledger, and not tried again every day."""
    gone_at = next_month(stage)
    await stage.in_thread(expiring_customer, stage, gone_at + timedelta(days=2), gone_at, email="")
    await move_to(stage, gone_at - timedelta(days=3) + NOON)
    assert (await remind_now(stage.client, "test")).tally.failed == 1
    assert (await remind_now(stage.client, "test")).tally == ReminderTally(looked=1)


async def test_at_night_a_reminder_stays_due(stage: Stage) -> None:
    """Nothing goes out and nothing is written down in the quiet hours; in the morning it is sent, once."""
    gone_at = next_month(stage)
    await stage.in_thread(expiring_customer, stage, gone_at + timedelta(days=2), gone_at)
    await move_to(stage, gone_at - timedelta(days=3))
    for _ in range(2):
        assert (await remind_now(stage.client, "test")).tally == ReminderTally(looked=1, waits=1)
    assert stage.mails() == []
    await move_to(stage, gone_at - timedelta(days=3) + timedelta(hours=8, minutes=1))
    assert (await remind_now(stage.client, "test")).tally == ReminderTally(looked=1, told=1)
    assert (await remind_now(stage.client, "test")).tally == ReminderTally(looked=1)
    assert len(stage.mails()) == 1


async def test_a_run_of_the_schedule_looks_again_in_the_morning(stage: Stage) -> None:
    """Whoever must not be written to when it begins is written to when the quiet hours end, by the same run."""
    gone_at = next_month(stage)
    await stage.in_thread(expiring_customer, stage, gone_at + timedelta(days=2), gone_at)
    morning = gone_at - timedelta(days=3) + timedelta(hours=8)
    await move_to(stage, morning - timedelta(seconds=20))
    result: ExpiringResult = await stage.client.execute_workflow(
        EXPIRING.workflow,
        StartExpiring(rests=True),
        id="expiring/rests",
        task_queue=TASK_QUEUE,
        result_type=ExpiringResult,
    )
    assert result.tally == ReminderTally(looked=1, told=1)
    assert result.began_at < morning <= result.ended_at
    assert len(stage.mails()) == 1


async def test_a_reminder_that_comes_too_late_is_explained(stage: Stage) -> None:
    """Where the customer's budget is used up until the payment, the ledger says why nothing was sent, and says it once."""
    gone_at = next_month(stage)
    customer, card = await stage.in_thread(
        expiring_customer, stage, gone_at + timedelta(days=2) + NOON, gone_at
    )
    await move_to(stage, gone_at - timedelta(days=3) + NOON)
    for number in range(4):
        told = NewMessage(
            key=f"told/{number}", customer=customer, template=Template.REMINDER, channel="email", locale="en"
        )
        now = stage.clock.now()
        stage.ledger.messages.reserve(told, now)
        stage.ledger.messages.begin_sending(told.key, now)
        stage.ledger.messages.mark_sent(told.key, None, now)
    assert (await remind_now(stage.client, "test")).tally == ReminderTally(looked=1, failed=1)
    assert (await remind_now(stage.client, "test")).tally == ReminderTally(looked=1)
    assert stage.mails() == []
    row = stage.ledger.messages.get(f"expiring/{card}/{gone_at - timedelta(days=1):%Y-%m}/14")
    assert row is not None
    assert row.state is MessageState.FAILED
    assert "could not be said before the payment: the budget of 4 messages in 7 days" in str(row.because)


async def test_two_runs_on_two_workers_tell_nobody_twice(stage: Stage) -> None:
    """The schedule's run and an operator's at the same moment share the work, and no key is sent twice."""
    gone_at = next_month(stage)
    await stage.in_thread(
        lambda: [expiring_customer(stage, gone_at + timedelta(days=2), gone_at) for _ in range(12)]
    )
    await move_to(stage, gone_at - timedelta(days=3) + NOON)

    async def run(name: str) -> ExpiringResult:
        result: ExpiringResult = await stage.client.execute_workflow(
            EXPIRING.workflow,
            StartExpiring(by=name),
            id=f"expiring/{name}",
            task_queue=TASK_QUEUE,
            result_type=ExpiringResult,
        )
        return result

    another = dataclasses.replace(stage, client=await stage.another_client())
    async with working(another):
        results = await asyncio.gather(run("one"), run("two"))
    assert all(result.tally.failed == 0 for result in results)
    sent = Counter(mail.key for mail in stage.mails())
    assert len(sent) == 12
    assert set(sent.values()) == {1}


async def test_the_schedule_runs_the_reminders(stage: Stage) -> None:
    """It is made once, corrected, and taken away with 0; what it starts reminds."""
    gone_at = next_month(stage)
    await stage.in_thread(expiring_customer, stage, gone_at + timedelta(days=2), gone_at)
    await move_to(stage, gone_at - timedelta(days=3) + NOON)
    assert await keep_card_schedule(stage.client, 24) == "the schedule recoup-cards, every 24 hours"
    assert await keep_card_schedule(stage.client, 24) is None
    assert await keep_card_schedule(stage.client, 12) == "the schedule recoup-cards, now every 12 hours"
    try:
        await stage.client.get_schedule_handle(EXPIRING.schedule).trigger()
        for _ in range(300):
            if stage.mails():
                break
            await asyncio.sleep(0.1)
    finally:
        assert await keep_card_schedule(stage.client, 0) == "no schedule recoup-cards any more"
    assert len(stage.mails()) == 1
