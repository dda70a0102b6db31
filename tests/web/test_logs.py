"""Logs hold no secrets."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from recoup.links import UpdateLinks
from recoup.logs import configure_logs, mask_secrets


@pytest.fixture
def configured() -> Iterator[None]:
    """Configured for one test, then as before."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()


TOKEN = UpdateLinks(["a secret for this test"], "https://x.example").token("an-id-of-a-link-row", 3)


@pytest.mark.parametrize(
    "secret",
    [f"/u/{TOKEN}", f"https://x.example/u/{TOKEN}/done", "sk_live_abc123", "rk_test_abc123", "whsec_abc+/="],
)
def test_secrets_are_blackened_wherever_they_stand(secret: str) -> None:
    """Tokens of links, keys and signing secrets are masked in texts, lists and deep inside dictionaries."""
    event = mask_secrets(None, "info", {"event": f"GET {secret} failed", "deep": {"list": [f"a {secret}"]}})
    text = json.dumps(event, ensure_ascii=False)
    assert "…" in text
    for part in (TOKEN, "abc123", "abc+/="):
        assert part not in text


def test_ordinary_texts_stay(capsys: pytest.CaptureFixture[str], configured: None) -> None:
    """Ids of Stripe and routes are what logs are for; libraries' lines come out in the same form, one JSON a line."""
    configure_logs()
    structlog.get_logger("recoup.test").info("told", case="in_1/r2", route="/u/{token}")
    logging.getLogger("library").warning("GET %s failed", f"/u/{TOKEN}")
    first, second = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert (first["event"], first["case"], first["route"], first["level"]) == (
        "told",
        "in_1/r2",
        "/u/{token}",
        "info",
    )
    assert second["event"] == "GET /u/… failed"
    assert second["logger"] == "library"


def test_errors_come_with_their_traceback(capsys: pytest.CaptureFixture[str], configured: None) -> None:
    """A defect is logged with its traceback, as text, without the values of variables."""
    configure_logs()
    try:
        password = "hidden"  # noqa: F841 - must not be shown
        raise RuntimeError(f"at /u/{TOKEN}")
    except RuntimeError:
        logging.getLogger("library").exception("it broke")
    line = json.loads(capsys.readouterr().err)
    assert "Traceback" in line["exception"]
    assert TOKEN not in line["exception"]
