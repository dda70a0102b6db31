"""Checks of a system that runs: who works, what stands still, what does not arrive. Nothing is changed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import httpx2
from temporalio.client import Client, WorkflowExecution
from temporalio.service import RPCError, RPCStatusCode

from recoup.clock import SystemClock, clock_for
from recoup.doctor._findings import Finding, mend, note, ok
from recoup.errors import ConnectionFailed
from recoup.integrations.status import status_of
from recoup.ledger import Ledger
from recoup.observing.standing import LATE, UNSETTLED
from recoup.rules.case import Stage
from recoup.settings import Settings
from recoup.temporal.attributes import STAGE
from recoup.temporal.connection import connect
from recoup.temporal.digesting import DIGEST, EVERY_HOURS
from recoup.temporal.expiring import EXPIRING
from recoup.temporal.gateway import RECOVERY_WORKFLOW
from recoup.temporal.scheduling import Regular
from recoup.temporal.standing import Standings
from recoup.temporal.sweeping import SWEEP
from recoup.temporal.training import TRAINING

PATIENCE = 10.0
SKEW = timedelta(seconds=60)
"""Stripe's signatures are good for five minutes; waits of cases and of those who act for them differ by as much."""
SILENCE = timedelta(days=1)
"""Stripe tells of every renewal: an account in use is not silent for so long."""
_NAMED = 3


def starter(settings: Settings) -> list[Finding]:
    """The starter answers where customers and Stripe find it, and has all it needs."""
    address = f"{settings.public_url.rstrip('/')}/readyz"
    try:
        answer = httpx2.get(address, timeout=PATIENCE, follow_redirects=False)
    except httpx2.HTTPError as error:
        return [
            mend("starter", f"{address} does not answer ({type(error).__name__}): start `recoup starter`")
        ]
    if answer.status_code == httpx2.codes.OK:
        return [ok("starter", f"{address} answers, and has all it needs")]
    return [mend("starter", f"{address} answers {answer.status_code}: {answer.text[:200]}")]


def clocks(settings: Settings) -> list[Finding]:
    """This machine's clock and Stripe's show the same time."""
    if settings.clock_file is not None:
        return []
    before = SystemClock().now()
    try:
        told = httpx2.get(str(settings.stripe.api_base or "https://api.stripe.com"), timeout=PATIENCE)
    except httpx2.HTTPError as error:
        return [note("clock", f"Stripe does not say what time it is ({type(error).__name__})")]
    if (date := told.headers.get("date")) is None:
        return []
    apart = abs(parsedate_to_datetime(date).astimezone(UTC) - before)
    if apart > SKEW:
        says = f"this machine's clock and Stripe's are {apart.total_seconds():.0f} s apart: set it by NTP"
        return [mend("clock", says)]
    return [ok("clock", "this machine's clock shows Stripe's time")]


async def work(settings: Settings) -> list[Finding]:
    """Somebody works, what is done regularly is kept, and no workflow is stuck or has failed."""
    client = await connect(settings.temporal)
    try:
        return [
            await _workers(client),
            *[await _schedule(client, regular, hours) for regular, hours in _wanted(settings)],
            *await _ended_badly(client),
            *await _waiting_for_people(client),
        ]
    except RPCError as error:
        raise ConnectionFailed(f"Temporal did not answer: {error.message[:200]}") from error


def _wanted(settings: Settings) -> list[tuple[Regular, float]]:
    wanted = [
        (SWEEP, settings.sweep.every_hours),
        (EXPIRING, settings.cards.every_hours),
        (TRAINING, settings.timing.train_every_hours),
        (DIGEST, EVERY_HOURS if settings.figures.digest_to else 0),
    ]
    return [(regular, hours) for regular, hours in wanted if hours]


async def _workers(client: Client) -> Finding:
    async def known() -> Client:
        return client

    count = await Standings(known).workers()
    if not count:
        return mend("workers", "nobody asks for work: cases stand still until `recoup worker` runs")
    return ok("workers", f"{count} at work")


