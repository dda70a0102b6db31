"""A customer cancels, pauses or takes a smaller plan: first the cases are told, then Stripe, however often that takes."""

from __future__ import annotations

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.wish_contracts import Stopped, Wish, WishActivity, WishKind, WishResult
    from workflows import _orders as orders


@workflow.defn(name="CustomerWish")
class CustomerWish:
    """One wish about one subscription."""

    @workflow.run
    async def run(self, wish: Wish) -> WishResult:
        cancels = wish.kind is WishKind.CANCEL
        if cancels:
            await self._stop(wish, "the customer cancelled: nothing more of it is collected or written about")
        result = await orders.execute(
            WishActivity.FULFIL, wish, WishResult, f"{wish.kind} {wish.subscription}"
        )
        if cancels:
            await self._stop(wish, "a case may have begun in the meantime")
        workflow.set_current_details(f"{'done' if result.done else 'not done'}: {result.because}")
        return result

    async def _stop(self, wish: Wish, why: str) -> None:
        await orders.execute(WishActivity.STOP_CASES, wish, Stopped, why)
