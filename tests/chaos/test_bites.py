"""Each safeguard is taken out in turn, and the harness says what that costs; with it in place the same runs are clean."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
import stripe

from activities import _collecting, _double_payments, _unwanted_payments
from activities._collecting import Collector
from recoup.chaos.batch import Batch
from recoup.chaos.faults import Fault, Story
from recoup.chaos.plan import Planned, RunPlan, Setting
from recoup.chaos.runs import Run
from recoup.ledger import Ledger, Verdict, _reserving
from recoup.ledger.attempts import Attempts
from recoup.ledger.messages import Messages as LedgerMessages
from recoup.rules import declines
from recoup.rules.case import MessageState
from recoup.rules.conversation import YES
from recoup.rules.policy import RetryMode
from recoup.web.webhooks.commands import Ignore
from recoup.web.webhooks.routing import ROUTES, Route
from tests.chaos.conftest import Play, a_run
from workflows import _orders

Patch = pytest.MonkeyPatch


def _fresh_keys(patch: Patch) -> None:
    """A key that is another one each time it is sent."""
    pay, numbers = stripe.InvoiceService.pay, itertools.count()

    def changed(self: Any, invoice: str, params: Any = None, options: Any = None) -> Any:
        key = f"{options['idempotency_key']}0{next(numbers)}"
        return pay(self, invoice, params, {"idempotency_key": key})

    patch.setattr(stripe.InvoiceService, "pay", changed)


def _no_fresh_read(patch: Patch) -> None:
    """What was read when the attempt was reserved is believed, however long ago that was."""
    patch.setattr(
        Collector,
        "_begin",
        lambda self, row: self._pay(self.ledger.attempts.mark_sent(row.id, self.clock.now())),
    )


def _unknown_is_declined(patch: Patch) -> None:
    """A lost answer counts as a refusal by the bank."""
    from recoup.rules.declines import Decline

    patch.setattr(
        Collector, "_unanswered", lambda self, row, _: self._declined(row, Decline(code="lost"), None)
    )


def _nothing_is_ended(patch: Patch) -> None:
    """What has ended is collected all the same."""
    patch.setattr(_collecting, "ended_for_us", lambda *_: None)


def _no_guard(patch: Patch) -> None:
    """The networks' limits are not asked."""
    patch.setattr(
        _collecting, "network_guard", lambda *_: lambda _: Verdict(allowed=True, because="no guard")
    )
    patch.setattr(_collecting, "refused_since", lambda *_: None)
    patch.setattr("recoup.rules._running._may_retry", lambda *_: True)


def _never_is_not_final(patch: Patch) -> None:
    """What the networks say beside a refusal is not heard."""
    patch.setattr(declines, "_networks", lambda *_: iter(()))
    patch.setattr(declines, "_advice", lambda _: iter(()))


def _amounts_are_not_looked_at(patch: Patch) -> None:
    """What was reserved is sent, whatever has changed since."""
    patch.setattr(Collector, "_outdated", lambda *_: None)


def _keys_are_kept_for_ever(patch: Patch) -> None:
    """A key is sent again however old it is."""
    patch.setattr(_collecting, "KEY_LIFETIME", timedelta(days=9))


def _another_number_each_time(patch: Patch) -> None:
    """Neither the ledger's look nor its schema keeps a second attempt back while one is under way."""
    migrate, reserve, numbers = Ledger.migrate, Attempts.reserve, itertools.count()

    def without_index(ledger: Ledger) -> None:
        migrate(ledger)
        drop = sa.text("DROP INDEX uq_attempts_unsettled_invoice")
        ledger.attempts._store.write(lambda tx: tx.conn.execute(drop))

    def once_more(self: Any, new: Any, *rest: Any, **more: Any) -> Any:
        return reserve(self, new.model_copy(update={"request": f"{next(numbers)}"}), *rest, **more)

    patch.setattr(Ledger, "migrate", without_index)
    patch.setattr(Attempts, "reserve", once_more)
    patch.setattr(_reserving, "_existing", lambda *_: None)
    patch.setattr(Collector, "_begun", lambda *_: None)


def _sent_is_forgotten(patch: Patch) -> None:
    """A message that was sent is as if it never had been."""
    patch.setattr(LedgerMessages, "get", lambda *_: None)
    reserve = LedgerMessages.reserve

    def changed(self: Any, new: Any, at: Any) -> Any:
        return reserve(self, new, at).model_copy(update={"state": MessageState.RESERVED})

    patch.setattr(LedgerMessages, "reserve", changed)
    patch.setattr(LedgerMessages, "ask", lambda *_: YES)
    patch.setattr(LedgerMessages, "begin_sending", lambda *_: YES)


