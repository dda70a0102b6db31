"""Simulating and learning: cases a second under a fixed schedule and under the planner, and what training on many attempts takes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from bench._processes import environment
from bench._rows import Figures, Row
from recoup.commands._sums import one_thread_for_sums

CASES = 3_000
ATTEMPTS = 100_000
"""As many as the target names; the newest 60,000 of them are learned from."""


def measure(place: Path, times: int) -> list[Row]:
    """Both ways in this process, by the CPU time of its one thread; training in a process of its own, whose memory is told."""
    one_thread_for_sums()
    return [*_playing(times), *_training(place, times)]


def _playing(times: int) -> list[Row]:
    from recoup.simulation.cases import draw_cases
    from recoup.simulation.choosers import Planned
    from recoup.simulation.play import play_chosen, play_fixed
    from recoup.simulation.population import load_population
    from recoup.simulation.rivals import Setting, campaign_for, schedules
    from recoup.timing._stories import shipped_stories

    setting = Setting(8, 14)
    world, even = load_population("reference"), campaign_for(setting, schedules(setting)["even"])
    fixed, planned = [], []
    for turn in range(times):
        cases = draw_cases(world, CASES, seed=1 + turn, window_days=setting.days)
        began = time.process_time()
        play_fixed(cases, "even", even)
        between = time.process_time()
        play_chosen(cases, "planner", campaign_for(setting), Planned(shipped_stories(), setting))
        fixed.append(CASES / (between - began))
        planned.append(CASES / (time.process_time() - between))
    return [
        _rate("even", "`recoup simulate`, eight even attempts in 14 days", 5_000, fixed),
        _rate("planned", "`recoup simulate`, the planner's eight in 14 days", 250, planned),
    ]


def _rate(name: str, what: str, least: int, values: Sequence[float]) -> Row:
    figures = Figures("cases for each CPU-second", "/s", tuple(values))
    return Row(name, what, f"≥ {least} /s", figures, limit=least, at_least=True)


def _training(place: Path, times: int) -> list[Row]:
    log = _log(place)
    seconds, memory = [], []
    for _ in range(min(times, 3)):
        began = time.perf_counter()
        memory.append(_trained(place, log))
        seconds.append(time.perf_counter() - began)
    what = f"`recoup timing train`, {ATTEMPTS:,} attempts"
    return [
        Row("train", what, "≤ 60 s", Figures("until the model is written", "s", tuple(seconds)), limit=60),
        Row("memory", what, "≤ 2 GB", Figures("the most it held", "GB", tuple(memory)), limit=2),
    ]


def _log(place: Path) -> Path:
    """As many attempts as the target names, of a world in which there is something to learn."""
    from recoup.simulation.learning import attempts_log
    from recoup.simulation.population import load_population
    from recoup.simulation.rivals import Setting

    lines = attempts_log(load_population("night"), Setting(8, 14), ATTEMPTS // 3, seed=5)
    if len(lines) < ATTEMPTS:
        raise RuntimeError(f"{len(lines)} attempts are not enough for {ATTEMPTS}")
    path = place / "attempts.jsonl"
    path.write_text("".join(f"{line.rstrip()}\n" for line in lines[:ATTEMPTS]), encoding="utf-8")
    return path


def _trained(place: Path, log: Path) -> float:
    """Train once; the most memory that the process held, in GB (wait4(2), ``ru_maxrss``)."""
    words = [sys.executable, "-m", "recoup", "timing", "train"]
    process = subprocess.Popen(
        [*words, "--attempts", str(log), "--out", str(place / "model.json")],
        cwd=place,
        env=environment(),
        stdout=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"training ended with {process.returncode}")
    return usage.ru_maxrss / 1024**2
