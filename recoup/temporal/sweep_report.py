"""What a sweep came to, in lines for a terminal."""

from __future__ import annotations

from activities.sweep_contracts import Mend, SweepResult, Tally


def lines_of(result: SweepResult) -> list[str]:
    """The report: a line for each look, one for each of the first mends, and a last one that sums up."""
    seconds = (result.ended_at - result.began_at).total_seconds()
    found = sum(tally.found for tally in result.tallies)
    mended = sum(tally.mended for tally in result.tallies)
    lines = [_tally(tally) for tally in result.tallies]
    lines += [_mend(mend) for mend in result.mends]
    if found > len(result.mends):
        lines.append(f"  … and {found - len(result.mends)} more; the ledger's events sweep.… have them all")
    end = "Nothing was amiss" if not found else f"Found {found}, mended {mended}"
    whole = "" if result.is_whole else "; some could not be done, the next sweep tries again"
    return [*lines, f"{end} in {seconds:.0f} seconds{whole}."]


def _tally(tally: Tally) -> str:
    figures = f"{tally.looked} looked at, {tally.found} found, {tally.mended} mended"
    more = [f"{tally.left} need nothing"] if tally.left else []
    more += [f"{tally.failed} could not be mended"] if tally.failed else []
    more += [f"NOT FINISHED: {tally.problem}"] if tally.problem else []
    return f"{tally.look.words}: {', '.join([figures, *more])}"


def _mend(mend: Mend) -> str:
    done = f"{mend.did.replace('_', ' ')}, because " if mend.did else ""
    return f"  {mend.subject}: {done}{mend.because}"
