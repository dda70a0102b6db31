"""The files of ``deploy/``: every setting, command, file and metric that they name is there."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import Metric

from recoup.cli import cli
from recoup.clock import SystemClock
from recoup.ledger import Ledger
from recoup.metrics import REGISTRY
from recoup.observing.standing import LedgerCollector
from recoup.settings import PREFIX, Settings, _known_keys

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
FILES = sorted(path for path in DEPLOY.rglob("*") if path.is_file())
OF_THE_LIBRARY = {"up"}
"""What Prometheus itself makes."""


def test_every_setting_there_is_one() -> None:
    """A variable that Recoup does not know would end the process when it starts."""
    known = {PREFIX + key for key in _known_keys(Settings)}
    named = {name for path in FILES for name in re.findall(r"RECOUP_[A-Z_]+[A-Z]", path.read_text())}
    assert named
    assert named - known == set()


def test_every_command_there_is_one() -> None:
    """What is started exists."""
    assert isinstance(cli, click.Group)
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    started = [service["command"] for service in compose.values() if service["image"] == "recoup"]
    for document in yaml.safe_load_all((DEPLOY / "kubernetes" / "recoup.yaml").read_text()):
        if document["kind"] != "Service":
            started += [each["args"] for each in document["spec"]["template"]["spec"]["containers"]]
    units = [path.read_text() for path in FILES if path.suffix == ".service"]
    started += [[re.findall(r"^ExecStart=\S+/recoup (\w+)$", unit, flags=re.MULTILINE)[0]] for unit in units]
    assert len(started) >= 8
    for words in started:
        assert words[0] in cli.commands, words


def _names(registry: CollectorRegistry) -> Iterator[str]:
    def of(metric: Metric) -> Iterator[str]:
        yield metric.name
        suffixes = {"counter": ["_total"], "histogram": ["_bucket", "_count", "_sum"]}.get(metric.type, [])
        yield from (metric.name + suffix for suffix in suffixes)

    for metric in registry.collect():
        yield from of(metric)


@pytest.fixture
def served(tmp_path: Path) -> set[str]:
    """The name of everything that a running process serves."""
    ledger = Ledger.connect(f"sqlite:///{tmp_path}/ledger.db")
    ledger.migrate()
    registry = CollectorRegistry()
    registry.register(REGISTRY)
    registry.register(LedgerCollector(ledger, SystemClock()))
    names = set(_names(registry))
    ledger.close()
    return names


def test_every_metric_that_is_watched_is_served(served: set[str]) -> None:
    """In the alert rules, on the board, and in the table of docs/metrics.md: nobody waits for a figure that never comes."""
    board = json.loads((DEPLOY / "grafana" / "recoup.json").read_text())
    rules = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yaml").read_text())["groups"][0]["rules"]
    asked = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    asked += [rule["expr"] for rule in rules]
    named = {name for one in asked for name in re.findall(r"\b(recoup_\w+|up)\b(?=[{\[)\s]|$)", one)}
    assert len(named) >= 9
    assert named - served - OF_THE_LIBRARY == set()
    documented = set(
        re.findall(r"^\| `(recoup_\w+)`", (ROOT / "docs" / "metrics.md").read_text(), re.MULTILINE)
    )
    assert documented <= served
    assert {name for name in named if name.startswith("recoup_")} <= {
        name + suffix for name in documented for suffix in ("", "_count", "_bucket")
    }


def test_every_event_that_is_watched_is_one() -> None:
    """The kinds on the board are kinds of the ledger."""
    from recoup.integrations.published import INTERNAL, PUBLISHED

    board = (DEPLOY / "grafana" / "recoup.json").read_text()
    kinds = {kind for some in re.findall(r"kind=~?\\\"([a-z_|]+)\\\"", board) for kind in some.split("|")}
    assert kinds
    assert kinds <= set(PUBLISHED) | INTERNAL


def test_every_port_that_is_scraped_is_served() -> None:
    """The targets of Prometheus are services of the compose file, on the ports that their settings name."""
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    jobs = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yaml").read_text())["scrape_configs"]
    for target in (target for job in jobs for each in job["static_configs"] for target in each["targets"]):
        service, port = target.split(":")
        assert port in compose[service]["environment"].values(), target


def test_the_compose_file_hangs_together() -> None:
    """What a service waits for, mounts and reads is there."""
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    services, volumes = compose["services"], set(compose["volumes"])
    for name, service in services.items():
        assert set(service.get("depends_on", ())) <= set(services), name
        for source in (mount.split(":")[0] for mount in service.get("volumes", ())):
            mine = source in volumes or (DEPLOY / source).exists() or source == "./policy.yaml"
            assert mine, f"{name}: {source}"
    for name in ("postgres", "temporal"):
        assert "ports" not in services[name], "it is nobody's business outside"
    for service in services.values():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))


def test_the_container_has_all_of_the_product() -> None:
    """Every part that a process imports is copied, and nothing that is not there; it does not run as root."""
    text = (DEPLOY / "Containerfile").read_text()
    copied = [
        word
        for line in re.findall(r"^COPY (?!--from)(.+)$", text, re.MULTILINE)
        for word in line.split()[:-1]
    ]
    assert all((ROOT / word).exists() for word in copied)
    assert {"recoup", "workflows", "activities", "worker.py", "starter.py", "policy.yaml"} <= set(copied)
    assert re.search(r"^USER 10001$", text, re.MULTILINE)
    assert "--require-hashes" in text


def test_the_policy_beside_the_manifests_is_the_shipped_one() -> None:
    """Kustomize reads no file outside its folder, so the policy stands there once more."""
    assert (DEPLOY / "kubernetes" / "policy.yaml").read_text() == (ROOT / "policy.yaml").read_text()


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")
def test_the_manifests_can_be_built() -> None:
    """Kustomize puts them together, with the policy, and every container may neither write to itself nor become root."""
    built = subprocess.run(
        ["kubectl", "kustomize", str(DEPLOY / "kubernetes")],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    ).stdout
    documents: list[dict[str, Any]] = list(yaml.safe_load_all(built))
    assert sorted(each["kind"] for each in documents) == [
        "ConfigMap",
        "Deployment",
        "Deployment",
        "Job",
        "Service",
    ]
    for each in documents:
        if "template" in each.get("spec", {}):
            (container,) = each["spec"]["template"]["spec"]["containers"]
            assert container["securityContext"]["readOnlyRootFilesystem"]
            assert each["spec"]["template"]["spec"]["securityContext"]["runAsNonRoot"]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_the_units_can_be_read(tmp_path: Path) -> None:
    """Systemd's own check has nothing to say against them, given that the program is there."""
    for unit in (path for path in FILES if path.suffix == ".service"):
        text = unit.read_text().replace("/opt/recoup/.venv/bin/recoup", sys.executable)
        copy = tmp_path / unit.name
        copy.write_text(text)
        told = subprocess.run(
            ["systemd-analyze", "verify", str(copy)], check=False, capture_output=True, text=True, timeout=60
        )
        mine = [line for line in (told.stdout + told.stderr).splitlines() if unit.name in line]
        assert mine == []
