"""What a construction is: a name, a paper, and a way from a tolerance to a circuit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sinrelu.circuit import Affine


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
    """

    name: str
    summary: str
    source: str
    design: Callable[[float], Design]
    design_layered: Callable[[float], Design] | None = None
