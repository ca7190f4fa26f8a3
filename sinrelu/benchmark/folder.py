"""The folder of a benchmark, laid out as for the verification competitions.

``onnx/`` has the networks, ``vnnlib/`` the questions in VNN-LIB 1.0, ``instances.csv`` their pairs
with a time limit, and ``truth.csv`` the answers. See ``docs/benchmark.md``.
"""

from __future__ import annotations

import csv
import io
import os
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

from sinrelu.arithmetic.numbers import positive
from sinrelu.arithmetic.rounding import decimal_above, decimal_below
from sinrelu.benchmark.instances import MAXIMUM, Instance, Request, instances
from sinrelu.errors import FileAccessError, RequestError
from sinrelu.formats import onnx
from sinrelu.progress import Message, ignore

TIMEOUT = 60
"""Seconds, in ``instances.csv``."""
COLUMNS = (
    *("onnx", "vnnlib", "expected", "kind", "tol", "wiring", "construction", "weights"),
    *("low", "high", "sense", "extremum", "exact_extremum", "exact_place", "threshold", "margin"),
    *("margin_asked", "counterexample", "computed", "evaluation_bound"),
)


def written(
    folder: str | os.PathLike[str],
    request: Request,
    timeout: int = TIMEOUT,
    message: Message = ignore,
) -> list[Instance]:
    """Write a benchmark into a new or empty folder, whole or not at all; return its instances.

    The same request gives the same bytes. Raises RequestError if the folder holds something, or
    what is asked for cannot be built, or no answer be shown; FileAccessError if it cannot be
    written; MissingExtraError if the package onnx is not installed.
    """
    place = Path(folder)
    onnx.package()
    check_free(place)
    found = list(instances(request, message))
    if not found:
        raise RequestError("no answer could be shown; ask for other margins or intervals")
    _write(place, dict(_files(found, timeout)))
    return found


def check_free(folder: Path) -> None:
    """Refuse a folder that holds something, or could not be made or written to."""
    if folder.is_dir() and any(folder.iterdir()):
        raise RequestError(f"{folder}: is not empty; name a new folder")
    if os.path.lexists(os.path.realpath(folder)) and not folder.is_dir():
        raise RequestError(f"{folder}: is a file; name a new folder")
    room = _room(folder)
    if not (room.is_dir() and os.access(room, os.W_OK)):
        raise FileAccessError(f"{folder}: cannot be written, as {room} is no folder to write to")


def _room(folder: Path) -> Path:
    """Return where to write at first: in the folder if there is one, else beside it."""
    place = Path(os.path.realpath(folder))
    return place if place.is_dir() else place.parent


def _files(found: list[Instance], timeout: int) -> Iterator[tuple[str, bytes]]:
    """Yield every file of the folder with its content."""
    for subject in dict.fromkeys(instance.subject for instance in found):
        yield f"onnx/{subject.name}.onnx", onnx.dumps(subject.network)
    named = list(_named(found))
    yield from ((question, vnnlib(instance).encode()) for instance, _, question in named)
    pairs = [(model, question, timeout) for _, model, question in named]
    yield "instances.csv", _csv(pairs)
    rows = [(model, question, *_answer(instance)) for instance, model, question in named]
    yield "truth.csv", _csv([COLUMNS, *rows])


def _named(found: list[Instance]) -> Iterator[tuple[Instance, str, str]]:
    """Yield instances with their two files; those about one network are numbered."""
    asked: Counter[str] = Counter()
    for instance in found:
        name = instance.subject.name
        yield instance, f"onnx/{name}.onnx", f"vnnlib/{name}-{asked[name]:03}.vnnlib"
        asked[name] += 1


def vnnlib(instance: Instance) -> str:
    """Write a question as the set of its counterexamples; all numbers are exact decimals."""
    low, high = map(_decimal, instance.known.ends)
    threshold = _decimal(instance.threshold)
    relation = ">=" if instance.known.sense == MAXIMUM else "<="
    return f"""\
; Is there a real X_0 between the bounds with Y_0 {relation} {threshold}?
(declare-const X_0 Real)
(declare-const Y_0 Real)

(assert (>= X_0 {low}))
(assert (<= X_0 {high}))

(assert ({relation} Y_0 {threshold}))
"""


def _decimal(number: float) -> str:
    """Write a float64 exactly, without an exponent, which not every parser reads."""
    return f"{Decimal(number):f}"


def _answer(instance: Instance) -> tuple[object, ...]:
    """Return the columns of ``truth.csv`` after the files."""
    known, x = instance.known, instance.counterexample
    subject, extremum = known.subject, known.extremum
    return (
        instance.expected,
        subject.kind,
        subject.tol,
        subject.network.wiring,
        subject.network.meta["construction"],
        subject.weights,
        *map(repr, known.ends),
        known.sense,
        repr(float(extremum.value)),
        _quotient(extremum.value),
        _quotient(extremum.at),
        repr(instance.threshold),
        decimal_below(instance.distance, 4),
        repr(float(positive(instance.margin, "margins"))),
        "" if x is None else repr(x),
        " ".join(instance.computed),
        decimal_above(extremum.evaluation, 4),
    )


def _quotient(number: Fraction) -> str:
    """Write a fraction exactly; hexadecimal, as decimal digits of so long a one take long."""
    return f"{number.numerator:#x}/{number.denominator:#x}"


def _csv(rows: Iterable[Iterable[object]]) -> bytes:
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows(rows)
    return stream.getvalue().encode()


def _write(folder: Path, files: dict[str, bytes]) -> None:
    """Write into another folder, and rename that, or what it holds if the folder is there."""
    try:
        with tempfile.TemporaryDirectory("", ".sinrelu-", _room(folder), True) as other:
            new = Path(other, "new")
            for name, content in files.items():
                file = new / name
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(content)
            if not folder.is_dir():
                new.replace(os.path.realpath(folder))
                return
            for part in sorted(new.iterdir(), key=Path.is_file):  # tables last
                part.replace(folder / part.name)
    except OSError as error:
        raise FileAccessError(f"{folder}: {error.strerror or error}") from error
