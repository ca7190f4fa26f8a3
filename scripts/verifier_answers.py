"""What a verifier is asked, what it answers, and whether that is so: for ``scripts/verifiers``."""

from __future__ import annotations

import csv
import hashlib
import math
import os
import re
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from sinrelu import Network, load
from sinrelu.arithmetic.numbers import read
from sinrelu.errors import FileAccessError, FormatError

SAT, UNSAT, TIMEOUT, UNKNOWN, ERROR = "sat", "unsat", "timeout", "unknown", "error"
WORDS = {word: word for word in (SAT, UNSAT, TIMEOUT, UNKNOWN, ERROR)} | {"timed-out": TIMEOUT}
RIGHT, WRONG_UNSAT, WRONG_SAT = "right", "wrong unsat", "wrong sat"
WRONG_POINT, NO_ANSWER = "wrong point", "no answer"
OUTCOMES = (RIGHT, WRONG_UNSAT, WRONG_SAT, WRONG_POINT, TIMEOUT, NO_ANSWER)
"""``wrong point``: sat, and so it is, but the point that is named is no counterexample."""
GRACE = 5.0
"""Seconds beyond the limit until a verifier is killed: to start, to read, and to end by itself."""
SHOWN = 200
READ = 2**20
"""Bytes of what a verifier prints that are looked at."""
CHOICES: dict[str, Sequence[str]] = {"expected": (SAT, UNSAT), "sense": ("min", "max")}
AS_WRITTEN = ("onnx", "vnnlib", "kind", "tol", "wiring", "weights", "margin_asked", "margin")
NUMBER = r"([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)"
POINT = re.compile(
    rf"\(\s*X_0\s+{NUMBER}\s*\)|^X\s+\w+\s*\[[\d,\s]*\]\s+{NUMBER}\s*$", re.MULTILINE
)
"""X_0 as the competitions write it, or X as VNN-LIB 2.0 does."""


class TruthError(Exception):
    """A counterexample holds where the truth is said to be unsat, or the truth's own does not."""


@dataclass(frozen=True)
class Instance:
    """A question whose answer is known: a line of ``truth.csv``.

    Counterexamples are the x in [``low``, ``high``] with N(x) ≥ ``threshold`` if ``sense`` is max,
    ≤ if it is min. ``sha256`` is that of both files, in 16 digits.
    """

    folder: Path
    onnx: str
    vnnlib: str
    sha256: str
    expected: str
    kind: str
    tol: str
    wiring: str
    weights: str
    low: float
    high: float
    sense: str
    threshold: float
    margin_asked: str
    margin: str
    counterexample: float | None

    @classmethod
    def of(cls, folder: Path, line: Mapping[str, str]) -> Instance:
        """Read a line; raise FormatError if it is not one, FileAccessError if a file is missing."""
        try:
            told: dict[str, Any] = {name: line[name] for name in AS_WRITTEN}
            told |= {name: one_of(line[name], words) for name, words in CHOICES.items()}
            told |= {name: float(line[name]) for name in ("low", "high", "threshold")}
            own = float(line["counterexample"]) if line["counterexample"] else None
            _ = float(told["tol"]), float(told["margin_asked"])
            sha256 = digest(folder / line["onnx"], folder / line["vnnlib"])
            return cls(folder, sha256=sha256, counterexample=own, **told)
        except (KeyError, ValueError, TypeError) as error:
            raise FormatError(f"{folder / 'truth.csv'}: {line.get('vnnlib')}: {error!r}") from error


def one_of(word: str, words: Sequence[str]) -> str:
    """Return a word that is one of some."""
    if word not in words:
        raise ValueError(f"{word!r} is none of {', '.join(words)}")
    return word


def digest(*files: Path) -> str:
    """Return 16 digits for what files hold."""
    try:
        return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()[:16]
    except OSError as error:
        raise FileAccessError(f"{error.filename}: {error.strerror}") from error


def instances(folder: Path) -> list[Instance]:
    """Read a benchmark; where the truth is sat, see that its own counterexample is one.

    Raises FileAccessError if a file is missing, FormatError if ``truth.csv`` is not as it should
    be, TruthError if a counterexample is none.
    """
    file = folder / "truth.csv"
    try:
        with file.open(newline="") as stream:
            lines = list(csv.DictReader(stream))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise FileAccessError(f"{file}: {error}") from error
    found = [Instance.of(folder, line) for line in lines]
    if not found:
        raise FormatError(f"{file}: has no line")
    for instance in found:
        own = instance.counterexample
        if (instance.expected == SAT) != (own is not None):
            raise FormatError(f"{file}: {instance.vnnlib}: counterexample: sat has one, unsat none")
        if own is not None and not missed(instance, own).holds:
            raise TruthError(f"{file}: {instance.vnnlib}: the counterexample named is none")
    return found


class Answer(NamedTuple):
    """What a verifier says: its word, the x of its point, seconds, and its last words on stderr.

    ``x`` is as it is written, as it may be no float64.
    """

    verdict: str
    x: str | None
    seconds: float
    message: str = ""


