"""Experiments: what another campaign brings, judged at a fixed horizon on customers that chance has drawn."""

from recoup.experiments.judging import Judged, Verdict, judge
from recoup.experiments.reading import found, results
from recoup.experiments.telling import as_json

__all__ = ["Judged", "Verdict", "as_json", "found", "judge", "results"]