def _disputes_are_not_heard(patch: Patch) -> None:
    """A dispute is acknowledged, and nobody is told; nor is it found on the charges."""
    patch.setitem(ROUTES, "charge.dispute.created", Route(lambda _: [Ignore("not heard")], "nothing"))
    patch.setattr("activities._guarding.hear_complaints", lambda *_: None)


def _no_message_marks(patch: Patch) -> None:
    """A message that may have gone out is sent again."""
    get = LedgerMessages.get

    def forgetful(self: Any, key: str) -> Any:
        row = get(self, key)
        return None if row is None or row.state is MessageState.SENDING else row

    patch.setattr(LedgerMessages, "get", forgetful)
    patch.setattr(LedgerMessages, "begin_sending", lambda *_: YES)


def _nobody_asks(patch: Patch) -> None:
    """Each case tells the customer by itself."""
    patch.setattr("activities._contact.may_tell", lambda *_: YES)


def _races_are_not_noticed(patch: Patch) -> None:
    """Nobody looks whether somebody else paid as well."""
    patch.setattr(_double_payments.DoublePayments, "look", lambda *_: None)


def _retries_end(patch: Patch) -> None:
    """An activity that failed a few times is given up."""
    from temporalio.common import RetryPolicy

    patch.setattr(_orders, "RETRY", RetryPolicy(maximum_attempts=2))


def _no_sweep(patch: Patch) -> None:
    """Nobody looks for what no webhook told."""
    from recoup.chaos.batch import Batch

    patch.setattr(Batch, "_sweep", lambda _: None)


def _webhooks_are_swallowed(patch: Patch) -> None:
    """A webhook is acknowledged although Temporal did not take it."""
    from recoup.errors import RecoupError
    from recoup.web.webhooks.dispatch import Dispatcher, Done

    dispatch = Dispatcher.dispatch

    async def swallow(self: Any, delivery: Any, commands: Any) -> Done:
        try:
            return await dispatch(self, delivery, commands)
        except RecoupError:
            return Done()

    patch.setattr(Dispatcher, "dispatch", swallow)
    _no_sweep(patch)


def _unwanted_is_kept(patch: Patch) -> None:
    """Nobody looks whether the customer still wanted what was charged."""
    patch.setattr(_unwanted_payments.UnwantedPayments, "look", lambda *_: None)


@dataclass(frozen=True)
class Out:
    """One safeguard taken out: how, in which runs that shows, and as what."""

    name: str
    take_out: Callable[[Patch], None]
    figure: str
    plans: tuple[RunPlan, ...] | Callable[[Mapping[int, int]], tuple[RunPlan, ...]]
    """Where a run is to die just after the reservation: made of the number of that write, by the seed."""
    invoice_lock: bool = True

    def plans_for(self, reservations: Mapping[int, int]) -> tuple[RunPlan, ...]:
        """The runs, given at which write each seed's case reserves its first attempt."""
        return self.plans(reservations) if callable(self.plans) else self.plans


