"""The ledger: the database record of cases, attempts, messages and decisions.

What the guard counts, the console shows and every figure comes from. Start at :class:`Ledger`; ``docs/ledger.md`` explains
the tables and the promises.
"""

from recoup.ledger._reserving import Guard
from recoup.ledger._store import NotInLedger
from recoup.ledger._telling import Gate
from recoup.ledger.inputs import (
    AttemptResult,
    DecisionRecord,
    NewCase,
    NewMessage,
    ObservedCharge,
    ReserveAttempt,
    SaidOf,
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
    MessageInvoiceRow,
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
    "Gate",
    "Guard",
    "InvoiceRow",
    "Ledger",
    "LinkRow",
    "MessageInvoiceRow",
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
    "SaidOf",
    "Verdict",
    "WebhookRow",
]
