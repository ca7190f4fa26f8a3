"""How connections grow with the digits asked for: tables as CSV, and growth laws fitted to them."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from sinrelu.certify.certificate import REFUTED
from sinrelu.compare import Entry, as_json, as_markdown, as_text
from sinrelu.errors import FormatError
from sinrelu.formats import read_text

COLUMNS = tuple(field.name for field in fields(Entry) if field.name != "seconds")
"""Of the CSV: whatever is the same on every machine, and ``evidence`` for the reader."""
EVIDENCE = "evidence"
TEXTS = ("construction", "wiring", "sha256")
FLOATS = ("tol", "sampled_float64", "sampled_mpmath", "sup_error")
FIRST_DIGITS, FEWEST_POINTS = 3, 4
"""Coarser networks are too small to follow a law; three points leave nothing to judge it by."""
OPTIONAL = ("dense_size", *FLOATS[1:])


@dataclass(frozen=True)
class Law:
    """Connections ≈ a + b·d + c·d² for d digits, by least squares.

    Attributes
    ----------
    coefficients : (3,) floats
        a, b, c.
    errors : (3,) floats
        Their standard errors, from the scatter of the counts about the fit.
    """

    coefficients: tuple[float, float, float]
    errors: tuple[float, float, float]

    @classmethod
    def fit(cls, digits: Sequence[float], counts: Sequence[float]) -> Law:
        """Fit at least ``FEWEST_POINTS`` points."""
        powers = np.vander(np.asarray(digits, dtype=np.float64), 3, increasing=True)
        inverse = np.linalg.inv(powers.T @ powers)
        coefficients = inverse @ (powers.T @ np.asarray(counts, dtype=np.float64))
        residuals = powers @ coefficients - counts
        variance = float(residuals @ residuals) / (len(digits) - 3)
        errors = np.sqrt(variance * np.diag(inverse))
        return cls(_three(coefficients), _three(errors))

    def __call__(self, digits: float) -> float:
        """Return the law's value."""
        a, b, c = self.coefficients
        return a + b * digits + c * digits**2

    @property
    def curved(self) -> float:
        """The quadratic coefficient in units of its standard error."""
        return self.coefficients[2] / self.errors[2] if self.errors[2] else math.inf


def _three(values: Iterable[float]) -> tuple[float, float, float]:
    a, b, c = (float(value) for value in values)
    return a, b, c


def digits(entry: Entry) -> float:
    """Decimal digits asked for."""
    return -math.log10(entry.tol)


def series(entries: Iterable[Entry]) -> dict[tuple[str, str], list[Entry]]:
    """Group entries by construction and wiring, each by falling tolerance; none that is refuted."""
    groups: dict[tuple[str, str], list[Entry]] = {}
    for entry in sorted(entries, key=lambda entry: -entry.tol):
        if entry.evidence != REFUTED:
            groups.setdefault((entry.construction, entry.wiring), []).append(entry)
    return groups


def law(entries: Iterable[Entry]) -> Law | None:
    """Fit the growth law of one series from ``FIRST_DIGITS`` on; None if too few are left."""
    fitted = [entry for entry in entries if round(digits(entry), 6) >= FIRST_DIGITS]
    if len(fitted) < FEWEST_POINTS:
        return None
    return Law.fit([digits(e) for e in fitted], [e.connections for e in fitted])


def as_csv(entries: Iterable[Entry]) -> str:
    """Return a table; what was not measured is empty."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([*COLUMNS, EVIDENCE])
    for entry in entries:
        values = [_written(name, getattr(entry, name)) for name in COLUMNS]
        writer.writerow([*values, entry.evidence])
    return stream.getvalue()


def written(entries: Sequence[Entry], form: str | None) -> str:
    """Return entries as ``json``, ``markdown``, ``csv``, or text for people."""
    forms = {"json": as_json, "markdown": as_markdown, "csv": as_csv}
    return forms.get(form or "", as_text)(entries).rstrip("\n")


def read_csv(file: Path) -> list[Entry]:
    """Read what ``as_csv`` wrote.

    Raises
    ------
    FileAccessError, FormatError
        If it is something else; the message names the line and the column.
    """
    text = read_text(file, "a table of `sinrelu compare --csv`")
    try:
        lines = list(csv.DictReader(io.StringIO(text)))
    except csv.Error as error:
        raise FormatError(f"{file}: not a table of `sinrelu compare --csv` ({error})") from error
    if not lines:
        raise FormatError(f"{file}: no table of `sinrelu compare --csv`")
    return [_entry(file, number, line) for number, line in enumerate(lines, start=2)]


def _written(name: str, value: object) -> str:
    if value is None:
        return ""
    return repr(value) if name in FLOATS else f"{value}"


def _entry(file: Path, number: int, line: Mapping[str, str | None]) -> Entry:
    values = {}
    for name in COLUMNS:
        try:
            values[name] = _read(name, line[name] or "")
        except (KeyError, ValueError, OverflowError) as error:
            raise FormatError(f"{file}: line {number}: {name} is missing or not valid") from error
    return Entry(**values, seconds=math.nan)  # type: ignore[arg-type]  # _read sees to the types


def _read(name: str, text: str) -> str | float | int | None:
    if name in TEXTS and text:
        return text
    if name in OPTIONAL and not text:
        return None
    number = float(text) if name in FLOATS else int(text)
    if not 0 < number < math.inf and name in ("tol", "connections"):
        raise ValueError
    return number


def most_pieces(connections: int) -> int:
    """Bound the affine pieces of a network of so many connections, with any wiring.

    Proof. Cut the line into cells on which all units so far are affine. A unit whose form reads two
    or more sources cuts each cell in two at most. A unit that reads one unit alone is a function of
    the form that this one rectifies, and so on down to the first form f that reads more, or x. Such
    a function of f is monotone and piecewise affine, so another unit of one source that reads it
    has its kink at one level of f. So f and the k units above it cut each cell into k + 2 at most,
    for at least k + 2 connections; m units that are functions of x alone make m + 1 cells, for m
    connections; and the output needs one. What is returned is the largest (m + 1)·Π(k + 2) with
    m + 1 + Σ(k + 2) ≤ connections.
    """
    best = list(range(1, max(connections, 1) + 1))
    for spent in range(len(best)):
        split = (best[spent - part] * part for part in range(2, spent + 1))
        best[spent] = max([best[spent], *split])
    return best[-1]


def fewest_connections(pieces: float) -> int:
    """Return how many connections a network of so many affine pieces has at least."""
    connections = 1
    while most_pieces(connections) < pieces:
        connections += 1
    return connections
