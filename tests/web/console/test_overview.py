"""The first page, and the pages about the system."""

from __future__ import annotations

import base64
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from recoup.integrations.settings import IntegrationSettings
from recoup.ledger import Ledger, NewMessage, NewStop
from recoup.rules.case import AttemptState, Outcome, Stage, Template
from recoup.rules.channels import Channel, StopReason
from recoup.rules.policy import Campaign, Retries
from recoup.temporal.standing import Standing
from tests.house._tree import ROOT
from tests.web.conftest import Book
from tests.web.console.conftest import LogIn
from tests.web.console.desk import FakeCases, FakeStands, token_in, words_of
from tests.web.doubles import NOW, StandingClock

HOUR = timedelta(hours=1)


def test_before_the_first_case(operator: TestClient) -> None:
    """What is still to be set up, with the command for it."""
    said = words_of(operator.get("/"))
    for wanted in ("Stripe's webhooks none yet", "Workers 1", "into files, to nobody", "test mode", "Before the first case",
                   "recoup doctor", "Nobody is needed"):  # fmt: skip
        assert wanted in said, wanted


def test_what_comes_up(operator: TestClient, book: Book, ledger: Ledger, stands: FakeStands) -> None:
    """The next day and the next week apart, soonest first, each with what is done and why then; the queue beside it."""
    for n, hours in ((1, 30), (2, 2), (3, 200)):
        book.case(f"in_{n}", number=f"AC-{n}")
        stands.stands[f"in_{n}"] = Standing(f"in_{n}", Stage.WAITING, NOW + hours * HOUR)
    book.case("in_4")
    ledger.cases.note("in_4", Stage.PERSON, NOW, next_kind="person", next_because="somebody must look")
    ledger.webhooks.seen("evt_1", "invoice.paid", None, NOW, NOW - 2 * HOUR)
    said = words_of(operator.get("/"))
    assert "2 hours ago" in said
    assert "somebody must look" in said
    assert (
        said.index("Next 24 hours · 1")
        < said.index("AC-2")
        < said.index("Next 7 days · 1")
        < said.index("AC-1")
    )
    assert "the campaign tells the customer on day 0" in said
    assert "AC-3" not in said
    assert "Before the first case" not in said


def test_without_temporal(operator: TestClient, book: Book, cases: FakeCases, stands: FakeStands) -> None:
    """The ledger's part is shown, with what is missing."""
    book.case()
    cases.away = stands.away = True
    said = words_of(operator.get("/"))
    assert "Workers Temporal does not answer" in said
    assert "when cases go on, is not known at the moment" in said
    assert "when cases go on, is not known at the moment" in words_of(operator.get("/cases?tab=all"))
    assert operator.get("/cases.csv?tab=all").status_code == 200


def test_the_list_says_what_the_cases_say(operator: TestClient, book: Book, stands: FakeStands) -> None:
    """What is paused, and when a case goes on, comes from the cases themselves."""
    for case in ("in_1", "in_2"):
        book.case(case)
    stands.stands = {
        "in_1": Standing("in_1", Stage.PAUSED, NOW + 48 * HOUR),
        "in_2": Standing("in_2", Stage.WAITING, NOW + 5 * HOUR),
    }
    paused, active = operator.get("/cases?tab=paused"), operator.get("/cases?tab=active")
    assert "/cases/in_1" in paused.text
    assert "/cases/in_2" not in paused.text
    assert "in 2 days" in words_of(paused)
    assert "retry planned" in words_of(active)
    assert "Paused 1" in words_of(active)
    assert "in_1" in operator.get("/cases.csv?tab=paused").text


