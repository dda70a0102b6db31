"""Test clocks, as handles on the sandbox's one clock: advancing any of them moves everything."""

from __future__ import annotations

from recoup.sandbox.billing.periods import DAY, period_end
from recoup.sandbox.http.errors import Doc, invalid_parameter, invalid_request
from recoup.sandbox.http.lists import page
from recoup.sandbox.http.params import MOMENT, TEXT, listing, request
from recoup.sandbox.http.routing import Call, router
from recoup.sandbox.service.removal import delete_customer
from recoup.sandbox.webhooks import tell
from recoup.sandbox.work import Work

_URL = "/v1/test_helpers/test_clocks"
_LIVES_DAYS = 30
_TWO_YEARS = 2 * 365 * DAY


@router.add("POST", _URL, request("frozen_time", frozen_time=MOMENT, name=TEXT))
def create(call: Call) -> Doc:
    """A test clock that shows the present virtual time, or a later one, to which the sandbox then moves."""
    work, wanted = call.work, call.params["frozen_time"]
    clock = work.create(
        "test_helpers.test_clock",
        deletes_after=work.now + _LIVES_DAYS * DAY,
        frozen_time=max(wanted, work.now),
        livemode=False,
        name=call.params.get("name"),
        status="ready",
        status_details={},
    )
    if wanted > work.now:
        _advance(work, clock, wanted)
    tell(work, "test_helpers.test_clock.created", clock)
    return clock


@router.add("GET", _URL + "/{id}", request())
def retrieve(call: Call) -> Doc:
    """One test clock."""
    return call.work.get("test_helpers.test_clock", call.id)


@router.add("GET", _URL, listing())
def list_clocks(call: Call) -> Doc:
    """Test clocks, newest first."""
    return page(call.work, "test_helpers.test_clock", _URL, call.params)


@router.add("POST", _URL + "/{id}/advance", request("frozen_time", frozen_time=MOMENT))
def advance(call: Call) -> Doc:
    """Move on; the answer says ``advancing``, and ``ready`` follows when all that falls due has happened."""
    work, to = call.work, call.params["frozen_time"]
    clock = work.get("test_helpers.test_clock", call.id)
    if clock["status"] != "ready":
        raise invalid_request("This test clock is still advancing.", code="test_clock_not_ready")
    if to <= work.now:
        raise invalid_parameter("The frozen time must be after the clock's present time.", "frozen_time")
    if to > work.now + _longest_step(work, clock):
        text = "You can only advance a test clock by up to two intervals of its shortest subscription, or two years without one."
        raise invalid_parameter(text, "frozen_time")
    _advance(work, clock, to)
    tell(work, "test_helpers.test_clock.advancing", clock)
    return clock


@router.add("DELETE", _URL + "/{id}", request())
def delete(call: Call) -> Doc:
    """Remove the clock and its customers."""
    clock = call.work.get("test_helpers.test_clock", call.id)
    for customer in call.work.select("customer", {"test_clock": clock["id"], "deleted": ("IS", None)}):
        delete_customer(call.work, customer)
    tell(call.work, "test_helpers.test_clock.deleted", clock)
    call.work.unplan("clock_ready", clock["id"])
    call.work.remove(clock)
    return {"id": call.id, "object": "test_helpers.test_clock", "deleted": True}


def _advance(work: Work, clock: Doc, to: int) -> None:
    clock.update(status="advancing", status_details={"advancing": {"target_frozen_time": to}})
    work.plan("clock_ready", clock["id"], to)


def _longest_step(work: Work, clock: Doc) -> int:
    steps = [
        period_end(work.now, rhythm["interval"], rhythm["interval_count"], work.now) - work.now
        for subscription in work.select("subscription", {"test_clock": clock["id"]})
        for rhythm in (item["price"]["recurring"] for item in subscription["items"]["data"])
    ]
    return 2 * min(steps) if steps else _TWO_YEARS
