"""What is judged, and the certificate of what is known about it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from operator import itemgetter
from platform import python_version
from typing import Any

import numpy as np

from sinrelu import __version__
from sinrelu.arithmetic import quarter_turns
from sinrelu.arithmetic.numbers import number, positive
from sinrelu.arithmetic.rounding import float_above, float_below
from sinrelu.arithmetic.sine import LIMIT
from sinrelu.certify.bound import Interval
from sinrelu.certify.certificate import INCONCLUSIVE, PROVED, REFUTED, Certificate
from sinrelu.certify.counterexample import Span, worst_in_cell, worst_of
from sinrelu.errors import RequestError
from sinrelu.kernels import NUMPY
from sinrelu.network import Network
from sinrelu.precision import FLOAT64


@dataclass(frozen=True)
class Claim:
    """What is judged: |N(x) − f(x)| ≤ tol on a domain. A witness has to lie in ``inner``."""

    network: Network
    tol: Fraction
    domain: Interval
    inner: Span
    function: str

    @classmethod
    def of(
        cls, network: Network, tol: object, domain: Interval, inner: Span | None, function: str
    ) -> Claim:
        """Check what is to be judged; a RequestError if it cannot be."""
        quarter_turns(function)
        limit = positive(tol, "tol")
        low, high = (number(end, "domain") for end in domain)
        a, b = float_below(low), float_above(high)
        if not -LIMIT <= a < b <= LIMIT:
            raise RequestError(f"domain: {[a, b]} is not an interval within ±{LIMIT:g}")
        inner = inner or (Fraction(a), Fraction(b))
        if not a <= inner[0] <= inner[1] <= b:
            raise RequestError("witness_domain: must be an interval within the domain")
        return cls(network, limit, (a, b), inner, function)

    def witness(self, points: Iterable[Fraction]) -> tuple[Fraction, Fraction]:
        """Return (x, lower bound of the error) for the worst point that may be a witness."""
        inside = [x for x in points if self.inner[0] <= x <= self.inner[1]]
        return worst_of(self.network, inside or [self.inner[0]], self.tol, self.function)

    def judged(self, witness: tuple[Fraction, Fraction], **known: Any) -> Certificate:
        """Return a certificate of what is known, by a witness alone unless more is."""
        x, error = witness
        nothing = dict.fromkeys(("sup_error", "radius", "evaluation_error"), math.inf)
        named: dict[str, Any] = {
            "evaluation": FLOAT64,
            "backend": NUMPY,
            "reduced": None,
            "offset": 0.0,
            "remark": "",
        }
        known = {"cells": 0, "pieces": 0, **nothing, **named, **known}
        shown = PROVED if known["sup_error"] <= self.tol else INCONCLUSIVE
        return Certificate(
            verdict=REFUTED if error > self.tol else shown,
            tol=self.tol,
            function=self.function,
            domain=self.domain,
            witness_domain=self.inner,
            lower_bound=float_below(error),
            witness=x,
            sha256=self.network.sha256,
            versions={
                "sinrelu": __version__,
                "numpy": np.__version__,
                "python": python_version(),
            },
            **known,
        )

    def worst(self, cells: Iterable[Span]) -> tuple[Fraction, Fraction]:
        """Return (x, lower bound of the error) for the worst point of some cells of one piece."""
        low, high = self.inner
        within = ((max(low, left), min(right, high)) for left, right in cells)
        found = [
            worst_in_cell(self.network, cell, self.tol, self.function, self.inner)
            for cell in within
            if cell[0] <= cell[1]
        ]
        return max(found, key=itemgetter(1)) if found else self.witness(self.inner)