SAFEGUARDS = (
    Out(
        "the key stays the same", _fresh_keys, "wrong_charges",
        (a_run(2, Story.SOON, Planned(Fault.PAY_ANSWER_LOST, 1, 3)),),
    ),
    Out(
        "an attempt without an answer is not a decline", _unknown_is_declined, "wrong_outcomes",
        (a_run(4, Story.SOON, Planned(Fault.PAY_TIMED_OUT, 1, 3)),),
    ),
    Out(
        "the invoice is read just before the charge", _no_fresh_read, "wrong_charges",
        lambda writes: (
            a_run(100, Story.SOON, Planned(Fault.CRASH_AFTER_RECORD, writes[100]), Planned(Fault.CANCELLED_BEFORE_READ, 2)),
        ),
    ),
    Out(
        "what has ended is not charged", _nothing_is_ended, "wrong_charges",
        (a_run(8, Story.NEVER, Fault.CANCELLED_BEFORE_READ), a_run(10, Story.NEVER, Fault.VOIDED_BEFORE_READ)),
    ),
    Out("the networks' limits are a gate", _no_guard, "network_breaches", (a_run(12, Story.CROWD),)),
    Out(
        "a message is marked before it is sent", _no_message_marks, "doubled_messages",
        (a_run(14, Story.SOON, Fault.CRASH_AFTER_MESSAGE),),
    ),
    Out(
        "each message asks what was said", _nobody_asks, "doubled_messages",
        (a_run(26, Story.CROWD),),
    ),
    Out(
        "a network's never is final", _never_is_not_final, "network_breaches",
        (a_run(26, Story.NEW_CARD, brand="mastercard"), a_run(28, Story.NEW_CARD), a_run(33, Story.NEW_CARD, brand="amex")),
    ),
    Out(
        "what was reserved is compared before it is sent", _amounts_are_not_looked_at, "wrong_charges",
        # The credit comes between the reservation, after which one of them dies, and the next try.
        lambda writes: (
            a_run(102, Story.SOON, Planned(Fault.CRASH_AFTER_RECORD, writes[102]), Planned(Fault.CREDITED_BEFORE_READ, 2)),
        ),
    ),
    Out(
        "a key is sent again only while Stripe knows it", _keys_are_kept_for_ever, "wrong_charges",
        (a_run(30, Story.NEVER, Fault.KEY_EXPIRED),),
    ),
    Out(
        "one attempt at a time", _another_number_each_time, "wrong_charges",
        (a_run(32, Story.NEVER, Fault.CRASH_AFTER_PAY),),
    ),
    Out(
        "a dispute is heard", _disputes_are_not_heard, "wrong_charges",
        (a_run(34, Story.NEVER, Fault.DISPUTED_BETWEEN),),
    ),
    Out(
        "a message that was sent is known", _sent_is_forgotten, "doubled_messages",
        (a_run(36, Story.SOON, Planned(Fault.RESULT_LOST, 2)),),
    ),
    Out(
        "a payment by two is noticed", _races_are_not_noticed, "unsettled_races",
        (a_run(16, Story.SOON, Fault.PAID_AT_ONCE),), invoice_lock=False,
    ),
    Out(
        "a payment after a cancellation is given back", _unwanted_is_kept, "unsettled_races",
        (a_run(24, Story.SOON, Fault.CANCELLED_BETWEEN),),
    ),
    Out(
        "what cannot be reached is tried again without an end", _retries_end, "stuck_cases",
        (a_run(18, Story.NEVER, Planned(Fault.READ_ERROR, 1, 30)),),
    ),
    Out(
        "a sweep finds what no webhook told", _no_sweep, "lost_cases",
        (a_run(20, Story.NEVER, Planned(Fault.WEBHOOK_LOST, 1, 500)),),
    ),
    Out(
        "a webhook is acknowledged when Temporal has it", _webhooks_are_swallowed, "lost_cases",
        (a_run(22, Story.NEVER, Planned(Fault.TEMPORAL_AWAY, 1, 30)),),
    ),
)  # fmt: skip


@pytest.fixture(scope="module")
def reservations(tmp_path_factory: pytest.TempPathFactory) -> Mapping[int, int]:
    """At which write for it a case reserves its first attempt, by the seed: counted in runs in which nothing goes wrong."""
    reserve, strikes = Attempts.reserve, Run.strikes
    writes, found, last = Counter[int](), dict[int, int](), [0]

    def count(run: Run, fault: Fault) -> bool:
        if fault is Fault.CRASH_AFTER_RECORD:
            last[0] = run.plan.seed
            writes[last[0]] += 1
        return strikes(run, fault)

    def note(self: Any, *rest: Any, **more: Any) -> Any:
        row = reserve(self, *rest, **more)
        found.setdefault(last[0], writes[last[0]])
        return row

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Run, "strikes", count)
        patch.setattr(Attempts, "reserve", note)
        place, setting = (
            tmp_path_factory.mktemp("counted") / "batch",
            Setting(RetryMode.OWN, invoice_lock=True),
        )
        with Batch(place, [a_run(seed, Story.SOON) for seed in (100, 102)], setting).played():
            return found


@pytest.mark.parametrize("out", SAFEGUARDS, ids=lambda out: out.name)
def test_a_safeguard_that_is_missing_is_noticed(
    out: Out, play_plans: Play, reservations: Mapping[int, int], monkeypatch: Patch
) -> None:
    """Without the safeguard the harness reports what it is for."""
    out.take_out(monkeypatch)
    figures = play_plans(*out.plans_for(reservations), invoice_lock=out.invoice_lock, all_strike=False)
    assert figures[out.figure], figures


@pytest.mark.parametrize("invoice_lock", [True, False], ids=["locked", "unlocked"])
def test_with_all_safeguards_the_same_runs_are_clean(
    play_plans: Play, reservations: Mapping[int, int], invoice_lock: bool
) -> None:
    """The same runs with nothing taken out: every fault strikes, and no figure but the raced charge is other than 0."""
    plans = [
        plan for out in SAFEGUARDS if out.invoice_lock is invoice_lock for plan in out.plans_for(reservations)
    ]
    figures = play_plans(*plans, invoice_lock=invoice_lock)
    assert set(figures) <= {"raced_charges"}, figures
