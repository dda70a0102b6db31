"""A customer has a new or renewed payment method: set it once, then tell every case that waits for it."""

from __future__ import annotations

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.contracts import (
        Activity,
        Adopted,
        CardUpdated,
        CardUpdateResult,
        CustomerCases,
        CustomerQuestion,
        MethodUpdated,
        TellCase,
    )
    from workflows import _orders as orders


@workflow.defn(name="CardUpdate")
class CardUpdate:
    """One new method of one customer, however many events tell of it."""

    @workflow.run
    async def run(self, update: CardUpdated) -> CardUpdateResult:
        question = CustomerQuestion(customer=update.customer)
        cases = await orders.execute(
            Activity.CASES_OF_CUSTOMER, question, CustomerCases, "which cases wait for this customer"
        )
        if not cases.cases:
            return CardUpdateResult(
                adopted=False, cases=(), because="no case of this customer waits for a method"
            )
        adopted = await orders.execute(
            Activity.ADOPT_METHOD, update, Adopted, "make it the method to collect with"
        )
        workflow.set_current_details(adopted.because)
        if not adopted.adopted:
            return CardUpdateResult(adopted=False, cases=(), because=adopted.because)
        news = MethodUpdated(
            at=adopted.at,
            event=update.event,
            method=update.method,
            version=adopted.version,
            cause=update.cause,
        )
        for case in cases.cases:
            await orders.tell(TellCase(case=case, update=news))
        return CardUpdateResult(
            adopted=True, cases=tuple(case.case_id for case in cases.cases), because=adopted.because
        )
