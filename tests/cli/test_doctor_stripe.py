"""What ``recoup doctor`` says of Stripe's own doings: the endpoint, its retries, its final action, its mails."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import stripe

from recoup.doctor import Grade, _retries, _webhooks
from recoup.ledger import Ledger
from recoup.rules.case import Outcome
from recoup.rules.policy import RetryMode
from recoup.settings import Settings
from recoup.web.webhooks.routing import ROUTES
from recoup.web.webhooks.shapes import API_VERSION
from tests.fixtures.sandbox import Sandbox, running_sandbox
from tests.ledger.builders import a_case

WORLD = Path(__file__).parents[1] / "demo" / "beside_stripe.yaml"
HERE = "https://pay.example.com/webhooks/stripe"

Patient = Callable[..., Settings]


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    """A Stripe of the test's own."""
    with running_sandbox(tmp_path, WORLD) as running:
        yield running


@pytest.fixture
def patient(sandbox: Sandbox, tmp_path: Path) -> Patient:
    """Settings that lead to the sandbox, under a policy of a mode."""

    def settings(mode: RetryMode = RetryMode.OWN) -> Settings:
        policy = tmp_path / "policy.yaml"
        policy.write_text(f"version: 1\ncampaigns:\n- retries: {{mode: {mode}}}\n")
        return Settings(
            stripe=sandbox.settings,
            public_url="https://pay.example.com",
            policy_file=policy,
            database_url=f"sqlite:///{tmp_path / 'recoup.db'}",
        )

    return settings


def fail_renewals(sandbox: Sandbox, hours: float = 4) -> list[str]:
    """Let the world's renewals come and fail; the ids of the open invoices."""
    sandbox.control("seed", {})
    sandbox.pass_time(hours=hours)
    return [each.id for each in sandbox.client().v1.invoices.list({"status": "open"}).data]


def test_every_needed_event_has_its_route() -> None:
    """The doctor asks for no event type that Recoup would not act on."""
    assert set(ROUTES) >= _webhooks.NEEDED


@pytest.mark.parametrize(
    ("change", "grade", "says"),
    [
        ({}, Grade.OK, "tells all that is needed"),
        ({"enabled_events": sorted(_webhooks.NEEDED)}, Grade.OK, "tells all that is needed"),
        (
            {"enabled_events": ["invoice.paid", "charge.failed"]},
            Grade.MEND,
            "add them: charge.dispute.created",
        ),
        ({"api_version": None}, Grade.NOTE, "default API version"),
        ({"disabled": True}, Grade.MEND, "is disabled"),
        ({"url": "https://elsewhere.example.com/webhooks/stripe"}, Grade.NOTE, "`recoup sweep`"),
        ({"url": f"{HERE}/"}, Grade.MEND, f"nobody answers: write {HERE}"),
    ],
)
def test_the_endpoint(
    sandbox: Sandbox, patient: Patient, change: dict[str, Any], grade: Grade, says: str
) -> None:
    """An endpoint that leads here, is on and tells enough is in order; each thing that is not is named."""
    wanted: dict[str, Any] = {"url": HERE, "enabled_events": ["*"], "api_version": API_VERSION} | change
    disabled = wanted.pop("disabled", False)
    api = sandbox.client().v1.webhook_endpoints
    made = api.create({key: value for key, value in wanted.items() if value is not None})
    if disabled:
        api.update(made.id, {"disabled": True})
    (found,) = _webhooks.endpoint(patient())
    assert (found.what, found.grade) == ("webhook endpoint", grade)
    assert says in found.says