def test_what_reaches_customers(operator: TestClient, ledger: Ledger, book: Book) -> None:
    """Messages by channel and what became of them, and what is stopped, by whom and why; an address has no name."""
    book.case()
    for key, channel in (("a", "email"), ("b", "email"), ("c", "sms")):
        new = NewMessage(
            key=key,
            case_id="in_1",
            customer="cus_1",
            template=Template.REMINDER,
            channel=channel,
            locale="en",
        )
        ledger.messages.reserve(new, NOW)
        ledger.messages.begin_sending(key, NOW)
        ledger.messages.mark_sent(key, f"id-{key}", NOW)
    ledger.messages.mark_returned("b", "no such mailbox", NOW)
    for subject, customer in (("cus_1", "cus_1"), ("address/0123", None)):
        stop = NewStop(
            channel=Channel.EMAIL,
            subject=subject,
            customer=customer,
            reason=StopReason.BOUNCED,
            detail="5.1.1",
            actor="system",
        )
        ledger.channels.stop(stop, NOW)
    said = words_of(operator.get("/deliverability"))
    assert "Mail 1 1 0 0 0" in said
    assert "Text message 1 0 0 0 0" in said
    assert "bounced: 2" in said
    assert "an address, known by its hash alone" in said
    assert "0123" not in said


class TestIntegrations:
    """A console whose settings name a destination."""

    @pytest.fixture
    def more(self) -> dict[str, Any]:
        hook = {
            "kind": "webhook",
            "name": "crm",
            "url": "https://crm.acme.example/in",
            "secrets": ["whsec_" + base64.b64encode(b"c" * 32).decode()],
        }
        return {"integrations": IntegrationSettings.model_validate({"destinations": [hook]})}

    def test_parked_deliveries_go_once_more(
        self, as_: LogIn, ledger: Ledger, book: Book, woken: list[str]
    ) -> None:
        """An admin sees what was refused and why, and has it delivered again, with a reason that is kept."""
        book.case()
        book.end("in_1", Outcome.LOST_SUSPENDED)
        event = ledger.events.of_case("in_1")[-1]
        ledger.deliveries.register("crm", 0, NOW)
        ledger.deliveries.claim("crm", "w", NOW, HOUR)
        ledger.deliveries.refused("crm", "w", event.id, "cus_1", NOW, "410 gone", 410)
        assert "Deliver everything" not in as_("operator").get("/integrations").text
        admin = as_("admin")
        page = admin.get("/integrations")
        parked = admin.get("/integrations/crm/parked.csv").text.splitlines()
        assert parked[0] == "event,about,state,attempts,last_tried,why"
        assert len(parked) == 2
        assert "410 gone" in page.text
        token = token_in(page)
        assert (
            admin.post("/integrations/crm/replay", data={"token": token})
            .headers["location"]
            .endswith("reason")
        )
        assert woken == []
        answer = admin.post("/integrations/crm/replay", data={"token": token, "reason": "it is back"})
        assert answer.headers["location"] == "/integrations?said=replayed"
        assert woken == ["crm"]
        assert ledger.deliveries.next_due("crm", NOW) is not None
        row = ledger.console.logged(limit=1)[0]
        assert (row.action, row.subject, row.reason, row.data) == (
            "integrations.replay", "crm", "it is back", {"events": 1},
        )  # fmt: skip
        assert (
            admin.post("/integrations/other/replay", data={"token": token, "reason": "x"}).status_code == 404
        )


class TestPolicy:
    """A console whose policy file may change."""

    @pytest.fixture
    def more(self, tmp_path: Path) -> dict[str, Any]:
        path = tmp_path / "policy.yaml"
        path.write_text((ROOT / "policy.yaml").read_text(encoding="utf-8"), encoding="utf-8")
        return {"policy_file": path}

    def test_versions_and_what_changes(self, operator: TestClient, book: Book, tmp_path: Path) -> None:
        """What the file says, what it says differently since the start, and what running cases have of it; a broken file is named."""
        path = tmp_path / "policy.yaml"
        older = Campaign(retries=Retries(after_days=(1,)))
        book.case(policy=older.model_dump(mode="json"), policy_version="0ld")
        said = words_of(operator.get("/policy"))
        assert "The file has changed" not in said
        assert "0ld" in said
        path.write_text("version: 1\ncampaigns:\n  - name: everybody\n    grace_days: 3\n", encoding="utf-8")
        changed = words_of(operator.get("/policy"))
        assert "The file has changed since this console started" in changed
        assert "retries" in changed
        path.write_text("version: 1\ncampaigns: nonsense\n", encoding="utf-8")
        assert "campaigns" in words_of(operator.get("/policy"))


