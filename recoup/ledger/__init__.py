"""The ledger: the database record of cases, attempts, messages and decisions.

What the guard counts, the console shows and every figure comes from. Start at :class:`Ledger`; ``docs/ledger.md`` explains
the tables and the promises.
"""

from recoup.ledger._reserving import Guard
from recoup.ledger._store import NotInLedger
from recoup.ledger.cards_rows import (
    CardRow,
    Expiring,
    ImportRow,
    MarkRow,
    Mirrored,
    MirroredCard,
    MirroredRenewal,
    RefreshRow,
    RenewalRow,
    Selection,
    TargetDone,
    TargetRow,
    TargetState,
)
from recoup.ledger.inputs import (
    AttemptResult,
    DecisionRecord,
    NewCase,
    NewMessage,
    ObservedCharge,
    ReserveAttempt,
)
from recoup.ledger.ledger import Ledger
from recoup.ledger.rows import (
    AccessMeans,
    AccessRow,
    Admission,
    AttemptCounts,
    AttemptRow,
    CaseRow,
    DecisionRow,
    EventRow,
    InvoiceRow,
    LinkRow,
    MessageRow,
    PastAttempt,
    PastDecline,
    RateRow,
    Reservation,
    Verdict,
    WebhookRow,
)

__all__ = [
    "AccessMeans",
    "AccessRow",
    "Admission",
    "AttemptCounts",
    "AttemptResult",
    "AttemptRow",
    "CardRow",
    "CaseRow",
    "DecisionRecord",
    "DecisionRow",
    "EventRow",
    "Expiring",
    "Guard",
    "ImportRow",
    "InvoiceRow",
    "Ledger",
    "LinkRow",
    "MarkRow",
    "MessageRow",
    "Mirrored",
    "MirroredCard",
    "MirroredRenewal",
    "NewCase",
    "NewMessage",
    "NotInLedger",
    "ObservedCharge",
    "PastAttempt",
    "PastDecline",
    "RateRow",
    "RefreshRow",
    "RenewalRow",
    "Reservation",
    "ReserveAttempt",
    "Selection",
    "TargetDone",
    "TargetRow",
    "TargetState",
    "Verdict",
    "WebhookRow",
]
