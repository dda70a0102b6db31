"""The workflows that a worker hosts, by the task queue on which they run."""

from __future__ import annotations

from workflows.card_update import CardUpdate
from workflows.customer_wish import CustomerWish
from workflows.digest import WeeklyDigest
from workflows.expiring import ExpiringCards
from workflows.integrations import Integration
from workflows.late_cancel import LateCancelling
from workflows.mirror import MirrorCards
from workflows.reconcile import Reconcile
from workflows.recovery import RecoveryCase
from workflows.refresh import RefreshCards
from workflows.training import TrainTiming

RECOVERY: tuple[type, ...] = (
    RecoveryCase, CardUpdate, CustomerWish, LateCancelling, Reconcile, MirrorCards, ExpiringCards, RefreshCards,
    TrainTiming, WeeklyDigest,
)  # fmt: skip
"""Everything about cases and cards."""

DELIVERING: tuple[type, ...] = (Integration,)
"""What tells other systems: on a queue of its own it takes no place from a case."""
