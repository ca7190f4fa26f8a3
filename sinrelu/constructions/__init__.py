"""One file per method, its paper in the docstring; this registry; and ``build``, the one door."""

from collections.abc import Callable, Iterable

from mpmath import MPContext, libmp

from sinrelu.circuit import Real
from sinrelu.constructions import huybrechs
from sinrelu.constructions.base import FLOAT64_TOL, WIRINGS, Construction, Request
from sinrelu.constructions.fold_reflect.weights import FOLD_REFLECT
from sinrelu.constructions.squarings import chebyshev, double_angle, taylor
from sinrelu.errors import RequestError
from sinrelu.network import LAYERED, SKIP, Network
from sinrelu.target import Target, tolerance

_OTHERS = (method.CONSTRUCTION for method in (chebyshev, double_angle, taylor, huybrechs))
CONSTRUCTIONS: dict[str, Construction] = {each.name: each for each in (FOLD_REFLECT, *_OTHERS)}
TOL = "1e-12"
LEAST_LAYERED = 1e-15
"""Below this there are no layered plans of fold-reflect, for want of schedules of so many folds."""

__all__ = ["CONSTRUCTIONS", "FLOAT64_TOL", "TOL", "WIRINGS", "Construction", "build"]


def build(
    target: Target | str | None = None,
    wiring: str | None = None,
    tol: object = None,
    *,
    construction: str = FOLD_REFLECT.name,
    max_connections: int | None = None,
    multiprecision: bool | None = None,
    message: Callable[[str], None] | None = None,
) -> Network:
    """Build a network N with |N(x) − f(x)| ≤ tol on a domain, f being sin or cos.

    All build here: the same request gives the same network.

    Parameters
    ----------
    target : Target, str or None
        The function and the domain; None for what the construction is for, sin on [−π, π] as a
        rule. The name of a construction may stand here instead.
    wiring : str
        ``layered``, a plain multilayer perceptron, or ``skip``. By default layered where there is
        such a network, skip for tolerances below 1e-15.
    tol : float, str, Fraction, mpf, …
        Largest error allowed, from 1e-1000 to below 1. By default 1e-12, or the least that
        ``max_connections`` allow. The construction's a-priori bound is below it; nothing is
        measured or proved here. Below 1e-14 weights have more bits than a float64.
    construction : str
        A name in ``CONSTRUCTIONS``.
    max_connections : int
        Build no larger network.
    multiprecision : bool
        Whether weights have as many bits as the tolerance needs, with a proven bound, or are
        float64; by default float64 where that suffices.
    message : callable
        Told what is being done, where that takes seconds.

    Returns
    -------
    Network
        Its ``meta`` has construction, tolerance, domain, function, ``error_bound`` (as a string)
        and parameters.

    Raises
    ------
    RequestError
        If a name is unknown, or what is asked for is out of the construction's reach.
    """
    name, asked = (target, None) if isinstance(target, str) else (construction, target)
    method = CONSTRUCTIONS[_known("construction", name, CONSTRUCTIONS)]
    if tol is None and max_connections is None:
        tol = TOL
    wanted = None if tol is None else _real(tol)
    if wiring is None:
        small = wanted is not None and wanted < LEAST_LAYERED
        wiring = SKIP if small and SKIP in method.wirings else LAYERED
    _known("wiring", wiring, method.wirings)
    wish = asked or method.target
    request = Request(wish, wiring, wanted, max_connections, multiprecision, message)
    network = method.network(request)
    if max_connections is not None and network.connections > max_connections:
        raise RequestError(
            f"max-connections: {max_connections} are too few; {name} with {wiring} wiring "
            f"needs {network.connections} connections for the tolerance {tol}"
        )
    return network


def _real(tol: object) -> Real:
    """Return a tolerance, checked, as an mpf."""
    numbers, ratio = MPContext(), tolerance(tol).as_integer_ratio()
    return numbers.make_mpf(libmp.from_rational(*ratio, numbers.prec, libmp.round_nearest))


def _known(kind: str, name: str, names: Iterable[str]) -> str:
    if name not in names:
        raise RequestError(f"{kind}: {name!r} is unknown; choose from {', '.join(names)}")
    return name
