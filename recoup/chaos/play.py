"""``recoup chaos`` from start to end: plans, batches side by side, audit, report."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from pathlib import Path

import click

from recoup.chaos.audit import HARMLESS, Finding, audit
from recoup.chaos.batch import Batch
from recoup.chaos.plan import BATCH, Setting, plan_of, setting_of
from recoup.chaos.processes import ProcessBatch
from recoup.chaos.report import Kept, Report, Tally
from recoup.chaos.runs import Played, Run
from recoup.chaos.shards import side_by_side
from recoup.errors import ConfigurationError
from recoup.process import EXIT_FAILED
from recoup.virtual.place import MEMORY, quietly, stopped_in_order, workshop

PROCESSES = "processes"
"""The setting of the runs with real processes."""
PROCESS_BATCH = 25
"""Runs that share a stack of processes."""


@dataclass(frozen=True, slots=True)
class Options:
    """What is asked for."""

    runs: int = 1000
    """Runs in one process, in virtual time."""
    seed: int = 1
    processes: int = 0
    """Runs beside them with real processes and SIGKILL."""
    json_file: Path | None = None
    shards: int = 2
    """Batches that are played at the same time."""
    traces: Path = Path("chaos-traces")
    """Where the trace of each run that failed is kept."""


@dataclass(frozen=True)
class BatchResult:
    """What a batch came to, small enough to be handed from process to process."""

    setting: str
    seeds: Sequence[int]
    tally: Tally
    findings: list[Finding]
    traces: dict[int, str]

    def again(self, seed: int) -> str:
        """The command that plays a run once more; one with processes is what it is among its neighbours only."""
        if self.setting == PROCESSES:
            return f"recoup chaos --runs 0 --processes {len(self.seeds)} --seed {self.seeds[0]}"
        return f"recoup chaos --runs 1 --seed {seed}"


def run_chaos(options: Options) -> int:
    """Play the runs; 0 where nothing happened that must not, 1 otherwise.

    Raises:
        ConfigurationError: nothing is asked for, or the figures could not be written; nothing was played.
    """
    _check(options)
    began, report = time.monotonic(), Report()
    with stopped_in_order(), closing(_results(options)) as results:
        for result in results:
            _take_in(report, result, options.traces)
            _write(report, options, time.monotonic() - began)
            total = report.total
            click.echo(
                f"{total.runs} of {options.runs + options.processes} runs, {len(report.failures)} failures, "
                f"{time.monotonic() - began:.0f} s",
                err=True,
            )
    _say(report, time.monotonic() - began)
    return EXIT_FAILED if report.failures else 0


def _check(options: Options) -> None:
    if not options.runs + options.processes:
        raise ConfigurationError("--runs 0 plays nothing: ask for one run at least, or for some --processes")
    file = options.json_file
    if file is not None and not (
        file.absolute().parent.is_dir() and os.access(file.absolute().parent, os.W_OK)
    ):
        raise ConfigurationError(
            f"The figures cannot be written to {file}: give --json a file in a folder that exists and can be written to"
        )


def _write(report: Report, options: Options, seconds: float) -> None:
    """What is known so far: long runs can be looked at, and one that is interrupted was not in vain."""
    if options.json_file is not None:
        told = report.as_json(_command(options), options.seed, seconds)
        options.json_file.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")


def grouped(seeds: Iterable[int]) -> Iterator[list[int]]:
    """Seeds that are played together: always the same neighbours share a world."""
    for _, batch in groupby(seeds, lambda seed: seed // BATCH):
        alike: dict[Setting, list[int]] = {}
        for seed in batch:
            alike.setdefault(setting_of(seed), []).append(seed)
        yield from alike.values()


def _stacks(seeds: Sequence[int]) -> Iterator[Sequence[int]]:
    for begin in range(0, len(seeds), PROCESS_BATCH):
        yield seeds[begin : begin + PROCESS_BATCH]


def play(seeds: Sequence[int], directory: Path) -> BatchResult:
    """Play one batch in this process and audit it."""
    began, setting = time.monotonic(), setting_of(seeds[0])
    batch = Batch(directory, [plan_of(seed) for seed in seeds], setting)
    with batch.played() as played:
        findings = audit(played)
        tally = _tally(played, findings, time.monotonic() - began)
    return BatchResult(setting.name, seeds, tally, findings, _traces(played.runs, findings))


def _play_with_processes(seeds: Sequence[int], directory: Path) -> BatchResult:
    """Play one batch with processes of its own and audit it."""
    began = time.monotonic()
    batch = ProcessBatch(directory, [plan_of(seed) for seed in seeds])
    with batch.played() as played:
        findings = audit(played)
        tally = _tally(played, findings, time.monotonic() - began)
    tally.hits = batch.hits
    return BatchResult(PROCESSES, seeds, tally, findings, _traces(played.runs, findings))


def _tally(played: Played, findings: list[Finding], seconds: float) -> Tally:
    cases = played.ledger.cases.list_all(limit=100_000)
    hits: Counter[str] = Counter()
    for run in played.runs:
        hits.update({fault.value: count for fault, count in run.hits.items()})
    return Tally(
        runs=len(played.runs),
        figures=Counter(finding.figure for finding in findings),
        hits=hits,
        outcomes=Counter(case.outcome.value if case.outcome else "open" for case in cases),
        seconds=seconds,
    )


def _traces(runs: Iterable[Run], findings: list[Finding]) -> dict[int, str]:
    failed = {finding.seed for finding in findings if finding.figure not in HARMLESS}
    return {run.plan.seed: "\n".join([str(run.plan), *run.trace]) for run in runs if run.plan.seed in failed}


def _results(options: Options) -> Generator[BatchResult, None, None]:
    """The batches' results as they come: those in virtual time first, then those with real processes."""
    with workshop("chaos", MEMORY) as place:
        yield from _in_virtual_time(options, place)
    killed = range(options.seed, options.seed + options.processes)
    with workshop("chaos") as place:
        for stack in _stacks(killed):
            yield _apart(list(stack), place, _play_with_processes)


