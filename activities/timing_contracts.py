"""What the training of models and the processes around it say to each other."""

from __future__ import annotations

from enum import StrEnum

from recoup.rules.base import Moment, Wire

TRAINING_WORKFLOW = "TrainTiming"


class TimingActivity(StrEnum):
    """The activities by the names under which the worker registers them."""

    TRAIN = "timing.train"


class StartTraining(Wire):
    """Begins a training."""

    by: str
    """Who wants it: ``schedule``, or a command."""


class TrainingResult(Wire):
    """What came of a training."""

    at: Moment
    version: str
    promoted: bool
    because: str
    attempts: int
    """Attempts that it learned from."""
    approved: int
    is_new: bool
    """Whether anything was different from the training before."""
    log_loss: float | None = None
    log_loss_of_prior: float | None = None
    calibration_error: float | None = None
    drift: float | None = None
