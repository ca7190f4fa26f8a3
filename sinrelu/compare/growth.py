"""How connections grow with the digits asked for: laws fitted to tables, and a lower bound."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import count

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
    return next(number for number in count(1) if most_pieces(number) >= pieces)
