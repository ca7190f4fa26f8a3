"""Train networks of several sizes, compare them with built ones, and fine-tune built ones.

Usage: scripts/trained-baseline [--keep] [--steps 10000] [--seeds 3]

Rewrites docs/trained-baseline.csv (one line for each training), the tables of
docs/trained-baseline.md and the figure docs/trained-baseline.png. Every error is the bound that
`sinrelu verify` proves as well. With --keep the trainings in the .csv are not repeated.
"""

from __future__ import annotations

import argparse
import csv
import math
import re
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from dataclasses import astuple, dataclass, fields
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from statistics import median

import numpy as np

from sinrelu import Network, build, evaluate_float64
from sinrelu.arithmetic.rounding import decimal_above
from sinrelu.certify import certify
from sinrelu.compare import Entry, read_csv
from sinrelu.compare.growth import series
from sinrelu.constructions import WIRINGS
from sinrelu.layers.training import STEPS, fine_tune, train
from sinrelu.network import LAYERED, SKIP
from sinrelu.plots import SizeCurve, rendered, sizes_figure
from sinrelu.plots.style import ORANGE

FOLDER = Path(__file__).resolve().parent.parent / "docs"
TABLE = FOLDER / "scaling.csv"
PAGE, PICTURE, RUNS = (FOLDER / f"trained-baseline.{suffix}" for suffix in ("md", "png", "csv"))
LIMITS = (50, 150, 500, 2000, 9999)
HIDDEN_LAYERS = (1, 2, 3)
LARGEST_FLAT = 2000
"""With more connections, a single hidden layer takes minutes to train."""
FINEST = 1e-12
START_TOL = 1e-3
STARTS = ("fold-reflect", "chebyshev")
RATES = (1e-3, 1e-4, 1e-5)
GRID = 2**17


@dataclass(frozen=True)
class Job:
    """One training."""

    limit: int
    hidden_layers: int
    seed: int
    steps: int


@dataclass(frozen=True)
class Run:
    """What came of a training: the error is the proven bound."""

    limit: int
    hidden_layers: int
    seed: int
    steps: int
    connections: int
    sup_error: float


@dataclass(frozen=True)
class Judged:
    """A network and the proven bound of its error."""

    network: Network
    sup_error: float


def judged(network: Network, tol: float) -> Judged:
    """Bound the error of a network whose error is thought to be about ``tol``."""
    return Judged(network, certify(network, tol).sup_error)


def trained(job: Job) -> Run:
    """Run one training."""
    network = train(job.limit, job.steps, job.seed, job.hidden_layers).network
    return Run(
        **vars(job), connections=network.connections, sup_error=judged(network, 1e-3).sup_error
    )


def jobs(steps: int, seeds: int) -> Iterator[Job]:
    """Yield all trainings, the longest first."""
    for limit in reversed(LIMITS):
        for hidden_layers in reversed(HIDDEN_LAYERS):
            if hidden_layers > 1 or limit <= LARGEST_FLAT:
                yield from (Job(limit, hidden_layers, seed, steps) for seed in range(seeds))


@cache
def built(wiring: str) -> list[Entry]:
    """Return the networks of the default construction in the scaling study, with proven errors."""
    found = series(read_csv(TABLE))["fold-reflect", wiring]
    return [entry for entry in found if entry.tol >= FINEST]


def best_built(wiring: str, limit: int) -> Entry | None:
    """Return the built network of smallest tolerance within a limit of connections."""
    fitting = [entry for entry in built(wiring) if entry.connections <= limit]
    return min(fitting, key=lambda entry: entry.tol, default=None)


def best(runs: Iterable[Run], limit: int) -> Run:
    """Return the training of smallest error."""
    return min((run for run in runs if run.limit == limit), key=lambda run: run.sup_error)


def sizes_table(runs: list[Run]) -> Iterator[str]:
    """Yield the lines of the table of trained and built networks."""
    yield (
        "| at most | trained: connections | hidden layers | seed | sup error | median of runs "
        "| layered: connections | sup error | skip: connections | sup error |"
    )
    yield "|--:|" + "--:|" * 9
    for limit in LIMITS:
        run = best(runs, limit)
        errors = [other.sup_error for other in runs if other.limit == limit]
        row = [f"{limit}", f"{run.connections}", f"{run.hidden_layers}", f"{run.seed}"]
        row += [bound_text(run.sup_error), f"{bound_text(median(errors))} of {len(errors)}"]
        for wiring in (LAYERED, SKIP):
            rival = best_built(wiring, limit)
            row += ["–", "–"] if rival is None else built_cells(rival)
        yield f"| {' | '.join(row)} |"


