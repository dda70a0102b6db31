"""What an act would bring about, shown before it is done: by the rules, and by what only the outside knows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from activities.previewing import Letter
from recoup.errors import RecoupError
from recoup.ledger import CaseRow, ReserveAttempt
from recoup.moving import Move
from recoup.policy.file import LoadedPolicy
from recoup.rules.case import Case, Trigger
from recoup.rules.codes import scheme_of
from recoup.rules.foreseeing import Foreseen, foresee
from recoup.rules.moving import moved
from recoup.rules.networks import Permission, may_attempt
from recoup.rules.steps import asked_message
from recoup.rules.telling_now import asked_for
from recoup.temporal.gateway import UpdateRefused
from recoup.temporal.words import Payload
from recoup.web.console.acts import Wanted
from recoup.web.console.desk import Desk
from recoup.web.console.stripe_view import Collecting
from recoup.web.notice.words import Words


@dataclass(frozen=True, slots=True)
class Effect:
    """What an act would bring about, shown before it is done."""

    foreseen: Foreseen
    collecting: Collecting | None = None
    """What an attempt would be made with."""
    guard: Permission | None = None
    """The network guard's answer to an attempt at this moment."""
    letter: Letter | None = None
    """The message that would go out."""
    notice: Words | None = None
    """What the company's own product would show the customer then."""
    move: Move | None = None
    """What another policy would change."""
    loaded: LoadedPolicy | None = None
    """The policy that it would take."""
    unknown: str | None = None
    """Why the guard, Stripe or the policy's file could not be asked."""

    @property
    def may_be_done(self) -> bool:
        """Whether there is something to say to the case."""
        if self.foreseen.refused is not None:
            return False
        if self.letter is not None and not self.letter.may_go:
            return False
        return self.move is None or bool(self.move.campaign is not None and self.move.changes)


def effect_of(desk: Desk, row: CaseRow, case: Case, made: Wanted, now: datetime) -> Effect:
    """Work it out: what the rules foresee, and what only the outside knows of an attempt, a message or another policy."""
    beyond: dict[str, Callable[[Desk, CaseRow, Case, Wanted, datetime], Effect]] = {
        "retry_now": _attempted,
        "send_message": _told,
        "change_policy": _moved,
    }
    work_out = beyond.get(made.act.word)
    if work_out is None:
        return Effect(foresee(case, made.asked, now))
    try:
        return work_out(desk, row, case, made, now)
    except RecoupError as error:
        return Effect(foresee(case, made.asked, now), unknown=str(error))


def word_of(desk: Desk, row: CaseRow, made: Wanted, now: datetime) -> Payload:
    """What is said to the case.

    Raises:
        RecoupError: it cannot be made; the sentence says why.
    """
    if made.act.word != "change_policy":
        return made.payload(now)
    loaded = desk.outlook.policy()
    move = desk.outlook.move(row, loaded, made.running, made.typed.get("campaign") or None)
    said = made.asked
    try:
        return move.word(loaded, made.running, at=now, reason=said.reason, operator=said.operator)
    except ValueError as error:
        raise UpdateRefused(f"The case {row.id} {error}") from error


def _attempted(desk: Desk, row: CaseRow, case: Case, made: Wanted, now: datetime) -> Effect:
    foreseen = foresee(case, made.asked, now)
    if foreseen.refused is not None:
        return Effect(foreseen)
    collecting = desk.customers.collecting(row.invoice)
    return Effect(foreseen, collecting, _guard(desk, row, collecting, now))


def _told(desk: Desk, _: CaseRow, case: Case, made: Wanted, now: datetime) -> Effect:
    foreseen = foresee(case, made.asked, now)
    if foreseen.refused is not None:
        return Effect(foreseen)
    after = asked_for(case, made.asked.template)
    # Where it comes next, the step knows what else was possible: the message tells of the next attempt.
    comes_next = after.asked_message is not None and foreseen.next.key == after.asked_message.key
    step = foreseen.next if comes_next else asked_message(after, now)
    if step is None:
        return Effect(foreseen)
    letter = desk.outlook.letter(after, step)
    notice = desk.outlook.notice(after, letter.language, told=letter.may_go)
    return Effect(foreseen, letter=letter, notice=notice)


def _moved(desk: Desk, row: CaseRow, case: Case, made: Wanted, now: datetime) -> Effect:
    loaded = desk.outlook.policy()
    move = desk.outlook.move(row, loaded, made.running, made.typed.get("campaign") or None)
    because = move.priority.because
    after = moved(case, move.campaign, move.priority.score, because) if move.campaign else case
    return Effect(foresee(after, made.asked, now), move=move, loaded=loaded)


def _guard(desk: Desk, row: CaseRow, collecting: Collecting, now: datetime) -> Permission | None:
    """The answer that the ledger would have at this moment; bank debits answer for their debt, which the activity reads."""
    method = collecting.method
    if method is None or collecting.due.amount <= 0 or scheme_of(method.type) is not None:
        return None
    question = ReserveAttempt(
        invoice=row.invoice,
        case_id=row.id,
        request="asked",
        trigger=Trigger.MANUAL,
        payment_method=method.id,
        fingerprint=method.fingerprint or method.id,
        brand=method.brand,
        amount=collecting.due.amount,
        currency=collecting.due.currency,
    )
    counts = desk.ledger.attempts.seen(question, now)
    last = counts.final_no.decline if counts.final_no else None
    return may_attempt(method.brand, counts.attempts, last, now, desk.policy.policy.network_cap, method.type)
