"""A model is trained anew from the ledger, judged, and promoted or refused."""

from __future__ import annotations

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.timing_contracts import TRAINING_WORKFLOW, StartTraining, TimingActivity, TrainingResult
    from workflows import _orders as orders


@workflow.defn(name=TRAINING_WORKFLOW)
class TrainTiming:
    """One training."""

    @workflow.run
    async def run(self, start: StartTraining) -> TrainingResult:
        done = await orders.execute(
            TimingActivity.TRAIN, start, TrainingResult, "learn from the attempts in the ledger"
        )
        what = "promoted" if done.promoted else "not promoted"
        workflow.set_current_details(
            f"{done.version}: {what}; {done.because}\n\n{done.attempts} attempts, {done.approved} of them approved"
        )
        return done
