"""How connections grow with the digits asked for: laws fitted to tables, and a lower bound."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import count, product
from operator import ge
from typing import NamedTuple

import numpy as np

from sinrelu.certify.certificate import REFUTED
from sinrelu.compare.networks import Entry

FIRST_DIGITS, FEWEST_POINTS = 3, 4
"""Coarser networks are too small to follow a law; three points leave nothing to judge it by."""


@dataclass(frozen=True)
class Law:
    """Connections ≈ a + b·d + c·d² for d digits, by least squares: ``coefficients`` a, b, c.

    ``errors`` are their standard errors, from the scatter of the counts about the fit.
    """

    coefficients: tuple[float, ...]
    errors: tuple[float, ...]

    @classmethod
    def fit(cls, digits: Sequence[float], counts: Sequence[float]) -> Law:
        """Fit at least ``FEWEST_POINTS`` points."""
        powers = np.vander(np.asarray(digits, dtype=np.float64), 3, increasing=True)
        inverse = np.linalg.inv(powers.T @ powers)
        coefficients = inverse @ (powers.T @ np.asarray(counts, dtype=np.float64))
        residuals = powers @ coefficients - counts
        variance = float(residuals @ residuals) / (len(digits) - 3)
        errors = np.sqrt(variance * np.diag(inverse))
        return cls(tuple(coefficients.tolist()), tuple(errors.tolist()))

    def __call__(self, digits: float) -> float:
        """Return the law's value."""
        a, b, c = self.coefficients
        return a + b * digits + c * digits**2

    @property
    def curved(self) -> float:
        """The quadratic coefficient in units of its standard error."""
        return self.coefficients[2] / self.errors[2] if self.errors[2] else math.inf


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


class Reach(NamedTuple):
    """What networks of so many connections have at most: cells, and lines of a form over them.

    A form that reads one of their units, or x, has at most ``one`` lines; one that reads two has
    at most ``two``; no form has more than there are cells. cells ≥ two ≥ one.
    """

    cells: int
    two: int
    one: int

    def lines(self, reads: int) -> int:
        """Return how many lines a form has that reads so many."""
        return {1: self.one, 2: self.two}.get(reads, self.cells)

    def grown(self, reads: int, more: int) -> Reach:
        """Add a unit that reads so many, and ``more`` units that read it or one another alone."""
        lines = self.lines(reads)
        cells = self.cells + (1 + more) * lines
        same = min(1 + more, 3) * lines
        apart = self.cells + min(1 + more, 2) * self.one
        return Reach(cells, min(cells, max(same, apart)), lines)  # nothing before had more

    def dominates(self, other: Reach) -> bool:
        """Whether it is at least as large in everything, and not the same."""
        return self != other and all(map(ge, self, other))


@cache
def reached(connections: int) -> tuple[Reach, ...]:
    """Return what networks of so many connections reach, but for what another dominates."""
    found = {Reach(connections + 1, min(connections + 1, 3), 1)}  # units that read x alone
    for reads, more in product((2, 3), range(connections - 1)):
        if (left := connections - reads - more) >= 0:
            found |= {before.grown(reads, more) for before in reached(left)}
    return tuple(one for one in found if not any(other.dominates(one) for other in found))


def most_lines(connections: int) -> int:
    """Bound the lines of a network of so many connections, the output's included.

    Lines are the different affine functions of x, none of them constant, that a piecewise affine
    function takes. With any wiring; proof in docs/growth.md. At least one connection.
    """
    readings = range(1, min(connections, 3) + 1)
    return max(found.lines(n) for n in readings for found in reached(connections - n))


def fewest_connections(lines: float) -> int:
    """Return how many connections a network of so many lines has at least."""
    return next(number for number in count(1) if most_lines(number) >= lines)