def test_in_live_mode_an_endpoint_is_needed(patient: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a live key nothing forwards events by hand: without an endpoint there is something to mend."""
    monkeypatch.setattr(_webhooks, "is_live_key", lambda _: True)
    (found,) = _webhooks.endpoint(patient())
    assert found.grade is Grade.MEND


@pytest.mark.parametrize(
    ("version", "grade"), [("2026-05-27.dahlia", Grade.NOTE), ("2024-06-20", Grade.MEND)]
)
def test_an_endpoint_of_another_version(version: str, grade: Grade) -> None:
    """Events of another version are worth a note, and cannot be read where they are older than the invoices' present shape."""
    told = {"id": "we_1", "status": "enabled", "enabled_events": ["*"], "api_version": version}
    (found,) = _webhooks._examined(told)
    assert (found.grade, version in found.says) == (grade, True)


def test_a_key_that_may_not_read_endpoints(patient: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    """A restricted key without this permission is good enough: a note says where to look instead."""

    def refuse(*_: Any) -> None:
        raise stripe.PermissionError("not with this key")

    monkeypatch.setattr(stripe.WebhookEndpointService, "list", refuse)
    (found,) = _webhooks.endpoint(patient())
    assert (found.grade, found.says.startswith("cannot be read")) == (Grade.NOTE, True)


def test_two_engines_on_one_invoice_are_to_be_mended(sandbox: Sandbox, patient: Patient) -> None:
    """With ``own``: an invoice that was taken up and that Stripe will retry all the same is named."""
    invoices, settings = fail_renewals(sandbox), patient()
    (before,) = _retries.retries(settings)
    assert (before.grade, "cannot be read" in before.says) == (Grade.NOTE, True)
    ledger = Ledger.connect(settings.database_url)
    ledger.migrate()
    for each in invoices:
        ledger.invoices.note_takeover(each, True, sandbox.clock.now())
    sandbox.client().v1.invoices.update(invoices[0], {"auto_advance": False})
    found = _retries.retries(settings)[0]
    assert found.grade is Grade.MEND
    assert invoices[1] in found.says
    assert invoices[0] not in found.says
    # Recoup does not charge it by schedule any more: somebody may well have given it back by hand.
    ledger.cases.open(a_case(invoices[1]), sandbox.clock.now())
    assert invoices[1] in _retries.retries(settings)[0].says
    ledger.cases.close(invoices[1], Outcome.LOST_SUSPENDED, "the campaign is over", sandbox.clock.now())
    assert invoices[1] not in _retries.retries(settings)[0].says
    ledger.close()


@pytest.mark.parametrize(
    ("mode", "fails", "on", "grade", "says"),
    [
        (RetryMode.WEAVE, True, True, Grade.OK, "Stripe plans attempts by itself"),
        (RetryMode.OBSERVE, True, True, Grade.OK, "Stripe plans attempts by itself"),
        (RetryMode.WEAVE, True, False, Grade.NOTE, "Stripe plans no attempt"),
        (RetryMode.OBSERVE, True, False, Grade.MEND, "now nobody retries"),
        (RetryMode.WEAVE, False, True, Grade.NOTE, "cannot be read while no renewal has failed"),
    ],
)
def test_stripes_retries_must_be_on_where_they_are_counted_on(
    sandbox: Sandbox, patient: Patient, mode: RetryMode, fails: bool, on: bool, grade: Grade, says: str
) -> None:
    """With ``weave`` and ``observe`` open invoices show whether Stripe retries; with ``observe`` nobody else does."""
    sandbox.control("switches", {"final_action": "past_due", **({} if on else {"retry_days": []})})
    if fails:
        fail_renewals(sandbox)
    (found,) = _retries.retries(patient(mode))
    assert found.grade is grade
    assert says in found.says


def test_every_campaign_of_the_policy_is_looked_at(sandbox: Sandbox, patient: Patient) -> None:
    """One segment has Stripe's retries switched off, another lives by them: both are examined, each by its own invoices."""
    invoices, settings = fail_renewals(sandbox), patient(RetryMode.OBSERVE)
    policy = settings.policy_file.read_text()
    segment = (
        "- name: polish\n  when: {country: [PL]}\n  window_days: 7\n  retries: {mode: own, after_days: [1]}\n"
    )
    segment += "  messages: [{template: payment_failed, after_days: 0}]\n"
    settings.policy_file.write_text(policy.replace("campaigns:\n", f"campaigns:\n{segment}"))
    ledger = Ledger.connect(settings.database_url)
    ledger.migrate()
    ledger.invoices.note_takeover(invoices[0], True, sandbox.clock.now())
    ledger.close()
    doubled, _, together = _retries.retries(settings)
    assert (doubled.grade, invoices[0] in doubled.says) == (Grade.MEND, True)
    assert (together.grade, invoices[0] in together.says) == (Grade.OK, False)
    (final,) = _retries.final_action(settings)
    assert "the policy suspends on day 14" in final.says
    assert "the first one does not" in _retries.mails(settings)[0].says


@pytest.mark.parametrize("mode", [RetryMode.WEAVE, RetryMode.OBSERVE])
def test_a_schedule_that_is_over_is_no_alarm(sandbox: Sandbox, patient: Patient, mode: RetryMode) -> None:
    """Every failed invoice has been through all of Stripe's retries: nothing is planned, and yet they are on."""
    sandbox.control("switches", {"final_action": "past_due"})
    fail_renewals(sandbox, hours=15 * 24)
    (found,) = _retries.retries(patient(mode))
    assert (found.grade, "has retried" in found.says) == (Grade.OK, True)


@pytest.mark.parametrize(
    ("action", "says"),
    [
        ("cancel", "cancels subscriptions"),
        ("unpaid", "marks subscriptions unpaid"),
        ("pause", "pauses subscriptions"),
        ("past_due", "cannot be read"),
    ],
)
def test_what_stripe_did_in_the_end_is_seen(
    sandbox: Sandbox, patient: Patient, action: str, says: str
) -> None:
    """Subscriptions that Stripe ended after failed payments show the account's final action, and the policy's day beside it."""
    sandbox.control("switches", {"final_action": action})
    fail_renewals(sandbox, hours=15 * 24)
    (found,) = _retries.final_action(patient())
    assert (found.what, found.grade) == ("stripe's final action", Grade.NOTE)
    assert says in found.says
    assert "day 21" in found.says


def test_a_cancellation_by_somebody_else_is_no_final_action(sandbox: Sandbox, patient: Patient) -> None:
    """Customers who cancel say nothing of the account's settings."""
    sandbox.control("seed", {})
    api = sandbox.client().v1.subscriptions
    api.cancel(api.list({}).data[0].id)
    (found,) = _retries.final_action(patient())
    assert "cannot be read" in found.says


def test_mails_are_a_list_to_go_through(patient: Patient) -> None:
    """Failed payments, expiring cards, 3-D Secure: none can be read, each has its line."""
    found = _retries.mails(patient())
    assert [each.grade for each in found] == [Grade.NOTE] * 3
    assert all(each.says.startswith("cannot be read; look at") for each in found)
    for about in ("failed payments", "expiring cards", "3-D Secure"):
        assert sum(about in each.says for each in found) == 1
    assert "the first one does not" in found[0].says
    assert "the first one does not" not in _retries.mails(patient(RetryMode.WEAVE))[0].says


def test_a_policy_that_cannot_be_used_is_told_once(patient: Patient) -> None:
    """The check of the policy says so; those that would need it say nothing more."""
    settings = patient().model_copy(update={"policy_file": Path("none.yaml")})
    assert (_retries.retries(settings), _retries.final_action(settings)) == ([], [])
