"""Rows of the ledger folded into facts: what each debt came to, and what happened about it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from recoup.figures.charges import placed
from recoup.figures.columns import Frame, micros
from recoup.figures.debts import Debt, debts_of
from recoup.figures.facts import DEBTS, NAMES, OTHERS, REFUSED, SENT, TRIED, Facts
from recoup.ledger.figures_rows import FigureAttempt, FigureCharge, FigureContact, FigureRows
from recoup.rules.case import AttemptState

VERSION = 2
"""Another number has everything folded anew: whatever changes what is kept, or how it is worked out, takes one."""
LAST_NUMBER = 8
_UNKNOWN = "unknown"


def fold(rows: FigureRows, wanted: Callable[[Debt], bool] = lambda _: True) -> Facts:
    """The facts of these rows' customers: of no case but theirs, and of theirs all that are wanted."""
    all_of_them = debts_of(rows.cases)
    debts = [debt for debt in all_of_them if wanted(debt)]
    place = {debt.case.invoice: number for number, debt in enumerate(debts)}
    ours = [each for each in rows.attempts if each.invoice in place]
    others = [each for each in placed(rows.charges, all_of_them) if each.failed and each.invoice in place]
    return Facts(
        debts=Frame.of(DEBTS, _debts(debts, ours, others, rows.contacts)),
        names=Frame.of(
            NAMES, [(d.case.invoice.encode(), (d.case.subscription or "").encode()) for d in debts]
        ),
        tried=Frame.of(TRIED, _tried(ours, place)),
        others=Frame.of(
            OTHERS, [(place[e.invoice or ""], micros(e.at), e.brand, e.code or _UNKNOWN) for e in others]
        ),
        sent=Frame.of(
            SENT,
            [
                (place[_invoice(e.case_id)], micros(e.at), e.channel)
                for e in rows.messages
                if _invoice(e.case_id) in place
            ],
        ),
        refused=Frame.of(
            REFUSED,
            [
                (place[_invoice(e.case_id)], micros(e.at), e.case_id.partition("/")[2])
                for e in rows.refusals
                if _invoice(e.case_id) in place
            ],
        ),
    )


def _debts(
    debts: Sequence[Debt],
    ours: Sequence[FigureAttempt],
    others: Sequence[FigureCharge],
    contacts: Sequence[FigureContact],
) -> list[tuple[object, ...]]:
    by_case, tries = {each.case_id: each for each in contacts}, Counter(each.case_id for each in ours)
    codes, silent = _first_codes(ours, others), FigureContact("", 0, 0, None, None)
    found: list[tuple[object, ...]] = []
    for debt in debts:
        case = debt.case
        contact = by_case.get(case.id, silent)
        found.append(
            (
                micros(case.failed_at), micros(case.closed_at), micros(case.opened_at), micros(case.asked_at),
                case.amount, contact.messages, contact.returned, tries[case.id], contact.opened_at is not None,
                contact.updated_at is not None, debt.returned is not None,
                case.outcome.value if case.outcome else None, case.currency, case.campaign, case.policy_version,
                codes.get(case.invoice),
            )
        )  # fmt: skip
    return found


def _first_codes(ours: Sequence[FigureAttempt], others: Sequence[FigureCharge]) -> dict[str, str]:
    """The code of each invoice's first refusal."""
    declined = [each for each in ours if each.state is AttemptState.DECLINED]
    both: list[FigureAttempt | FigureCharge] = [*declined, *others]
    codes: dict[str, str] = {}
    for each in sorted(both, key=lambda each: each.at):
        codes.setdefault(each.invoice or "", each.code or _UNKNOWN)
    return codes


def _tried(ours: Sequence[FigureAttempt], place: dict[str, int]) -> list[tuple[object, ...]]:
    """Numbered by invoice, those that were never made not counted."""
    seen: Counter[str] = Counter()
    found: list[tuple[object, ...]] = []
    for each in ours:
        seen[each.invoice] += 1
        number, is_paid = min(seen[each.invoice], LAST_NUMBER), each.state is AttemptState.PAID
        found.append(
            (
                place[each.invoice], micros(each.at), number, is_paid, each.trigger.value, each.brand,
                each.code or _UNKNOWN,
            )
        )  # fmt: skip
    return found


def _invoice(case_id: str) -> str:
    return case_id.split("/", 1)[0]
