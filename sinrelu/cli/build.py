"""``sinrelu build``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from sinrelu.cli import shared
from sinrelu.errors import RequestError

if TYPE_CHECKING:
    from sinrelu.constructions.fold_reflect.solver import Solution
    from sinrelu.target import Target

SOLVER = "fold-reflect"

HELP = """\b
Examples:
  sinrelu build --wiring skip -o small.npz     fewest connections
  sinrelu build --tol 1e-9 -o rough.json       a file for people to read
  sinrelu build --max-connections 100          the least error that 100 allow
  sinrelu build --function cos --domain -100 100
  sinrelu build --domain -1000pi 1000pi --wiring skip
  sinrelu build --tol 1e-100                   weights of as many bits as it takes

Weights of more than 53 bits, below 1e-14, go to .json only. Constructions: fold-reflect,
the smallest, for any domain; chebyshev, double-angle, taylor, for sin on [−π, π]."""


@click.command(epilog=HELP)
@click.option("--construction", default=SOLVER, show_default=True, help="The method.")
@click.option(
    "--wiring",
    help="layered: a unit reads only the layer before it, a plain MLP. skip: any earlier unit.  "
    "[default: layered; skip below 1e-15]",
)
@click.option(
    "--tol",
    metavar="TOL",
    help="Largest error allowed.  [default: 1e-12, or the least that --max-connections allows]",
)
@shared.count_option("--max-connections", "Write no larger network.")
@shared.target_options()
@shared.output_option(
    shared.NETWORK,
    "-o",
    "--output",
    help="Network file, .npz, .json or .onnx.  [default: sin.npz; sin.json below 1e-14]",
)
def command(
    construction: str,
    wiring: str | None,
    tol: str | None,
    max_connections: int | None,
    function: str | None,
    domain: shared.Ends | None,
    output: Path | None,
) -> None:
    """Build a network and write it to a file.

    The one of fewest connections whose error on the domain is at most --tol; or, with
    --max-connections and no --tol, the one of least error. `sinrelu verify` checks it.
    """
    from sinrelu.formats import save

    target = shared.target_of(function, domain)
    if construction == SOLVER:
        narrow = output is not None and output.suffix.lower() != ".json"
        solution = _solve(wiring, tol, max_connections, target, narrow)
    else:
        solution = _build(construction, wiring, tol, max_connections, target)
    network = solution.network
    if max_connections is not None and network.connections > max_connections:
        raise RequestError(
            f"--max-connections: {max_connections} are too few; {construction} with "
            f"{network.wiring} wiring needs {network.connections} connections for --tol {tol}"
        )
    file = output or Path(f"{target.function}.{'json' if network.wide else 'npz'}")
    save(network, file)
    click.echo("\n".join(_report(solution, file, construction, target, max_connections)))


def _solve(
    wiring: str | None, tol: str | None, max_connections: int | None, target: Target, narrow: bool
) -> Solution:
    from sinrelu.constructions.fold_reflect import solver
    from sinrelu.network import LAYERED, SKIP

    if tol is None and max_connections is not None:
        found = solver.sharpest(max_connections, target, wiring or LAYERED, shared.message)
        if not (narrow and found.network.wide):
            return found
        # all that float64 weights can do
        return solver.smallest(solver.FLOAT_TOL, target, wiring or LAYERED, remark=shared.message)
    wanted = solver.checked_tolerance(tol or shared.TOL)
    wiring = wiring or (LAYERED if wanted >= solver.LEAST_LAYERED else SKIP)
    return solver.smallest(wanted, target, wiring, remark=shared.message)


def _build(
    construction: str,
    wiring: str | None,
    tol: str | None,
    max_connections: int | None,
    target: Target,
) -> Solution:
    """Build what has no solver: one function, one domain, float64 weights."""
    from sinrelu.constructions import build
    from sinrelu.constructions.fold_reflect.solver import Solution, checked_tolerance
    from sinrelu.network import LAYERED
    from sinrelu.target import DEFAULT

    if target != DEFAULT:
        raise RequestError(
            f"{construction} is for {DEFAULT}; for {target} take --construction {SOLVER}"
        )
    if tol is None and max_connections is not None:
        raise RequestError(f"--max-connections: without --tol, only {SOLVER} can be built")
    network = build(construction, wiring or LAYERED, float(checked_tolerance(tol or shared.TOL)))
    return Solution(network, network.meta["error_bound"], "")


def _report(
    solution: Solution, file: Path, construction: str, target: Target, limit: int | None
) -> list[str]:
    from mpmath import MPContext

    from sinrelu.verification.report import count_lines, line

    network = solution.network
    bound = MPContext().nstr(MPContext().mpf(solution.error_bound), 4)
    rounding = "with weights rounded" if network.wide else "before weights are rounded"
    return [
        line("file", str(file)),
        line("construction", construction),
        line("target", f"{target}"),
        *count_lines(network, limit),
        line("a-priori bound", f"{bound:<12} of the error, {rounding}"),
        *([line("searched", solution.searched)] if solution.searched else []),
    ]
