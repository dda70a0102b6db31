"""A case that is begun anew: its workflow was lost, its ledger was not."""

from __future__ import annotations

from recoup.ledger import AttemptRow, CaseRow, Ledger, MessageRow
from recoup.rules.case import AttemptState, Case, MessageState, SentMessage, Trigger
from recoup.rules.policy import Campaign

_SAID = frozenset({MessageState.SENT, MessageState.UNKNOWN, MessageState.FAILED})


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
        "messages": tuple(_sent(message, case.id) for message in said),
    }
    if waiting is not None:
        update |= {"unsettled": waiting.number, "unsettled_trigger": waiting.trigger}
    return case.model_copy(update=update)


def _was_made(attempt: AttemptRow) -> bool:
    return attempt.state.is_settled and attempt.state is not AttemptState.SKIPPED


def _sent(message: MessageRow, case_id: str) -> SentMessage:
    key = message.key.removeprefix(f"{case_id}/")
    return SentMessage(key=key, at=message.finished_at or message.reserved_at, state=message.state)