async def _schedule(client: Client, regular: Regular, hours: float) -> Finding:
    try:
        told = await client.get_schedule_handle(regular.schedule).describe()
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        return mend(regular.schedule, f"there is no schedule for {regular.name}: run `recoup bootstrap`")
    if told.schedule.state.paused:
        says = f"the schedule of {regular.name} is paused ({told.schedule.state.note or 'no note'})"
        return mend(regular.schedule, says)
    newest = max((each.started_at for each in told.info.recent_actions), default=None)
    when = f"ran last at {newest:%Y-%m-%d %H:%M} UTC" if newest else "has not run yet"
    if newest and SystemClock().now() - newest > 2 * timedelta(hours=hours):
        return note(regular.schedule, f"{regular.name} {when}, although it is due every {hours:g} hours")
    return ok(regular.schedule, f"{regular.name} {when}")


async def _ended_badly(client: Client) -> list[Finding]:
    """Workflows of cases that failed or were ended by somebody; a restart takes each up again where it was."""
    states = 'ExecutionStatus IN ("Failed", "Terminated", "TimedOut")'
    found = await _first(client, f'WorkflowType = "{RECOVERY_WORKFLOW}" AND {states}')
    if not found:
        return [ok("workflows", "no case has failed in Temporal")]
    count = (await client.count_workflows(f'WorkflowType = "{RECOVERY_WORKFLOW}" AND {states}')).count
    return [
        note(
            "workflows",
            f"{count} failed or were ended from outside, {_names(found)}: the next sweep begins anew what is still owed",
        )
    ]


async def _waiting_for_people(client: Client) -> list[Finding]:
    query = f'WorkflowType = "{RECOVERY_WORKFLOW}" AND ExecutionStatus = "Running" AND {STAGE.name} = "{Stage.PERSON.value}"'
    count = (await client.count_workflows(query)).count
    if not count:
        return [ok("people", "no case waits for a person")]
    return [note("people", f"{count} case(s) wait for a person: `recoup cases --stage person` lists them")]


async def _first(client: Client, query: str) -> list[WorkflowExecution]:
    return [each async for each in client.list_workflows(query, limit=_NAMED)]


def _names(found: list[WorkflowExecution]) -> str:
    return ", ".join(each.id for each in found)


def standing(settings: Settings) -> list[Finding]:
    """Stripe's webhooks arrive, no case is late, every attempt has its result, every destination hears."""
    ledger = Ledger.connect(settings.database_url)
    try:
        now = clock_for(settings.clock_file).now()
        known = ledger.standing.read(late_before=now - LATE, unsettled_before=now - UNSETTLED)
        return [
            _heard(known.webhook_at, now),
            _late(known.late),
            _unsettled(known.unsettled),
            *_told(settings, ledger),
        ]
    finally:
        ledger.close()


def _heard(last: datetime | None, now: datetime) -> Finding:
    if last is None:
        return note(
            "webhooks heard",
            "Stripe has never delivered one here: until it does, only the sweep finds failures",
        )
    if now - last > SILENCE:
        return mend(
            "webhooks heard",
            f"the last one came at {last:%Y-%m-%d %H:%M} UTC: look at the endpoint in Stripe",
        )
    return ok("webhooks heard", f"the last one came at {last:%Y-%m-%d %H:%M} UTC")


def _late(count: int) -> Finding:
    if count:
        says = f"{count} case(s) should have gone on {LATE.total_seconds() / 60:.0f} minutes ago: look at the workers, and at the cases in the Temporal UI"
        return mend("cases", says)
    return ok("cases", "every open case goes on in time")


def _unsettled(count: int) -> Finding:
    if count:
        says = f"{count} attempt(s) have had no result for an hour: `recoup sweep` asks Stripe what became of them"
        return mend("attempts", says)
    return ok("attempts", "every attempt has its result")


def _told(settings: Settings, ledger: Ledger) -> list[Finding]:
    found = []
    for each in settings.integrations.destinations:
        status, what = status_of(ledger, each.name, each.kind), f"destination {each.name}"
        if status.parked:
            says = f"{status.parked} event(s) were refused for good: `recoup integrations status` says why"
            found.append(mend(what, says))
        elif status.waiting:
            found.append(note(what, f"{status.waiting} event(s) wait until it answers again"))
        else:
            found.append(ok(what, "has heard everything so far"))
    return found
