"""A card update hears of its method from several events, in any order and moment; the cases are told once of each version."""

from __future__ import annotations

import pytest
from temporalio.testing import WorkflowEnvironment

from activities.contracts import CustomerCase
from recoup.rules.case import Trigger
from tests.workflows.shop import APPEARED, CHOSEN, OPEN, RETURN, Shop, play

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_the_choice_that_follows_the_appearance_is_heard(
    time_skipping_env: WorkflowEnvironment,
) -> None:
    """The method appears; while that is being looked at, the customer chooses it: adopted, and the case told once."""
    shop = Shop()
    result = await (await play(time_skipping_env, shop, APPEARED, CHOSEN, APPEARED)).result()
    assert (result.adopted, result.cases) == (True, ("in_1",))
    assert [update.chosen for update in shop.adopted] == [False, True]
    assert shop.told == [(OPEN, "pm_2/2030-1")]


async def test_a_card_that_is_renewed_while_it_is_adopted_is_told_again(
    time_skipping_env: WorkflowEnvironment,
) -> None:
    """Another expiry, told during the first pass, is another version: the case hears of both."""
    shop = Shop(versions=["pm_2/2030-1", "pm_2/2033-1"])
    renewed = CHOSEN.model_copy(update={"cause": Trigger.ACCOUNT_UPDATER, "chosen": False})
    await play(time_skipping_env, shop, CHOSEN, renewed)
    assert shop.told == [(OPEN, "pm_2/2030-1"), (OPEN, "pm_2/2033-1")]


async def test_a_method_chosen_ahead_is_adopted_although_no_case_waits(
    time_skipping_env: WorkflowEnvironment,
) -> None:
    """Through the update link, owing nothing: it becomes the default everywhere. Otherwise nobody's methods are touched."""
    shop = Shop(cases=[[]])
    ahead = CHOSEN.model_copy(update={"ahead": True})
    result = await (await play(time_skipping_env, shop, ahead)).result()
    assert (result.adopted, result.cases, len(shop.adopted)) == (True, (), 1)
    shop = Shop(cases=[[]])
    result = await (await play(time_skipping_env, shop, CHOSEN)).result()
    assert (result.adopted, shop.adopted) == (False, [])


async def test_the_networks_renewal_is_not_forgotten(time_skipping_env: WorkflowEnvironment) -> None:
    """Whichever event comes last, the network stays the cause; only a choice of the customer's says more."""
    renewed = APPEARED.model_copy(update={"cause": Trigger.ACCOUNT_UPDATER})
    for later, cause in ((APPEARED, Trigger.ACCOUNT_UPDATER), (CHOSEN, Trigger.CARD_UPDATE)):
        shop = Shop()
        await play(time_skipping_env, shop, renewed, later)
        assert shop.adopted[-1].cause is cause


async def test_one_event_is_one_pass(time_skipping_env: WorkflowEnvironment) -> None:
    """Nothing new was told: everything is asked once."""
    shop = Shop()
    await play(time_skipping_env, shop, CHOSEN)
    assert (len(shop.adopted), len(shop.told)) == (1, 1)


@pytest.mark.parametrize(
    ("after", "told"),
    [([RETURN], [OPEN, RETURN]), ([OPEN], [OPEN]), ([], [OPEN])],
    ids=["return", "stuck", "over"],
)
async def test_a_case_that_ended_meanwhile_is_looked_for_once_more(
    time_skipping_env: WorkflowEnvironment, after: list[CustomerCase], told: list[CustomerCase]
) -> None:
    """It did not hear: suspended in the meantime, its return is begun; else the update ends, whatever the ledger says."""
    shop = Shop(cases=[[OPEN], after], heard=False)
    await play(time_skipping_env, shop, CHOSEN)
    assert [case for case, _ in shop.told] == told
