"""Mass updates: who is asked, who is not, once each, at the rate that was given; paused, resumed, stopped and repeated."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from temporalio.testing import ActivityEnvironment

from activities.assembly import build_activities
from activities.card_contracts import RefreshProgress, RefreshResult, RefreshTally, StartRefresh, WorkOrder
from activities.contracts import OperatorRequest
from recoup.ledger import NewCase, Selection, TargetState
from recoup.temporal.refreshing import NotRunning, Refused, begin, say, state_of
from tests.cards.stage import Stage, working
from tests.fixtures.sandbox import KEY, ROOT
from tests.ledger.builders import a_case

pytestmark = pytest.mark.asyncio(loop_scope="session")
LISTED = Selection(listed=True)
FAST = 1_000_000


def customers(stage: Stage, count: int, **about: Any) -> list[tuple[str, str]]:
    """Customers with a card and a subscription each."""
    made = []
    for _ in range(count):
        customer = stage.customer(**about)
        card = stage.card(customer, (2031, 5))
        stage.subscribe(customer, stage.clock.now() + timedelta(days=10))
        made.append((customer, card))
    return made


async def refreshed(stage: Stage, name: str, references: list[str], per_hour: int = FAST) -> RefreshResult:
    """Run a mass update over these to its end."""
    stage.ledger.refreshes.begin(name, LISTED, per_hour, stage.clock.now())
    stage.ledger.refreshes.add(name, references)
    handle = await begin(stage.client, StartRefresh(name=name))
    return await handle.result()


def asked(stage: Stage) -> Counter[str]:
    """How often each customer was written to, by the keys of the mails."""
    return Counter(mail.key.rpartition("/")[2] for mail in stage.mails())


async def test_each_customer_is_asked_once_and_only_if_it_makes_sense(stage: Stage) -> None:
    """By card or by id, twice in the list, renewed, replaced, cancelled, in a case, unknown: each has its one result and reason."""
    people = await stage.in_thread(customers, stage, 7)
    plain, by_id, renewed, replaced, cancelled, debtor, deaf = people
    await stage.mirrored()
    references = [
        plain[1],
        by_id[0],
        by_id[1],
        *(person[1] for person in people[2:]),
        "pm_unknown",
        "cus_unknown",
    ]
    stage.ledger.refreshes.begin("autumn", LISTED, FAST, stage.clock.now())
    assert stage.ledger.refreshes.add("autumn", references) == len(references)

    def change() -> None:
        stage.sandbox.control("updater", {"payment_method": renewed[1], "exp_month": 1, "exp_year": 2040})
        stage.card(replaced[0], (2040, 1), kind="other")
        for subscription in stage.api.subscriptions.list({"customer": cancelled[0]}).data:
            stage.api.subscriptions.cancel(subscription.id)
        stage.api.customers.update(deaf[0], {"email": ""})

    await stage.in_thread(change)
    values = a_case("in_1").model_dump() | {"customer": debtor[0], "subscription": None}
    stage.ledger.cases.open(NewCase(**values), stage.clock.now())
    result = await (await begin(stage.client, StartRefresh(name="autumn"))).result()
    assert result.tally == RefreshTally(told=3, renewed=2, left=2, failed=3)
    assert asked(stage) == Counter({plain[0]: 1, by_id[0]: 1})
    refused, *unknown = stage.ledger.refreshes.refused("autumn", 10)
    assert (refused.customer, refused.because) == (deaf[0], "the customer has no e-mail address")
    assert [row.reference for row in unknown] == ["pm_unknown", "cus_unknown"]
    assert {mail.template for mail in stage.mails()} == {"card_refresh"}
    row = stage.ledger.refreshes.get("autumn")
    assert row is not None
    assert row.finished_at is not None


async def test_repeating_it_repeats_nobody(stage: Stage) -> None:
    """The same list once more, with two new lines: only the two are asked; under another name it is another update."""
    people = await stage.in_thread(customers, stage, 4)
    cards = [card for _, card in people]
    assert (await refreshed(stage, "autumn", cards[:2])).tally.told == 2
    assert (await refreshed(stage, "autumn", cards[:2])).tally.told == 2
    assert (await refreshed(stage, "autumn", [person[0] for person in people[:2]])).tally.told == 4
    assert (await refreshed(stage, "autumn", cards)).tally.told == 6
    assert asked(stage) == Counter({customer: 1 for customer, _ in people})
    await refreshed(stage, "winter", cards[:1])
    assert asked(stage)[people[0][0]] == 2


async def test_pause_resume_and_stop(stage: Stage) -> None:
    """Paused it writes to nobody, and says so; resumed it goes on; stopped it ends, and begun again it finishes."""
    people = await stage.in_thread(customers, stage, 5)
    stage.ledger.refreshes.begin(
        "slow", LISTED, 600, stage.clock.now()
    )  # ten at once, then one in six seconds
    stage.ledger.refreshes.add("slow", [card for _, card in people])
    bucket = ("refresh/slow", 9, 600 / 3600, 10.0)
    stage.ledger.rates.take(*bucket, stage.clock.now())
    handle = await begin(stage.client, StartRefresh(name="slow"))
    await _until(stage, lambda progress: progress.tally.told >= 1)
    said = OperatorRequest(at=stage.clock.now(), reason="the bank calls", operator="ops")
    paused = await say(stage.client, "slow", "pause", said)
    assert paused.state == "paused"
    told = sum(asked(stage).values())
    await asyncio.sleep(8)
    assert sum(asked(stage).values()) == told < 5
    progress = await state_of(stage.client, "slow")
    assert progress is not None
    assert (progress.state, progress.because) == ("paused", "ops: the bank calls")
    details = await handle.describe()
    assert details.status is not None
    assert (await say(stage.client, "slow", "resume", said)).state == "working"
    with pytest.raises(Refused, match="not paused"):
        await say(stage.client, "slow", "resume", said)
    await _until(stage, lambda progress: progress.tally.told > told)
    assert (await say(stage.client, "slow", "stop", said)).state == "stopped"
    result = await handle.result()
    assert result.stopped
    assert result.tally.waiting > 0
    with pytest.raises(NotRunning, match="does not run"):
        await say(stage.client, "slow", "pause", said)
    stage.ledger.refreshes.begin("slow", LISTED, FAST, stage.clock.now())
    again = await (await begin(stage.client, StartRefresh(name="slow"))).result()
    assert again.tally == RefreshTally(told=5)
    assert asked(stage) == Counter({customer: 1 for customer, _ in people})


async def _until(stage: Stage, reached: Any) -> RefreshProgress:
    for _ in range(300):
        progress = await state_of(stage.client, "slow")
        if progress is not None and reached(progress):
            return progress
        await asyncio.sleep(0.1)
    raise AssertionError("it never came so far")


async def test_the_rate_holds_whoever_works(idle: Stage) -> None:
    """Sixty an hour is one message a minute, over any number of pages; who is not written to uses up nothing."""
    people = await idle.in_thread(customers, idle, 4)
    renewed = people[0]
    await idle.in_thread(idle.card, renewed[0], (2040, 1))
    idle.ledger.refreshes.begin("calm", LISTED, 60, idle.clock.now())
    idle.ledger.refreshes.add("calm", [card for _, card in people])
    activities = build_activities(idle.settings, idle.ledger, idle.client)
    work = next(each for each in activities if each.__name__ == "work")

    def page() -> Any:
        return ActivityEnvironment().run(work, WorkOrder(name="calm"))

    first = await idle.in_thread(page)
    assert (first.tally.renewed, first.tally.told, first.wait_seconds) == (1, 1, 60)
    assert (await idle.in_thread(page)).tally.told == 1
    told = []
    for _ in range(2):
        await idle.in_thread(idle.sandbox.pass_time, seconds=61)
        told.append((await idle.in_thread(page)).tally.told)
    assert told == [2, 3]


async def test_at_night_targets_wait_for_the_morning(idle: Stage) -> None:
    """In the quiet hours each stays pending with the moment of its next try, and is asked once when that has come."""
    people = await idle.in_thread(customers, idle, 2)
    idle.ledger.refreshes.begin("calm", LISTED, FAST, idle.clock.now())
    idle.ledger.refreshes.add("calm", [card for _, card in people])
    activities = build_activities(idle.settings, idle.ledger, idle.client)
    work = next(each for each in activities if each.__name__ == "work")

    def page() -> Any:
        return ActivityEnvironment().run(work, WorkOrder(name="calm"))

    await idle.in_thread(idle.sandbox.pass_time, hours=13)
    assert (await idle.in_thread(page)).tally == RefreshTally(waiting=2)
    again = await idle.in_thread(page)
    assert again.tally == RefreshTally(waiting=2)
    assert 9 * 3600 < again.wait_seconds < 11 * 3600
    assert idle.mails() == []
    await idle.in_thread(idle.sandbox.pass_time, hours=11)
    assert (await idle.in_thread(page)).tally == RefreshTally(told=2)
    assert asked(idle) == Counter({customer: 1 for customer, _ in people})


async def test_cards_are_chosen_from_the_mirror(stage: Stage) -> None:
    """By their last month: the mirror is read first, those cards alone are taken in, and the message speaks of the expiry."""
    people = await stage.in_thread(customers, stage, 3)
    await stage.in_thread(stage.expire, people[1][1], (2027, 3))
    choice = Selection(expires="2027-03")
    stage.ledger.refreshes.begin("expires-2027-03", choice, FAST, stage.clock.now())
    result = await (await begin(stage.client, StartRefresh(name="expires-2027-03", mirrored=True))).result()
    assert result.tally == RefreshTally(told=1)
    (mail,) = stage.mails()
    assert (mail.key, mail.template) == (f"refresh/expires-2027-03/{people[1][0]}", "card_expiring")


@pytest.mark.parametrize(
    "wrong", [{}, {"listed": True, "expires": "2027-03"}, {"expires": "2027-13"}, {"expires": "03/27"}]
)
async def test_a_choice_that_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    """Nobody, a list and a choice at once, or a month that is none."""
    with pytest.raises(ValidationError):
        Selection(**wrong)


def command(stage: Stage, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run ``recoup refresh`` as an operator does."""
    settings = {
        "RECOUP_STRIPE__API_KEY": KEY,
        "RECOUP_TEMPORAL__ADDRESS": stage.settings.temporal.address,
        "RECOUP_TEMPORAL__NAMESPACE": stage.settings.temporal.namespace,
        "RECOUP_DATABASE_URL": stage.settings.database_url,
        "RECOUP_CLOCK_FILE": str(stage.settings.clock_file),
    }
    line = [sys.executable, "-m", "recoup", "refresh", *arguments]
    return subprocess.run(
        line, check=False, cwd=ROOT, env=settings, capture_output=True, text=True, timeout=120
    )


