"""The search for plans of fold-reflect: the sharpest within a number of connections.

The smallest network for a tolerance has the first number of connections whose sharpest plan keeps
it. Compared are plans with gates (``skip``, ``layered``), from formulas and, for float64 weights,
with the refined last cells that are stored, and interpolation without gates (``interpolation``).
"""

from collections.abc import Callable, Iterator
from itertools import chain
from typing import NamedTuple

from mpmath import MPContext

from sinrelu.circuit import Real
from sinrelu.constructions.fold_reflect import interpolation, layered, skip
from sinrelu.constructions.fold_reflect.range_reduction import RangeReduction
from sinrelu.network import LAYERED, SKIP

PER_DIGIT = {SKIP: 12, LAYERED: 25}
"""Connections a decimal digit, about: where the search starts."""
MOST = {SKIP: 100_000, LAYERED: 1_000}
"""Where it ends; there is no layered plan of more, as schedules of fold signals end there."""
COMPARED = {
    SKIP: "folds undone by gates, sines of 2, 3, 4 or 6 quadratics, sawtooths of binary and "
    "ternary folds, interpolation without gates",
    LAYERED: "folds undone by gates, layers and radices of the square, sines of 2 to 8 "
    "quadratics, interpolation without gates",
}

Plan = skip.Plan | layered.Plan | interpolation.Plan


class Found(NamedTuple):
    """The best of some plans, and how many they were."""

    plan: Plan
    compared: int


class Search(NamedTuple):
    """A search; interpolations and refined cells are in it only if weights are float64."""

    reduction: RangeReduction
    wiring: str
    float64: bool = True

    def sharpest(self, connections: int) -> Found | None:
        """Return the plan of least error bound within a number of connections, if there is any."""
        if not (plans := list(self._plans(connections))):
            return None
        best = min(plans, key=lambda plan: (plan.error_bound, plan.connections(self.reduction)))
        return Found(best, len(plans))

    def smallest(self, tol: Real) -> Found | None:
        """Return the plan of fewest connections with a bound of at most tol, if there is any."""
        found: dict[int, Found] = {}

        def keeps(connections: int) -> bool:
            if (best := self.sharpest(connections)) is None:
                return False
            found[connections] = best
            return bool(best.plan.error_bound <= tol)

        digits = -float(MPContext().log(tol, 10))
        least = first(keeps, int(PER_DIGIT[self.wiring] * digits), MOST[self.wiring])
        compared = sum(each.compared for each in found.values())
        return found[least]._replace(compared=compared) if least in found else None

    @property
    def least_connections(self) -> int:
        """The fewest connections for which there is a plan."""
        return first(lambda n: self.sharpest(n) is not None, 0, MOST[self.wiring])

    def _plans(self, connections: int) -> Iterator[Plan]:
        family = layered if self.wiring == LAYERED else skip
        plans: Iterator[Plan] = family.plans(connections, self.reduction)
        if self.float64:
            coarse = interpolation.plans(connections, self.reduction, self.wiring)
            plans = chain(plans, coarse, family.refined_plans())
        return (plan for plan in plans if plan.connections(self.reduction) <= connections)


def first(holds: Callable[[int], bool], guess: int, most: int) -> int:
    """Return the least n ≥ 1 for which a monotone property holds, ``most`` + 1 if there is none.

    It is asked near the guess first, then farther away, then between.
    """
    low, high, step = 0, most + 1, 1
    n = min(max(guess, 1), most)
    while low < n < high:
        low, high = (low, n) if holds(n) else (n, high)
        n = high - step if high <= most else low + step
        step *= 2
        if low and high <= most:
            break
    while high - low > 1:
        n = (low + high) // 2
        low, high = (low, n) if holds(n) else (n, high)
    return high
