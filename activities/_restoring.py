"""A case that is begun anew: its workflow was lost, its ledger was not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime

from activities.customer_words import CUSTOMER_PROMISED
from recoup.ledger import AttemptRow, CaseRow, Ledger, MessageRow
from recoup.rules.case import AttemptState, Case, MessageState, Promise, SentMessage, Trigger
from recoup.rules.policy import Campaign
from recoup.rules.promising import after_attempt

_SAID = frozenset(MessageState) - {MessageState.RESERVED, MessageState.SENDING}


def restored(case: Case, row: CaseRow, ledger: Ledger) -> Case:
    """The case with what the ledger keeps of it: its beginning, what was tried and what was said. A new one stays as it is.

    Without this a second run would go through the whole campaign again, with more attempts than it allows.
    """
    attempts = [attempt for attempt in ledger.attempts.of_invoice(case.invoice) if attempt.case_id == case.id]
    made = [attempt for attempt in attempts if _was_made(attempt)]
    said = [message for message in ledger.messages.of_case(case.id) if message.state in _SAID]
    waiting = next((attempt for attempt in attempts if not attempt.state.is_settled), None)
    update: dict[str, object] = {
        "campaign": Campaign.model_validate(row.policy),
        "priority": row.priority,
        "failed_at": row.failed_at,
        "attempts_made": len(made),
        "retries_made": sum(attempt.trigger is Trigger.SCHEDULE for attempt in made),
        "last_attempt_at": made[-1].counted_at if made else None,
        "messages": tuple(
            sorted((*(_sent(message, case.id) for message in said), *_covered(case, ledger)), key=_moment)
        ),
        "promise": _promise(case, ledger, made),
    }
    if waiting is not None:
        update |= {"unsettled": waiting.number, "unsettled_trigger": waiting.trigger}
    return case.model_copy(update=update)


def _promise(case: Case, ledger: Ledger, made: list[AttemptRow]) -> Promise | None:
    told = next((each for each in ledger.events.of_case(case.id) if each.kind == CUSTOMER_PROMISED), None)
    promise = Promise(at=told.at, until=told.data["until"]) if told is not None else None
    for attempt in made:
        promise = after_attempt(promise, attempt.trigger, attempt.counted_at)
    return promise


def _was_made(attempt: AttemptRow) -> bool:
    return attempt.state.is_settled and attempt.state is not AttemptState.SKIPPED


def _sent(message: MessageRow, case_id: str) -> SentMessage:
    key = message.key.removeprefix(f"{case_id}/")
    return SentMessage(key=key, at=message.finished_at or message.reserved_at, state=message.state)


def _covered(case: Case, ledger: Ledger) -> Iterator[SentMessage]:
    """What messages of the customer's other cases have said for this one."""
    for row in ledger.messages.said_of(case.invoice):
        mine, message = f"{case.id}/", ledger.messages.get(row.message)
        if row.stands_for is None or row.stands_for == row.message or message is None:
            continue
        # A return's keys begin with its own id, which begins with that of the first case.
        key = row.stands_for.removeprefix(mine)
        if row.stands_for.startswith(mine) and message.state in _SAID and not _is_of_a_return(key):
            at = message.sending_at or message.reserved_at
            yield SentMessage(key=key, at=at, state=message.state, covered_by=row.message)


def _is_of_a_return(key: str) -> bool:
    return re.match(r"r\d+/", key) is not None


def _moment(sent: SentMessage) -> datetime:
    return sent.at
