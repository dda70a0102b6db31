"""The ledger: the database record of cases, attempts, messages and decisions.

What the guard counts, the console shows and every figure comes from. Start at :class:`Ledger`; ``docs/ledger.md`` explains
the tables and the promises.
"""

from recoup.ledger._reserving import Guard
from recoup.ledger._store import NotInLedger
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
    DeliveryRow,
    DeliveryState,
    DestinationRow,
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
    "CaseRow",
    "DecisionRecord",
    "DecisionRow",
    "DeliveryRow",
    "DeliveryState",
    "DestinationRow",
    "EventRow",
    "Guard",
    "InvoiceRow",
    "Ledger",
    "LinkRow",
    "MessageRow",
    "NewCase",
    "NewMessage",
    "NotInLedger",
    "ObservedCharge",
    "PastAttempt",
    "PastDecline",
    "RateRow",
    "Reservation",
    "ReserveAttempt",
    "Verdict",
    "WebhookRow",
]
