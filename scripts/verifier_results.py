"""Results of verifiers on a benchmark, as the lines of a table: for ``scripts/verifiers``."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields, replace
from pathlib import Path

from verifier_answers import Answer, Instance, Judgement, judged

from sinrelu.errors import FormatError

JUDGED = ("kind", "tol", "wiring", "weights", "expected", "margin_asked", "margin")
"""Columns that are those of the truth."""


@dataclass(frozen=True)
class Result:
    """A run: a line of the results, as text.

    ``seconds`` is of the whole process. ``outside`` and ``short`` are how far the x claimed is from
    the interval and N(x) from the threshold, if that is a miss; rounded, the miss was exact.
    """

    verifier: str
    command: str
    limit: str
    machine: str
    date: str
    sha256: str
    onnx: str
    vnnlib: str
    verdict: str
    x: str
    seconds: str
    message: str
    kind: str = ""
    tol: str = ""
    wiring: str = ""
    weights: str = ""
    expected: str = ""
    margin_asked: str = ""
    margin: str = ""
    counterexample: str = ""
    outcome: str = ""
    outside: str = ""
    short: str = ""

    @property
    def run(self) -> tuple[str, ...]:
        """What makes a run the same run: verifier, command, limit, and what the files hold."""
        return self.verifier, self.command, self.limit, self.sha256

    @property
    def answer(self) -> Answer:
        """What the verifier said."""
        return Answer(self.verdict, self.x or None, float(self.seconds), self.message)

    def held_against(self, instance: Instance) -> Result:
        """Judge the answer; raise TruthError if it proves the truth wrong."""
        truth = {name: getattr(instance, name) for name in JUDGED}
        own = instance.counterexample
        truth["counterexample"] = "" if own is None else repr(own)
        return replace(self, **truth, **judgement_text(judged(instance, self.answer)))


def judgement_text(judgement: Judgement) -> dict[str, str]:
    """Return the columns of a judgement."""
    outcome, miss = judgement
    outside, short = (f"{float(by):.3g}" if by > 0 else "" for by in miss or (0, 0))
    return {"outcome": outcome, "outside": outside, "short": short}


def read_results(file: Path) -> list[Result]:
    """Read results, none if there is no file; raise FormatError if it is no table of them."""
    if not file.exists():
        return []
    try:
        with file.open(newline="") as stream:
            lines = list(csv.DictReader(stream))
        found = [Result(**line) for line in lines]
        for result in found:
            _ = result.answer, float(result.x or 0)
    except (OSError, ValueError, TypeError, csv.Error) as error:
        raise FormatError(f"{file}: no table of results: {error}; remove it") from error
    return found


def table_of(results: Iterable[Result]) -> bytes:
    """Return results as CSV."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(field.name for field in fields(Result))
    writer.writerows(map(astuple, results))
    return stream.getvalue().encode()
