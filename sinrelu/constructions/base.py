"""What a construction is: a name, a paper, and a way from a tolerance to a circuit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from operator import attrgetter
from typing import Any, ClassVar, Protocol, Self

from mpmath import fp

from sinrelu.circuit import Affine, Real
from sinrelu.constructions.fold_reflect.range_reduction import Reduction
from sinrelu.constructions.fold_reflect.refined import PolishedLeaf
from sinrelu.constructions.fold_reflect.store import Key, stored

MOST_POLISHED = 6
"""How many near misses are polished; each takes a second or two."""
SHARPEST = 3
"""How many plans are polished where the sharpest is looked for."""


@dataclass(frozen=True)
class Design:
    """One network, written down and not yet rounded.

    Attributes
    ----------
    output : Affine
        The output, an affine form over the units of its circuit.
    error_bound : float
        A-priori bound of |N(x) − sin x| on [−π, π], before weights are rounded to float64.
    parameters : mapping
        What the construction chose, for people to read.
    """

    output: Affine
    error_bound: float
    parameters: Mapping[str, object]


@dataclass(frozen=True)
class Construction:
    """A method from the literature, or after it.

    Attributes
    ----------
    name, summary, source : str
        What the command line calls it, one line about it, and the paper it is from.
    design : callable
        From a tolerance to the design of fewest connections that the method finds for it; raises
        RequestError where it finds none.
    design_layered : callable, optional
        Likewise for layered wiring, where the method has a design of its own for it; without one,
        the layers are those of the general pass.
    rounding : float
        What is kept free of a tolerance for the rounding of weights to float64; measured, not
        proved.
    """

    name: str
    summary: str
    source: str
    design: Callable[[float], Design]
    design_layered: Callable[[float], Design] | None = None
    rounding: float = 0.0


class Plan(Protocol):
    """The parameters of one network of a family: a frozen dataclass."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def wiring(self) -> str:
        """``layered`` or ``skip``."""

    @property
    def reduction(self) -> Reduction:
        """How the domain is folded."""

    @property
    def connections(self) -> int:
        """Connections of the network."""

    @property
    def parameters(self) -> Mapping[str, object]:
        """What was chosen, as JSON has it."""

    def error_bound(self, numbers: Any) -> Real:
        """A-priori bound of |N(x) − f(x)| on the domain, before weights are rounded."""

    def circuit(self, tol: Real, bits: int) -> Affine:
        """Write the network down, with coefficients of so many bits."""


Remark = Callable[[str], None]


def ignore(_: str) -> None:
    """Tell nobody what is being done."""


class Refinable(Plan, Protocol):
    """A plan with a leaf that can be polished."""

    @property
    def polished(self) -> PolishedLeaf | None:
        """The leaf, if it is."""

    @property
    def key(self) -> Key:
        """What the leaf depends on."""

    @property
    def hope(self) -> float:
        """What the error may be once the leaf is polished."""

    def refined(self) -> Self:
        """Return the plan with its leaf polished."""


@dataclass(frozen=True)
class Search:
    """What was looked at, and the best of it.

    Attributes
    ----------
    plan : Plan
        The best plan.
    error_bound : mpf
        Its a-priori bound.
    candidates : int
        How many plans were compared.
    compared : str
        In what they differ.
    polished : int
        How many leaves were polished to look closer.
    """

    plan: Plan
    error_bound: Real
    candidates: int
    compared: str
    polished: int = 0

    @property
    def description(self) -> str:
        """One line for people."""
        closer = f", {self.polished} polished" if self.polished else ""
        return f"{self.candidates} plans compared{closer}: {self.compared}"


def is_stored(plan: Refinable) -> bool:
    """Whether the plan's leaf was polished before."""
    return stored(plan.wiring, plan.key) is not None


def near_misses(search: Search, candidates: Iterable[Refinable], tol: Real) -> list[Refinable]:
    """Return plans of fewer connections that may keep a tolerance, from fewer to more."""
    near = {
        plan: (plan.connections, plan.hope)
        for plan in candidates
        if plan.connections < search.plan.connections and plan.hope <= tol
    }
    return sorted(near, key=near.__getitem__)


def closer(
    search: Search, candidates: Iterable[Refinable], tol: Real, remark: Remark = ignore
) -> Search:
    """Look for a plan of fewer connections that keeps a tolerance once its leaf is polished."""
    near = near_misses(search, candidates, tol)
    search = replace(search, candidates=search.candidates + len(near))
    for tried, plan in enumerate(near[:MOST_POLISHED], start=1):
        if not is_stored(plan):
            remark(f"polishing a leaf: {plan.connections} connections may do")
        refined = plan.refined()
        search = replace(search, polished=tried)
        if (error := refined.error_bound(fp)) <= tol:
            return replace(search, plan=refined, error_bound=error)
    return search


def sharper(search: Search, candidates: Iterable[Refinable], remark: Remark = ignore) -> Search:
    """Polish the most promising leaves; return the plan of least bound, or what was there before.

    Plans whose least error, as far as is seen, is above the best bound are left out.
    """
    promising = sorted(candidates, key=attrgetter("hope"))[:SHARPEST]
    refined = []
    for plan in promising:
        if plan.hope < search.error_bound:
            if not is_stored(plan):
                remark(f"polishing a leaf: the error may be {plan.hope:.3g}")
            refined.append(plan.refined())
    best = min(refined, key=lambda plan: plan.error_bound(fp), default=None)
    search = replace(search, polished=len(refined))
    if best is None or best.error_bound(fp) >= search.error_bound:
        return search
    return replace(search, plan=best, error_bound=best.error_bound(fp))


def described(plan: Any) -> Mapping[str, object]:
    """Return the parameters of a plan, and of a polished leaf only that it is one."""
    return {**asdict(replace(plan, polished=None)), "polished": plan.polished is not None}