def ask(command: Sequence[str], limit: float, grace: float = GRACE) -> Answer:
    """Run a verifier, in a folder and a process group of its own; seconds are of all of it.

    The group is killed at ``limit`` + ``grace`` seconds, and what is left of it when it ends.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        out, err = folder / "stdout", folder / "stderr"
        begin = time.perf_counter()
        try:
            status = exit_status(command, folder, limit + grace)
        except OSError as error:
            return Answer(ERROR, None, 0.0, f"{error.filename}: {error.strerror}")
        taken = time.perf_counter() - begin
        printed, complaint = beginning(out), beginning(err)
    if status is None:
        return Answer(TIMEOUT, None, taken)
    verdict, x = understood(printed)
    if verdict in (SAT, UNSAT, TIMEOUT):
        return Answer(verdict, x, taken)
    said = f"status {status} {last_line(complaint) or last_line(printed)}".strip()
    return Answer(ERROR if status else verdict, None, taken, said)


def exit_status(command: Sequence[str], folder: Path, most: float) -> int | None:
    """Return the exit status of a command that writes to a folder; None if it was killed."""
    with (folder / "stdout").open("wb") as out, (folder / "stderr").open("wb") as err:
        process = subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            start_new_session=True,
        )
    try:
        return process.wait(most)
    except subprocess.TimeoutExpired:
        return None
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def last_line(text: str) -> str:
    """Return what can be shown of the last line."""
    lines = text.strip().splitlines() or [""]
    return "".join(sign if sign.isprintable() else "?" for sign in lines[-1])[:SHOWN]


def beginning(file: Path) -> str:
    """Return what a file holds, if that is not very long."""
    with file.open("rb") as stream:
        return stream.read(READ).decode(errors="replace")


def understood(printed: str) -> tuple[str, str | None]:
    """Return the first line that is a verdict, and a counterexample's x."""
    lines = printed.lower().splitlines()
    verdict = next((WORDS[line.strip()] for line in lines if line.strip() in WORDS), UNKNOWN)
    point = POINT.search(printed) if verdict == SAT else None
    return verdict, point[1] or point[2] if point else None


def readings(x: str) -> list[Fraction | float]:
    """Return what a decimal number may stand for: the nearest float64, and if not far out itself.

    Who computes in float64 writes 0.1 for another number than who computes exactly.
    """
    nearest, itself = float(x), read(x)
    return [nearest, itself] if math.isfinite(nearest) and itself is not None else [nearest]


class Miss(NamedTuple):
    """How far a point is from a counterexample: x from the interval, N(x) from the threshold."""

    outside: Fraction
    short: Fraction

    @property
    def holds(self) -> bool:
        """Whether it is one."""
        return self.outside <= 0 and self.short <= 0


@cache
def network(file: Path) -> Network:
    """Read a network, once."""
    return load(file)


def exact_value(network: Network, x: Fraction) -> Fraction:
    """Evaluate in rational arithmetic, straight from the rows."""
    values = [x]
    for row in network.rows:
        form = sum((Fraction(w) * values[s] for s, w in row.edges), Fraction(row.bias))
        values.append(max(form, Fraction(0)))
    return form


def missed(instance: Instance, x: float | Fraction) -> Miss:
    """Return, exactly, by how much a point misses being a counterexample; none if ≤ 0."""
    if not math.isfinite(x):
        return Miss(Fraction(2) ** 1024, Fraction(2) ** 1024)
    at, low, high = (Fraction(number) for number in (x, instance.low, instance.high))
    value = exact_value(network(instance.folder / instance.onnx), at)
    short = Fraction(instance.threshold) - value
    return Miss(max(low - at, at - high), short if instance.sense == "max" else -short)


class Judgement(NamedTuple):
    """What an answer is, and how far off its point is, if it has one."""

    outcome: str
    miss: Miss | None = None


def judged(instance: Instance, answer: Answer) -> Judgement:
    """Hold an answer against the truth, and its point against the network in exact arithmetic.

    A point is a counterexample if one of its readings is, and else misses as the nearest float64.
    Raises TruthError if a point proves the truth wrong.
    """
    if answer.verdict == UNSAT:
        return Judgement(RIGHT if instance.expected == UNSAT else WRONG_UNSAT)
    if answer.verdict != SAT:
        return Judgement(TIMEOUT if answer.verdict == TIMEOUT else NO_ANSWER)
    misses = [missed(instance, x) for x in readings(answer.x)] if answer.x else []
    miss = next((miss for miss in misses if miss.holds), misses[0] if misses else None)
    if instance.expected == UNSAT:
        if miss and miss.holds:
            raise TruthError(f"{instance.vnnlib}: said to be unsat, but x = {answer.x} shows sat")
        return Judgement(WRONG_SAT, miss)
    return Judgement(RIGHT if miss is None or miss.holds else WRONG_POINT, miss)
