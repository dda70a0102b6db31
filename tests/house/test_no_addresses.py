"""The project is the same on every machine: no package registry's address, no path of somebody's machine, no notes to self.

The patterns are put together from pieces, so that this file does not match itself.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.house._tree import ROOT, our_files, report


def _any_of(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.IGNORECASE)


REGISTRIES = _any_of(
    "py" + r"pi\.org",
    "python" + r"hosted\.org",
    "registry\\." + "npmjs",
    "registry\\." + "yarnpkg",
    r"proxy\.golang" + r"\.org",
    "jf" + r"rog\.io",
    "arti" + "factory",
    "--(extra-)?index" + "-url\\b.*://",
    "file:" + "///(?!tmp|var/lib|path)",
)
MACHINES = _any_of(
    r"(?<![\w.~])/ro" + r"ot/",
    r"(?<![\w.~])/ho" + r"me/\w",
    r"(?<![\w.~])/Us" + r"ers/\w",
    r"(?<![\w.~}])/wo" + r"rk/",
    r"(?<![\w.~])/opt/py" + "pi",
    r"/t" + r"mp/(s|brief|bash_jobs)\b",
    r"\b[A-Z]:" + r"\\Users",
)
WORKPLACE = _any_of(
    r"\bsub-?" + r"agents?\b",
    r"\bcl" + r"aude\b",
    r"\banth" + r"ropic\b",
    r"\bchat" + r"gpt\b",
    r"\bopen" + r"ai\b",
    r"\bco" + r"pilot\b",
    r"\blanguage " + r"models?\b",
    r"\bDES" + r"IGN\.md",
    r"\bCOM" + r"MON\.md",
    r"\bfacts" + r"/\w+\.md",
    r"\b(this|my|our|the) (br" + r"ief|ses" + r"sion's br" + r"ief)\b",
    r"\bas an " + r"AI\b",
)
KINDS = {"a registry's address": REGISTRIES, "a path of one machine": MACHINES, "a note to self": WORKPLACE}

_TEXTS = {"", ".py", ".md", ".toml", ".yaml", ".yml", ".json", ".lock", ".txt", ".sh", ".html", ".j2", ".mako", ".po",
          ".cfg", ".ini", ".css", ".js", ".svg", ".service", ".example", ".gitignore"}  # fmt: skip


def violations_in(place: str, text: str) -> list[str]:
    """The lines of a file that are about one machine, or about how the file came to be."""
    return [
        f"{place}:{number}: {kind}: {found.group()}"
        for number, line in enumerate(text.splitlines(), 1)
        for kind, pattern in KINDS.items()
        if (found := pattern.search(line))
    ]


def _texts() -> list[Path]:
    return [path for path in our_files() if path.suffix in _TEXTS and b"\0" not in path.read_bytes()[:4096]]


def test_no_file_is_about_one_machine() -> None:
    """No text of the project names a registry, a path of one machine, or how it came to be written."""
    violations = [
        found
        for path in _texts()
        for found in violations_in(path.relative_to(ROOT).as_posix(), path.read_text(errors="replace"))
    ]
    assert not violations, report(violations, "Take it out, or say it so that it holds everywhere:")


@pytest.mark.parametrize(
    "line",
    [
        "see https://" + "py" + "pi.org/simple",
        "https://files.python" + "hosted.org/packages/a.whl",
        "--extra-index" + "-url https://packages.example/simple",
        "read /ro" + "ot/.pyenv/shims/python",
        "run it in /wo" + "rk/main",
        "DATA = '/ho" + "me/kim/data'",
        "kept in /t" + "mp/s/v",
        "as DES" + "IGN.md says",
        "see facts" + "/stripe.md",
        "written by Cl" + "aude",
        "a sub" + "agent made this",
    ],
)
def test_a_planted_line_is_found(line: str) -> None:
    """Each kind of line is found."""
    assert len(violations_in("docs/planted.md", f"first\n{line}\n")) == 1


@pytest.mark.parametrize(
    "line",
    [
        "import httpx2",
        "User-Agent: Recoup",
        "docs.stripe.com/declines/codes",
        "a local session, a homework, /workflows/recovery",
        "sqlite:///recoup.db",
        "https://invoice.stripe.com/i/acct_1/test",
        "GET /v1/network/home/",
    ],
)
def test_an_ordinary_line_is_left_alone(line: str) -> None:
    """Addresses that hold everywhere, and words that only look alike, are not complained about."""
    assert violations_in("docs/planted.md", line) == []
