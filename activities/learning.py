"""Learning: a model trained on what the ledger has, promoted where it passes the gate."""

from __future__ import annotations

from dataclasses import dataclass

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.timing_contracts import StartTraining, TimingActivity, TrainingResult
from recoup.clock import Clock
from recoup.errors import ConfigurationError
from recoup.learning.models import Models


@dataclass
class Learning:
    """The activity of :mod:`workflows.training`; it touches the ledger and the directory of models alone."""

    models: Models
    clock: Clock

    @activity.defn(name=TimingActivity.TRAIN.value, no_thread_cancel_exception=True)
    def train(self, order: StartTraining) -> TrainingResult:
        """Train, judge on a later slice of time, and promote or say why not. The same attempts give the same answer."""
        # numpy is loaded where something is learned, and nowhere else.
        from recoup.learning.promotion import retrain

        try:
            made = retrain(self.models, self.clock.now(), by=order.by)
        except ConfigurationError as error:
            # Tried again it would fail again: whoever looks at the run reads what to mend, and the next one tries anew.
            raise ApplicationError(str(error), non_retryable=True) from None
        card = made.card
        return TrainingResult(
            at=self.clock.now(),
            version=made.version,
            promoted=card.promoted,
            because=card.because,
            attempts=card.attempts,
            approved=card.approved,
            is_new=made.is_new,
            log_loss=card.log_loss,
            log_loss_of_prior=card.log_loss_of_prior,
            calibration_error=card.calibration_error,
            drift=card.drift,
        )
