"""One file per method, its paper in the docstring; this registry; and ``build``, the one door."""

from collections.abc import Callable
from fractions import Fraction

from mpmath import MPContext, libmp

from sinrelu.arithmetic.numbers import count
from sinrelu.arithmetic.rounding import exact_text
from sinrelu.circuit import Real
from sinrelu.constructions import huybrechs
from sinrelu.constructions.base import FLOAT64_TOL, WIRINGS, Construction, Request
from sinrelu.constructions.fold_reflect.weights import FOLD_REFLECT
from sinrelu.constructions.squarings import chebyshev, double_angle, taylor
from sinrelu.errors import RequestError, check_known
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
        ``max_connections`` allow. The construction's a-priori bound is below it, from 1e-12 on so
        far that what is computed in float64 keeps it too; nothing is proved here. Below 1e-14
        weights have more bits than a float64.
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
        Its ``meta`` has construction, tolerance, domain, function, ``error_bound`` and
        ``evaluation_room`` (as strings) and parameters.

    Raises
    ------
    RequestError
        If a name is unknown, or what is asked for is out of the construction's reach.
    """
    name, asked = (target, None) if isinstance(target, str) else (construction, target)
    check_known("construction", name, CONSTRUCTIONS)
    method = CONSTRUCTIONS[name]
    limit = None if max_connections is None else count(max_connections, "max-connections")
    exact = tolerance(TOL if tol is None else tol) if tol is not None or limit is None else None
    wanted = None if exact is None else _rounded_down(exact)
    if wiring is None:
        small = wanted is not None and wanted < LEAST_LAYERED
        wiring = SKIP if small and SKIP in method.wirings else LAYERED
    check_known("wiring", wiring, method.wirings)
    wish = asked or method.target
    request = Request(wish, wiring, wanted, limit, multiprecision, message)
    network = method.network(request)
    if exact is None:
        return network
    if limit is not None and network.connections > limit:
        raise RequestError(
            f"max-connections: {limit} are too few; {name} with {wiring} wiring "
            f"needs {network.connections} connections for the tolerance {exact_text(exact)}"
        )
    return network.with_meta(tol=exact_text(exact))


def _rounded_down(tol: Fraction) -> Real:
    """Return a tolerance as an mpf that is not above it."""
    numbers, ratio = MPContext(), tol.as_integer_ratio()
    return numbers.make_mpf(libmp.from_rational(*ratio, numbers.prec, libmp.round_floor))
