"""Times and peaks of memory, for ``scripts/bench``: measured side by side, written as tables."""

from __future__ import annotations

import math
import os
import platform
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np

from sinrelu.constructions import WIRINGS
from sinrelu.network import SKIP

ROOT = Path(__file__).resolve().parent.parent
SHORT = 2.0
"""Seconds from which on a thing is timed once; and whatever takes longer is announced."""
MARKED = re.compile(r"(<!-- (\w+) -->\n)(.*?)(?=<!-- /\2 -->)", re.DOTALL)
"""A section of a page, its name, and what is in it."""
PACKAGES = ("numpy", "numba", "onnxruntime", "torch", "jax")

THREADS = (1, 2)
MEGABYTE = 2**20 if sys.platform == "darwin" else 2**10
"""What ``ru_maxrss`` counts a megabyte as."""
WATCHING = """
import os, sys, time
begin = time.perf_counter()
child = os.spawnv(os.P_NOWAIT, sys.argv[1], sys.argv[1:])
usage = os.wait4(child, 0)[2]
print(time.perf_counter() - begin, usage.ru_maxrss, file=sys.stderr)
"""

Run = Callable[[], object]
Name = TypeVar("Name")


@dataclass(frozen=True)
class Scale:
    """How much is measured: for which tolerances, how often, and how far growth is followed.

    That is for so many ``digits``, and so many ``copies`` of the network for ``copied`` digits, in
    which there are pieces enough to be most of the work. What is ``quick`` leaves out some.
    """

    tolerances: tuple[float, ...] = (1e-12,)
    wirings: tuple[str, ...] = WIRINGS
    points: int = 10**6
    repeats: int = 5
    digits: tuple[int, ...] = tuple(range(3, 13))
    copies: tuple[int, ...] = (1, 2, 4, 8, 16)
    copied: int = 9
    quick: bool = False


QUICK = Scale((1e-2,), (SKIP,), 2**12, 1, digits=(2, 3), copies=(1, 2), copied=2, quick=True)
"""Enough to see that everything runs."""


def seconds(run: Run) -> float:
    """Return the time of one run."""
    begin = time.perf_counter()
    run()
    return time.perf_counter() - begin


def least_of_each(runs: Mapping[Name, Run], repeats: int) -> dict[Name, float]:
    """Return the least time of each run, after a warm-up of all.

    They take turns, so that what else the machine does hits all alike. What takes over ``SHORT``
    is not repeated: there the first run is all, and what is compiled was before.
    """
    least = {name: seconds(run) for name, run in runs.items()}
    short = {name: run for name, run in runs.items() if least[name] < SHORT}
    least |= dict.fromkeys(short, math.inf)
    for _ in range(repeats):
        for name, run in short.items():
            least[name] = min(least[name], seconds(run))
    return least


class Spent(NamedTuple):
    """What a command took: seconds by the clock, and the most memory it had, in MB."""

    seconds: float
    megabytes: float
    output: str


def spent(command: Sequence[str], folder: Path, path: Path = ROOT) -> Spent:
    """Run Python in a folder, the package being in ``path``.

    An own small process watches it: a process begins with the peak of the one that it comes from.
    """
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", WATCHING, sys.executable, *command],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(path)},
        capture_output=True,
        text=True,
        check=False,
    )
    *errors, measured = done.stderr.splitlines()
    if "Traceback (most recent call last):" in errors:
        raise SystemExit("\n".join([f"failed: {' '.join(command)}", *errors]))
    taken, most = map(float, measured.split())
    return Spent(taken, most / MEGABYTE, done.stdout)


def told(text: str) -> None:
    """Say what is being done."""
    print(f"  {text}", file=sys.stderr, flush=True)


def table(head: Sequence[str], rows: Iterable[Sequence[str]], words: int = 1) -> str:
    """Return a table in Markdown; after the first few columns, of words, come figures."""
    sides = ("---" if column < words else "--:" for column in range(len(head)))
    first, *others = (f"| {' | '.join(line)} |" for line in (head, *rows))
    return "\n".join([first, f"|{'|'.join(sides)}|", *others])


def figure(number: float) -> str:
    """Write a number with three digits, or all of them before the point."""
    if not math.isfinite(number):
        return "–"
    return f"{number:.0f}" if number >= 100 else f"{number:.3g}"


def ratio(number: float, base: float) -> str:
    """Write how many times as large a number is."""
    return figure(number / base)


def exponent(x: Sequence[float], y: Sequence[float]) -> float:
    """Return e of the law y ~ xᵉ, by least squares on logarithms."""
    return float(np.polyfit(np.log(x), np.log(y), 1)[0])


def machine() -> str:
    """Say what measures: the processor, the versions, how busy it is, and when."""
    parts = [f"Python {platform.python_version()}"]
    for name in PACKAGES:
        try:
            parts.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            parts.append(f"no {name}")
    busy = f"load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "load unknown"
    date = datetime.now(UTC).date().isoformat()
    return f"{processor()}, {os.cpu_count()} cores, {busy}; {', '.join(parts)}; {date}"


def processor() -> str:
    """Return the processor's name, as the system knows it."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def refreshed(text: str, found: dict[str, str]) -> str:
    """Return a page with new sections in place of those that were there."""
    return MARKED.sub(lambda match: match[1] + found.get(match[2], match[3]), text)
