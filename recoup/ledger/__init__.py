"""The ledger: the database record of cases, attempts, messages and decisions.

What the guard counts, the console shows and every figure comes from. Start at :class:`Ledger`; ``docs/ledger.md`` explains
the tables and the promises.
"""

from recoup.ledger._reserving import Guard
from recoup.ledger._store import NotInLedger
from recoup.ledger._telling import Gate
from recoup.ledger.browsing import CaseFilter, Page, Sort, Tab
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
from recoup.ledger.channels_rows import ChannelStopRow, NewStop
from recoup.ledger.console_rows import (
    ELSEWHERE,
    LogRow,
    NewLog,
    Result,
    Role,
    SessionKind,
    SessionRow,
    UserRow,
)
from recoup.ledger.erasing import Erased, StillOpen
from recoup.ledger.exclusions import ExclusionRow
from recoup.ledger.figures_blocks import FigureBlock, FigureFold
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
from recoup.ledger.links import LINK_ID_LENGTH
from recoup.ledger.past_rows import ObservedRow, PastCase
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
    "ELSEWHERE",
    "LINK_ID_LENGTH",
    "AccessMeans",
    "AccessRow",
    "Admission",
    "AttemptCounts",
    "AttemptResult",
    "AttemptRow",
    "CardRow",
    "CaseFilter",
    "CaseRow",
    "ChannelStopRow",
    "DecisionRecord",
    "DecisionRow",
    "DeliveryRow",
    "DeliveryState",
    "DestinationRow",
    "Erased",
    "EventRow",
    "ExclusionRow",
    "Expiring",
    "FigureBlock",
    "FigureFold",
    "Gate",
    "Guard",
    "ImportRow",
    "InvoiceRow",
    "Ledger",
    "LinkRow",
    "LogRow",
    "MarkRow",
    "MessageInvoiceRow",
    "MessageRow",
    "Mirrored",
    "MirroredCard",
    "MirroredRenewal",
    "NewCase",
    "NewLog",
    "NewMessage",
    "NewStop",
    "NotInLedger",
    "ObservedCharge",
    "ObservedRow",
    "Page",
    "PastAttempt",
    "PastCase",
    "PastDecline",
    "RateRow",
    "RefreshRow",
    "RenewalRow",
    "Reservation",
    "ReserveAttempt",
    "Result",
    "Role",
    "SaidOf",
    "Selection",
    "SessionKind",
    "SessionRow",
    "Sort",
    "StillOpen",
    "Tab",
    "TargetDone",
    "TargetRow",
    "TargetState",
    "UserRow",
    "Verdict",
    "WebhookRow",
]