async def test_the_command(stage: Stage, tmp_path: Path) -> None:
    """A list with a heading is begun, shown live to its end, repeated under the same name by itself, and its state is told."""
    people = await stage.in_thread(customers, stage, 3)
    file = tmp_path / "cards.csv"
    file.write_text("payment_method,note\n" + "".join(f"{card},x\n\n" for _, card in people))
    done = await stage.in_thread(command, stage, "--cards", str(file), "--wait", "--per-hour", "100000")
    assert done.returncode == 0, done.stderr
    assert "3 targets are new, 3 in all." in done.stdout
    assert (
        "finished; 3 of 3 done: 3 written to, 0 renewed by themselves, 0 left alone, 0 refused."
        in done.stdout
    )
    name = done.stdout.split("Mass update ")[1].split(":")[0]
    again = await stage.in_thread(command, stage, "--cards", str(file), "--wait")
    assert "0 targets are new, 3 in all." in again.stdout
    assert asked(stage) == Counter({customer: 1 for customer, _ in people})
    told = await stage.in_thread(command, stage, "status", name, "--json")
    assert '"told": 3' in told.stdout
    assert name in (await stage.in_thread(command, stage, "status")).stdout


async def test_what_the_command_refuses(stage: Stage, tmp_path: Path) -> None:
    """A bad line, an empty list, both ways at once, another choice under a known name, an unknown bank: one sentence each, and nothing is begun."""
    bad, empty = tmp_path / "bad.csv", tmp_path / "empty.csv"
    bad.write_text("cus_1\nsomebody@example.com\n")
    empty.write_text("payment_method\n")
    await stage.in_thread(customers, stage, 1)
    await stage.mirrored()
    stage.ledger.refreshes.begin("known", Selection(expires="2027-03"), 1, stage.clock.now())
    for arguments, sentence in (
        (["--cards", str(bad)], "line 2: the first field is no id"),
        (["--cards", str(empty)], "holds no id"),
        (["--cards", str(bad), "--expires", "2027-03"], "either --cards FILE, or at least one"),
        (["--expires", "03/27"], "no month: write 2027-03"),
        (["--expires", "2027-04", "--name", "known"], "was begun with expires 2027-03"),
        (["--expires", "2027-04", "--name", "Not A Name"], "cannot be used"),
        (["--issuer", "Some Bank"], "does not tell this account the issuer"),
        (["status", "nobody"], "There is no mass update nobody"),
    ):
        refused = await stage.in_thread(command, stage, *arguments)
        assert refused.returncode == 2, (arguments, refused.stdout, refused.stderr)
        assert sentence in refused.stderr
        assert "somebody@" not in refused.stderr
    assert [row.name for row in stage.ledger.refreshes.all()] == ["known"]


