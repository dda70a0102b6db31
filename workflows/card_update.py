"""A customer has a new or renewed payment method: set it once, then tell every case that waits for it."""

from __future__ import annotations

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.contracts import (
        Activity,
        Adopted,
        CardUpdated,
        CardUpdateResult,
        CustomerCase,
        CustomerCases,
        CustomerQuestion,
        MethodUpdated,
        TellCase,
    )
    from recoup.rules.case import Trigger
    from workflows import _orders as orders


@workflow.defn(name="CardUpdate")
class CardUpdate:
    """One new method of one customer, however many events tell of it."""

    @workflow.init
    def __init__(self, update: CardUpdated) -> None:
        self._update = update
        self._news = False
        self._told: list[tuple[CustomerCase, str]] = []

    @workflow.signal
    def told(self, update: CardUpdated) -> None:
        """An event tells of the method; that the customer chose it is said by some of its events only, and stays true."""
        moments = (self._update.happened, update.happened)
        newest = None if None in moments else max(moment for moment in moments if moment is not None)
        kept = update if update.chosen or not self._update.chosen else self._update
        # That the network renewed it is said by one of its events only, as well.
        cause = kept.cause if kept.chosen else _more_precise(self._update.cause, update.cause)
        ahead = update.ahead or self._update.ahead
        self._update = kept.model_copy(update={"happened": newest, "cause": cause, "ahead": ahead})
        self._news = True

    @workflow.run
    async def run(self, update: CardUpdated) -> CardUpdateResult:
        result = await self._pass()
        while self._news:
            # Told while the last pass was reading: it may have read what was not true any more.
            again = await self._pass()
            result = again if again.adopted or not result.adopted else result
        return result

    async def _pass(self) -> CardUpdateResult:
        update, self._news = self._update, False
        waiting = await self._waiting_cases(update)
        if not waiting and not update.ahead:
            return self._nothing("no case of this customer waits for a method")
        adopted = await orders.execute(
            Activity.ADOPT_METHOD, update, Adopted, "make it the method to collect with"
        )
        if not adopted.adopted:
            return self._nothing(adopted.because)
        await self._tell(waiting, update, adopted)
        told = tuple(dict.fromkeys(case.case_id for case, _ in self._told))
        workflow.set_current_details(f"{adopted.because}; told: {', '.join(told) or 'no case'}")
        return CardUpdateResult(adopted=True, cases=told, because=adopted.because)

    async def _waiting_cases(self, update: CardUpdated) -> list[CustomerCase]:
        """Open and suspended cases; for a method the customer chose also failed invoices that never became a case."""
        question = CustomerQuestion(customer=update.customer)
        known = await orders.execute(
            Activity.CASES_OF_CUSTOMER, question, CustomerCases, "which cases wait for this customer"
        )
        if not update.chosen:
            return list(known.cases)
        unknown = await orders.execute(
            Activity.FAILED_RENEWALS, question, CustomerCases, "which failed invoices have no case"
        )
        return [*known.cases, *unknown.cases]

    async def _tell(self, waiting: list[CustomerCase], update: CardUpdated, adopted: Adopted) -> None:
        """One after the other, newest invoice first: that is the order in which they are collected."""
        news = MethodUpdated(
            at=adopted.at,
            event=update.event,
            method=update.method,
            version=adopted.version,
            cause=update.cause,
        )
        for case in waiting:
            if (case, adopted.version) in self._told:
                continue
            self._told.append((case, adopted.version))
            if not await orders.tell(TellCase(case=case, update=news)) and not case.begins:
                # It ended meanwhile, perhaps suspended: then the next pass begins its return.
                self._news = True

    def _nothing(self, because: str) -> CardUpdateResult:
        workflow.set_current_details(because)
        return CardUpdateResult(adopted=False, cases=(), because=because)


def _more_precise(one: Trigger, other: Trigger) -> Trigger:
    return one if one is Trigger.ACCOUNT_UPDATER else other
