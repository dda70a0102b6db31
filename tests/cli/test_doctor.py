"""``recoup doctor``: everything in order is 0, and each thing that is not is named with what to do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from temporalio.testing import WorkflowEnvironment

from tests.cli.conftest import Recoup
from tests.fixtures.sandbox import KEY, Sandbox, running_sandbox

WORLD = Path(__file__).parents[1] / "demo" / "one_customer.yaml"


@dataclass(frozen=True)
class Practice:
    """A doctor with a healthy patient."""

    recoup: Recoup
    sandbox: Sandbox

    def findings(self) -> dict[str, tuple[str, str]]:
        """What the doctor finds, by what was looked at: the worst grade and its sentence."""
        told = json.loads(self.recoup("doctor", "--json").out)
        found: dict[str, tuple[str, str]] = {}
        for each in told["findings"]:
            if each["what"] not in found or each["grade"] == "mend":
                found[each["what"]] = (each["grade"], each["says"])
        assert told["ok"] == all(grade != "mend" for grade, _ in found.values())
        return found


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A Stripe for the patient."""
    with running_sandbox(tmp_path_factory.mktemp("doctor"), WORLD) as running:
        yield running


@pytest.fixture
def practice(
    recoup: Recoup,
    monkeypatch: pytest.MonkeyPatch,
    sandbox: Sandbox,
    time_skipping_env: WorkflowEnvironment,
    tmp_path: Path,
) -> Practice:
    """Settings with which everything is in order."""
    settings = {
        "STRIPE__API_KEY": KEY,
        "STRIPE__API_BASE": sandbox.address,
        "STRIPE__WEBHOOK_SECRETS": '["whsec_0123456789abcdef"]',
        "TEMPORAL__ADDRESS": time_skipping_env.client.service_client.config.target_host,
        "LINK_SECRETS": '["0123456789abcdef0123456789abcdef"]',
        "PUBLIC_URL": "https://pay.example.com",
        "POLICY_FILE": str(Path(__file__).parents[2] / "policy.yaml"),
        "DATABASE_URL": f"sqlite:///{tmp_path / 'recoup.db'}",
    }
    for name, value in settings.items():
        monkeypatch.setenv(f"RECOUP_{name}", value)
    assert recoup("migrate").code == 0
    return Practice(recoup, sandbox)


def test_all_is_well(practice: Practice) -> None:
    """With everything in order the doctor ends with 0 and notes what somebody should know."""
    said = practice.recoup("doctor")
    assert said.code == 0, said.out
    assert "Recoup can work." in said.out
    assert "MEND" not in said.out
    assert practice.findings()["stripe"][1].endswith("test mode")


def _mended(practice: Practice, what: str) -> str:
    grade, says = practice.findings()[what]
    assert grade == "mend"
    assert practice.recoup("doctor").code == 1
    return says


@pytest.mark.parametrize(
    ("variable", "value", "what", "says"),
    [
        ("STRIPE__API_KEY", "sk_test_x", "stripe", "stripe.api_key"),
        ("STRIPE__API_KEY", "", "stripe", "RECOUP_STRIPE__API_KEY"),
        ("STRIPE__API_BASE", "http://127.0.0.1:1", "stripe", "does not answer"),
        ("STRIPE__WEBHOOK_SECRETS", "[]", "webhooks", "/webhooks/stripe"),
        ("STRIPE__WEBHOOK_SECRETS", '["secret"]', "webhooks", "whsec_"),
        ("STRIPE__PORTAL_CONFIGURATION", "bpc_none", "portal", "stripe.portal_configuration"),
        ("TEMPORAL__NAMESPACE", "nobodys", "temporal", "recoup bootstrap"),
        ("LINK_SECRETS", "[]", "update links", "RECOUP_LINK_SECRETS"),
        ("POLICY_FILE", "none.yaml", "policy", "none.yaml"),
        ("MAIL__TEMPLATES", "none", "messages", "none"),
        ("MAIL__KIND", "smtp", "settings", "smtp.host"),
        ("DATABASE_URL", "sqlite:///other.db", "ledger", "recoup migrate"),
        ("ACCESS__WEBHOOK_URL", "http://127.0.0.1:1/", "access", "Nobody listens"),
        ("STRIPE__API_KEI", "x", "settings", "RECOUP_STRIPE__API_KEY"),
    ],
)
def test_what_is_wrong_is_named(
    practice: Practice, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, what: str, says: str
) -> None:
    """Each thing that is wrong is found where it belongs, and the doctor ends with 1."""
    if variable == "ACCESS__WEBHOOK_URL":
        monkeypatch.setenv("RECOUP_ACCESS__WEBHOOK_SECRET", "whsec_MDEyMzQ1Njc4OWFiY2RlZg==")
    if variable == "STRIPE__API_BASE":
        monkeypatch.setattr("recoup.billing.client.NETWORK_RETRIES", 0)
    monkeypatch.setenv(f"RECOUP_{variable}", value)
    assert says in _mended(practice, what)


def test_a_backend_without_a_secret_is_named(practice: Practice, monkeypatch: pytest.MonkeyPatch) -> None:
    """An address without the secret that signs is a finding with its setting, not a failure of the doctor."""
    monkeypatch.setenv("RECOUP_ACCESS__WEBHOOK_URL", "http://127.0.0.1:1/")
    assert "access.webhook_secret" in _mended(practice, "access")


def test_a_temporal_that_does_not_answer(practice: Practice, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unreachable Temporal is a finding among the others."""
    monkeypatch.setattr("recoup.temporal.connection.CONNECT_SECONDS", 1.0)
    monkeypatch.setenv("RECOUP_TEMPORAL__ADDRESS", "127.0.0.1:1")
    assert "127.0.0.1:1" in _mended(practice, "temporal")
    assert practice.findings()["stripe"][0] == "ok"


def test_a_broken_template_is_named_with_its_place(
    practice: Practice, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A template of the operator's that cannot be filled in is named with its file."""
    broken = tmp_path / "mine" / "mail" / "reminder"
    broken.mkdir(parents=True)
    (broken / "body.txt.j2").write_text("Hello {{ customer_nane }}")
    monkeypatch.setenv("RECOUP_MAIL__TEMPLATES", str(tmp_path / "mine"))
    assert "body.txt.j2" in _mended(practice, "messages")


def test_a_portal_that_does_not_let_customers_in(practice: Practice) -> None:
    """A portal configuration that forbids the update of payment methods would make every link useless."""
    client = practice.sandbox.client()
    configuration = client.v1.billing_portal.configurations.list({"is_default": True}).data[0]
    feature = "payment_method_update"
    client.v1.billing_portal.configurations.update(
        configuration.id, {"features": {feature: {"enabled": False}}}
    )
    try:
        assert configuration.id in _mended(practice, "portal")
    finally:
        client.v1.billing_portal.configurations.update(
            configuration.id, {"features": {feature: {"enabled": True}}}
        )