async def test_what_can_never_succeed_for_one_holds_up_no_other(stage: Stage) -> None:
    """A customer whom Stripe refuses to show is told as refused, with the reason, and the others are asked."""
    people = await stage.in_thread(customers, stage, 3)
    stage.sandbox.fault(
        fault="error_before", status=400, method="GET", path=f"/v1/customers/{people[1][0]}", count=50
    )
    result = await refreshed(stage, "autumn", [card for _, card in people])
    assert result.tally == RefreshTally(told=2, failed=1)
    (refused,) = stage.ledger.refreshes.refused("autumn", 10)
    assert (refused.reference, refused.state) == (people[1][1], TargetState.FAILED)
    assert "Stripe could not read the customer" in str(refused.because)


async def test_ids_that_stripe_does_not_know_are_refused_and_named(stage: Stage) -> None:
    """A list of another account or of the other mode is no list of customers who need nothing; whoever is known is asked."""
    people = await stage.in_thread(customers, stage, 1)
    result = await refreshed(stage, "autumn", ["cus_elsewhere", "pm_elsewhere", people[0][1]])
    assert result.tally == RefreshTally(told=1, failed=2)
    refused = stage.ledger.refreshes.refused("autumn", 10)
    assert [row.reference for row in refused] == ["cus_elsewhere", "pm_elsewhere"]
    assert all(str(row.because).startswith(f"Stripe knows no {row.reference}") for row in refused)


async def test_new_targets_of_one_that_is_ending_are_not_forgotten(idle: Stage) -> None:
    """Targets that are added and told of while it runs are worked through by the same run, or the next: none is left waiting."""
    people = await idle.in_thread(customers, idle, 6)
    async with working(idle):
        for number, (_, card) in enumerate(people):
            idle.ledger.refreshes.begin("autumn", LISTED, FAST, idle.clock.now())
            idle.ledger.refreshes.add("autumn", [card])
            await begin(idle.client, StartRefresh(name="autumn"))
            await asyncio.sleep(0.15 * number)
        await (await begin(idle.client, StartRefresh(name="autumn"))).result()
    assert idle.ledger.refreshes.tally("autumn")[TargetState.WAITING] == 0
    assert asked(idle) == Counter({customer: 1 for customer, _ in people})
