"""All activities as the worker registers them."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import cast

from pydantic import SecretStr
from temporalio import activity
from temporalio.client import Client

from activities.assembly import build_activities
from activities.contracts import Activity
from recoup.ledger import Ledger
from recoup.messages import MailSettings
from recoup.settings import Settings, StripeSettings
from tests.fixtures.sandbox import ROOT


def _definitions(place: Path) -> list[activity._Definition]:
    settings = Settings(
        stripe=StripeSettings(api_key=SecretStr("sk_test_nobody_is_asked")),
        link_secrets=(SecretStr("a secret of the tests"),),
        mail=MailSettings(outbox=place / "outbox"),
        policy_file=ROOT / "policy.yaml",
    )
    ledger = Ledger.connect(f"sqlite:///{place / 'ledger.db'}")
    built = build_activities(settings, ledger, cast(Client, None))
    ledger.close()
    return [activity._Definition.must_from_callable(each) for each in built]


def test_what_is_under_way_is_never_broken_off(tmp_path: Path) -> None:
    """A case that does not want an activity any more lets it finish: an exception thrown into a payment could lose its answer."""
    threads = [each for each in _definitions(tmp_path) if not inspect.iscoroutinefunction(each.fn)]
    assert len(threads) > 10
    assert [each.name for each in threads if not each.no_thread_cancel_exception] == []


def test_every_activity_that_a_workflow_may_order_is_there(tmp_path: Path) -> None:
    """The worker registers each name of the contracts, once."""
    names = [each.name or "" for each in _definitions(tmp_path)]
    assert len(names) == len(set(names))
    assert {each.value for each in Activity} <= set(names)
