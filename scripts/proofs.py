"""Finding, proving and building, and whole commands, for ``scripts/bench``."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import product
from pathlib import Path

from timing import (
    QUICK,
    ROOT,
    THREADS,
    Scale,
    figure,
    least_of_each,
    ratio,
    seconds,
    spent,
    table,
    told,
)

from sinrelu import CONSTRUCTIONS, Network, build
from sinrelu.certify import DOMAIN, Certificate, certify
from sinrelu.certify.pieces import Finder, subintervals
from sinrelu.certify.survey import USUAL
from sinrelu.compare.networks import candidates
from sinrelu.errors import RequestError
from sinrelu.kernels import BACKENDS, NUMBA, NUMPY, is_installed
from sinrelu.precision import FLOAT64

BUDGET = 20_000_000
"""Cells that are looked at, at most."""
RANGES = (("-100", "100"), ("-1000pi", "1000pi"), ("-1e6", "1e6"))
BUILDING = """
import sys, time
from sinrelu import build
name, wiring, tol = sys.argv[1:]
begin = time.perf_counter()
build(name, wiring, tol)
print(time.perf_counter() - begin)
"""
COMPILING = "from sinrelu.certify import compile_kernels; compile_kernels()"


def backends() -> list[str]:
    """Return the machines that are there."""
    return [backend for backend in BACKENDS if backend != NUMBA or is_installed()]


def find(network: Network, backend: str, threads: int) -> int:
    """Find the nodes of all pieces as a proof does, and drop them; return how many there are."""
    finder, parts = Finder.of(network, backend=backend), subintervals(DOMAIN, USUAL.parts)
    with ThreadPoolExecutor(threads) as pool:
        counts = pool.map(lambda part: sum(len(run.hi) - 1 for run in finder.blocks(part)), parts)
        return sum(counts)


def prove(network: Network, tol: float, backend: str, threads: int) -> int:
    """Prove a bound, with that of evaluation as ``verify`` does; return the number of cells."""
    with ThreadPoolExecutor(threads) as pool:
        found = certify(network, tol, evaluation=FLOAT64, executor=pool, backend=backend)
    return found.cells


def proof_table(scale: Scale) -> str:
    """Return seconds to find pieces and to prove, by each machine, on one thread and two."""
    head = ["network", "step", "by"]
    for threads in ("1 thread", "2 threads"):
        head += [f"s, {threads}", "µs a node", "of numpy"]
    rows: list[tuple[str, ...]] = []
    for tol, wiring in product(scale.tolerances, scale.wirings):
        network, label = build(wiring=wiring, tol=tol), f"{wiring}, {tol:g}"
        for backend in backends():  # which loads kernels
            prove(build(wiring=wiring, tol=0.1), 0.1, backend, 1)
        rows += step_rows((label, "find"), partial(find, network), scale)
        rows += step_rows((label, "prove"), partial(prove, network, tol), scale)
    return table((*head, "gain"), rows, words=3)


def step_rows(
    names: tuple[str, str], step: Callable[[str, int], int], scale: Scale
) -> Iterator[tuple[str, ...]]:
    """Yield a row for each machine; nodes are counted by the first run."""
    told(": ".join(names))
    counts: list[int] = []
    runs = {
        (backend, threads): (lambda b=backend, t=threads: counts.append(step(b, t)))
        for threads, backend in product(THREADS, backends())
    }
    times = least_of_each(runs, scale.repeats)
    for backend in backends():
        figures: list[str] = []
        for threads in THREADS:
            time = times[backend, threads]
            figures += [figure(time), figure(1e6 * time / counts[0])]
            figures.append(ratio(time, times[NUMPY, threads]))
        yield *names, backend, *figures, ratio(times[backend, 1], times[backend, 2])


def construction_table(scale: Scale) -> str:
    """Return seconds to build and to prove, for every construction and wiring."""
    head = ("construction", "wiring", "tolerance", "connections", "build s", "pieces", "prove s")
    names = list(CONSTRUCTIONS)[: 1 if scale.quick else None]
    rows = [
        row
        for tol, (name, wiring) in product(scale.tolerances, candidates(names))
        if (row := construction_row(name, wiring, tol, scale))
    ]
    return table((*head, "µs a cell", "verdict"), rows, words=3)


def construction_row(name: str, wiring: str, tol: float, scale: Scale) -> tuple[str, ...] | None:
    """Return the row of a network; None if it cannot be built."""
    told(f"{name}, {wiring}, {tol:g}")
    try:
        building = seconds(lambda: build(name, wiring, tol))
        network = build(name, wiring, tol)
    except RequestError as error:
        told(f"left out: {error}")
        return None
    if not scale.quick:  # what is searched for is kept, so in a process of its own
        building = float(spent(["-c", BUILDING, name, wiring, repr(tol)], ROOT).output)
    proofs: list[Certificate] = []
    domain = CONSTRUCTIONS[name].target.cover
    judged = partial(certify, network, tol, domain=domain, budget=BUDGET, evaluation=FLOAT64)
    proving = seconds(lambda: proofs.append(judged()))
    found = proofs[0]
    whole = found.cells and found.verdict != "inconclusive"
    shown = (f"{found.pieces}", figure(proving), figure(1e6 * proving / found.cells))
    figures = (str(network.connections), figure(building), *(shown if whole else ("–", "–", "–")))
    return name, wiring, f"{tol:g}", *figures, found.verdict


def command_table(scale: Scale) -> str:
    """Return seconds and most memory of whole commands, each in a process of its own."""
    rows: list[tuple[str, ...]] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if is_installed() and not scale.quick:
            rows.append(compiling_row(folder))
        for command in commands(scale):
            told(command)
            found = spent(["-m", *command.split()], folder)
            rows.append((f"`{command}`", said(found.output), *map(figure, found[:2])))
    return table(("command", "says", "s", "MB at most"), rows, words=2)


def compiling_row(folder: Path) -> tuple[str, ...]:
    """Compile all kernels of a copy of the package, for which none are kept."""
    told("compiling kernels")
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "sinrelu", folder / "copy" / "sinrelu", ignore=ignored)
    found = spent(["-c", COMPILING], folder, folder / "copy")
    return "compiling all kernels, once", "–", *map(figure, found[:2])


def commands(scale: Scale) -> Iterator[str]:
    """Yield the commands: the default network on every machine there is, and wide domains."""
    for tol in scale.tolerances:
        yield f"sinrelu build --tol {tol:g}"
        for backend in backends() if scale != QUICK else (NUMPY,):
            yield f"sinrelu verify sin.npz --tol {tol:g} --backend {backend}"
    for low, high in () if scale.quick else RANGES:
        yield f"sinrelu build --domain {low} {high} -o wide.npz"
        yield f"sinrelu verify wide.npz --domain {low} {high} --budget {BUDGET}"


def said(output: str) -> str:
    """Return the verdict, or else how many connections were counted."""
    for name, text in (("verdict", "{}"), ("connections", "{} connections")):
        if found := re.search(rf"^{name} +([\w-]+)", output, re.MULTILINE):
            return text.format(found[1])
    return "–"
