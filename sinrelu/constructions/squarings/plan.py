"""How many folds each square of a polynomial needs, so that all errors together fit a tolerance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import permutations

from sinrelu.circuit import Affine, relu
from sinrelu.constructions.squarings.polynomial import Profile
from sinrelu.constructions.squarings.square import Tents


@dataclass(frozen=True)
class Plan:
    """A polynomial in v = 2m² − 1, for 0 ≤ m ≤ 1, by squarings.

    Attributes
    ----------
    profile : Profile
        The polynomial as a ladder of squarings, and what their errors do to it.
    approximation : float
        Proven bound of the polynomial's own error.
    costs : tuple of int
        Connections for each fold of m² and of each square of the ladder.
    folds : tuple of int
        Folds of m² and of each square of the ladder.
    """

    profile: Profile
    approximation: float
    costs: tuple[int, ...]
    folds: tuple[int, ...]

    @property
    def drift(self) -> float:
        """Bound of the error of v."""
        return 2 * float(Tents(self.folds[0]).error(1.0))

    @property
    def errors(self) -> list[float]:
        """What each square adds to the error bound."""
        return self.profile.heights_and_errors(self.drift, self.folds[1:])[1]

    @property
    def error_bound(self) -> float:
        """The polynomial's own error and that of each square."""
        return self.approximation + sum(self.errors)

    @property
    def cost(self) -> int:
        """Connections in folds."""
        return sum(count * cost for count, cost in zip(self.folds, self.costs, strict=True))

    @property
    def parameters(self) -> Mapping[str, object]:
        """What was chosen, for people to read."""
        return {"squarings": len(self.folds), "folds": self.folds}

    def changed(self, changes: Mapping[int, int]) -> Plan:
        """Add to the numbers of folds."""
        folds = tuple(max(n + changes.get(i, 0), 0) for i, n in enumerate(self.folds))
        return replace(self, folds=folds)

    def enough(self, tol: float) -> Plan:
        """Return the plan with about the fewest connections whose bound is at most tol.

        From more folds than needed, those go first that cost the most for the least error; at the
        end single folds move between squares while that helps.
        """
        plan = self
        while plan.error_bound > tol:
            plan = plan.changed(dict.fromkeys(range(len(self.folds)), 4))
        while fewer := [p for p in plan.with_one_less() if p.error_bound <= tol]:
            plan = min(fewer, key=partial(_price, plan))
        while better := [p for p in plan.neighbours() if p < plan and p.error_bound <= tol]:
            plan = min(better)
        return plan

    def with_one_less(self) -> list[Plan]:
        """Return the plans with one fold less."""
        return [self.changed({i: -1}) for i, count in enumerate(self.folds) if count]

    def neighbours(self) -> Iterator[Plan]:
        """Yield the plans with one fold less, or one moved to another square."""
        yield from self.with_one_less()
        for i, j in permutations(range(len(self.folds)), 2):
            yield self.changed({i: -1, j: 1})

    def __lt__(self, other: Plan) -> bool:
        """Order by connections, then by error."""
        return (self.cost, self.error_bound) < (other.cost, other.error_bound)

    def circuit(self, magnitude: Affine) -> Affine:
        """Write the polynomial over m; the result is an affine form."""
        numbers = magnitude.circuit.numbers
        square = relu(Tents(self.folds[0]).square(magnitude, numbers.mpf(1)))
        heights, _ = self.profile.heights_and_errors(self.drift, self.folds[1:])
        return self.profile.circuit(2 * square - 1, heights, self.folds[1:])


def _price(plan: Plan, other: Plan) -> float:
    """Error for each connection saved."""
    return (other.error_bound - plan.error_bound) / (plan.cost - other.cost)