def bound_text(bound: float) -> str:
    """Write a bound with three digits, rounded up so that it stays one."""
    return f"{float(decimal_above(bound, 3)):.2e}"


def built_cells(result: Entry) -> list[str]:
    """Return the cells of the table for a built network."""
    return [f"{result.connections}", bound_text(result.sup_error)]


@dataclass(frozen=True)
class Tuning:
    """One fine-tuning."""

    construction: str
    rate: float
    steps: int


def tuned(job: Tuning) -> str:
    """Run one fine-tuning and return its line of the table."""
    start = build(job.construction, LAYERED, START_TOL)
    network = fine_tune(start, job.steps, job.rate).network
    before, after = judged(start, START_TOL), judged(network, START_TOL)
    return (
        f"| {job.construction} | {network.connections} | {job.rate:.0e} "
        f"| {bound_text(before.sup_error)} | {bound_text(after.sup_error)} "
        f"| {mean_square(start):.2e} | {mean_square(network):.2e} |"
    )


def tuning_table(lines: Iterable[str]) -> Iterator[str]:
    """Yield the lines of the table of fine-tuned networks."""
    yield "| start | connections | rate | sup error before | after | mean square before | after |"
    yield "|---|--:|--:|--:|--:|--:|--:|"
    yield from lines


def mean_square(network: Network) -> float:
    """Return the mean of the squared error on a fine grid."""
    x = np.linspace(-math.pi, math.pi, GRID)
    return float(np.mean((evaluate_float64(network, x) - np.sin(x)) ** 2))


def curves(runs: list[Run]) -> Iterator[SizeCurve]:
    """Yield what the figure shows."""
    chosen = [best(runs, limit) for limit in LIMITS]
    sizes, errors = [run.connections for run in chosen], [run.sup_error for run in chosen]
    yield SizeCurve("trained", sizes, errors, ORANGE)
    for wiring in WIRINGS:
        sizes = [entry.connections for entry in built(wiring)]
        errors = [entry.sup_error for entry in built(wiring)]
        yield SizeCurve(f"built, {wiring}", sizes, errors, label_on_left=wiring == SKIP)


def with_table(text: str, name: str, lines: Iterable[str]) -> str:
    """Replace the table that follows a comment in a page."""
    table = re.compile(rf"(?<=<!-- {name} -->\n).*?(?=\n\n)", re.DOTALL)
    content = "\n".join(lines)
    text, count = table.subn(lambda _: content, text)
    if count != 1:
        raise ValueError(f"{PAGE}: expected one table after <!-- {name} -->, found {count}")
    return text


def run_all(pool: Executor, work: Iterable[Job]) -> None:
    """Run the trainings, tell of each on stderr, and write all down."""
    runs = []
    for run in pool.map(trained, work):
        runs.append(run)
        print(run, file=sys.stderr, flush=True)
    with RUNS.open("w", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(field.name for field in fields(Run))
        writer.writerows(astuple(run) for run in runs)


def kept() -> list[Run]:
    """Read the trainings that were written down."""
    with RUNS.open(newline="") as stream:
        lines = list(csv.DictReader(stream))
    return [
        Run(
            **{name: int(text) for name, text in line.items() if name != "sup_error"},
            sup_error=float(line["sup_error"]),
        )
        for line in lines
    ]


def main() -> None:
    """Rewrite the page and the figure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        if not options.keep:
            run_all(pool, jobs(options.steps, options.seeds))
        tunings = [Tuning(name, rate, options.steps) for name in STARTS for rate in RATES]
        tuning = list(tuning_table(pool.map(tuned, tunings)))
    runs = kept()
    text = with_table(PAGE.read_text(), "sizes", sizes_table(runs))
    PAGE.write_text(with_table(text, "fine-tuning", tuning))
    PICTURE.write_bytes(rendered(sizes_figure(list(curves(runs))), PICTURE.suffix))


if __name__ == "__main__":
    main()