def test_the_log_page(as_: LogIn, ledger: Ledger, book: Book) -> None:
    """Everything, the newest first, by account and by case, page by page; what somebody typed is text."""
    book.case()
    admin = as_("admin")
    token = token_in(admin.get("/account"))
    evil = "<script>alert(1)</script>"
    for n in range(60):
        admin.post("/cases/in_1/do/note", data={"token": token, "reason": f"{evil}{n}", "step": "do"})
    page = admin.get("/log")
    assert "<script>alert" not in page.text
    assert "59" in page.text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;9<" not in page.text
    further = page.text.split('rel="next" href="', 1)[1].split('"', 1)[0].replace("&amp;", "&")
    assert "&lt;script&gt;alert(1)&lt;/script&gt;9<" in admin.get(further).text
    assert "in_1" not in admin.get("/log?actor=nobody").text
    assert ledger.console.logged(case_id="in_1", limit=1)


def test_how_well_payments_are_recovered(operator: TestClient, book: Book, clock: StandingClock) -> None:
    """The figures of the report, by count and by money, with what each means; worked out anew after five minutes."""
    for n in range(12):
        book.case(f"in_{n}", failed_at=NOW - timedelta(days=40), currency="pln", amount=10_000)
    for n in range(9):
        book.end(f"in_{n}", Outcome.RECOVERED_BY_RETRY)
    book.end("in_9", Outcome.LOST_SUSPENDED)
    page = operator.get("/figures")
    said = words_of(page)
    for wanted in ("Recovered 9 of 12", "In flight 2", "Lost 1", "PLN PLN 1,200.00 PLN 900.00 PLN 200.00 PLN 100.00 75%",
                   "Recovered by a retry 9", "open ones included"):  # fmt: skip
        assert wanted in said.replace("\u00a0", " "), wanted
    book.end("in_10", Outcome.LOST_CANCELLED)
    assert "In flight 2" in words_of(operator.get("/figures"))
    clock.move(minutes=6)
    assert "In flight 1" in words_of(operator.get("/figures"))
    assert "In flight 0" in words_of(operator.get("/figures?days=30")), "they failed earlier"
    assert "Recovered 9 of 12" in words_of(operator.get("/")), "what is known already needs no script"
    clock.move(minutes=6)
    assert 'hx-get="/figures"' in operator.get("/").text


def test_every_chart_has_its_numbers_beside_it(operator: TestClient, book: Book) -> None:
    """By month, by day with its band, by attempt and by hour: each picture has a title, says where its numbers stand, and they are the same."""
    failed = NOW - timedelta(days=40)
    for n in range(12):
        book.case(f"in_{n}", failed_at=failed, currency="pln", amount=10_000)
    book.attempt("in_0", state=AttemptState.DECLINED)
    for n in range(9):
        book.end(f"in_{n}", Outcome.RECOVERED_BY_RETRY)
    page = operator.get("/figures")
    charts = re.findall(r"<svg .*?</svg>", page.text, re.DOTALL)
    assert len(charts) == 7
    for chart in charts:
        assert re.match(r'<svg [^>]*role="img"><title>[^<]+</title><desc>The same numbers', chart)
        assert "style=" not in chart
    month, curve, cash, number, hour, week, funnel = charts
    assert f"{failed:%Y-%m}: Recovered 9" in month
    assert f"{failed:%Y-%m}: In flight 3" in month
    assert 'class="band"' in curve
    assert "1: Refused 1" in number
    assert f"{NOW:%H}: Refused 1" in hour
    assert f"{NOW:%Y-%m}: Recovered 9" in cash
    assert f"{NOW:%a %H}: 0 / 1" in week
    assert "Payment failed: 12" in funnel
    said = words_of(page)
    assert f"{failed:%Y-%m} 12 9 3 0 75%" in said
    assert "Attempt of the invoice Attempts Paid Rate 1 1 0" in said
    assert f"Hour Attempts Paid Rate {NOW:%H} 1 0" in said
    assert f"{NOW:%a %H} 1 0" in said
    assert "Payment failed 12 A message went out 0 Delivered unknown" in said
    assert len(re.findall("<svg ", operator.get("/figures?days=30").text)) == 5, (
        "attempts were made and money came, nothing failed"
    )