def _in_virtual_time(options: Options, place: Path) -> Iterator[BatchResult]:
    groups = list(grouped(range(options.seed, options.seed + options.runs)))
    if len(groups) <= 1 or options.shards == 1:
        for group in groups:
            yield _apart(group, place)
        return
    with closing(side_by_side(partial(_apart, place=place), groups, options.shards)) as results:
        yield from results


def _apart(
    seeds: list[int], place: Path, how: Callable[[Sequence[int], Path], BatchResult] = play
) -> BatchResult:
    """Play a batch in a directory of its own, quietly."""
    directory = place / f"{how.__name__}-{seeds[0]}"
    try:
        with quietly():
            return how(seeds, directory)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _take_in(report: Report, result: BatchResult, traces: Path) -> None:
    report.tallies.setdefault(result.setting, Tally()).add(result.tally)
    files: dict[int, Path] = {}
    for seed, text in result.traces.items():
        traces.mkdir(parents=True, exist_ok=True)
        kind = "processes-" if result.setting == PROCESSES else ""
        files[seed] = traces / f"{kind}seed-{seed}.txt"
        said = [finding.sentence for finding in result.findings if finding.seed == seed]
        files[seed].write_text("\n".join([*said, "", text, ""]), encoding="utf-8")
    report.findings += [
        Kept(finding, files.get(finding.seed), result.again(finding.seed)) for finding in result.findings
    ]


def _command(options: Options) -> str:
    more = f" --processes {options.processes}" if options.processes else ""
    return f"recoup chaos --runs {options.runs} --seed {options.seed}{more}"


def _say(report: Report, seconds: float) -> None:
    for each in report.failures:
        click.echo(f"{each.finding.figure}: {each.finding.sentence}")
        click.echo(f"  again: {each.again}    trace: {each.trace}")
    told = report.total.as_json()
    for name, value in told.items():
        if isinstance(value, int):
            click.echo(f"{name:>18}  {value}")
    for name, tally in report.tallies.items():
        bad = sum(count for figure, count in tally.figures.items() if figure not in HARMLESS)
        runs = "1 run" if tally.runs == 1 else f"{tally.runs} runs"
        click.echo(f"{name}: {runs}, {bad} that must not be, {tally.figures['raced_charges']} raced charges")
    struck = {kind: count for kind, count in told["faults"].items() if count}
    click.echo(f"{len(struck)} kinds of fault took effect, {sum(struck.values())} times, in {seconds:.0f} s")
