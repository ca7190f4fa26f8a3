"""The command ``build``; like ``cli``, it loads numerics only when it runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from sinrelu.cli import epilogs
from sinrelu.cli.shared import remark, target_options
from sinrelu.errors import RequestError

if TYPE_CHECKING:
    from sinrelu.constructions.fold_reflect.solver import Solution
    from sinrelu.target import Target

SOLVER = "fold-reflect"
TOL = "1e-12"


@click.command(epilog=epilogs.BUILD_EPILOG)
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
@click.option(
    "--max-connections", type=click.IntRange(min=1), metavar="N", help="Write no larger network."
)
@target_options
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="Network file, .npz, .json or .onnx.  [default: sin.npz; sin.json below 1e-14]",
)
def build(
    construction: str,
    wiring: str | None,
    tol: str | None,
    max_connections: int | None,
    target: Target,
    output: Path | None,
) -> None:
    """Build a network and write it to a file.

    The one of fewest connections whose error on the domain is at most --tol; or, with
    --max-connections and no --tol, the one of least error. `sinrelu verify` checks it.
    """
    from sinrelu.formats import check_suffix, save

    if output is not None:
        check_suffix(output)
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
    from sinrelu.constructions.fold_reflect.solver import (
        FLOAT_TOL,
        LEAST_LAYERED,
        checked_tolerance,
        sharpest,
        smallest,
    )
    from sinrelu.network import LAYERED, SKIP

    if tol is None and max_connections is not None:
        found = sharpest(max_connections, target, wiring or LAYERED, remark)
        if not (narrow and found.network.wide):
            return found
        # all that float64 weights can do
        return smallest(FLOAT_TOL, target, wiring or LAYERED, remark=remark)
    wanted = checked_tolerance(tol or TOL)
    wiring = wiring or (LAYERED if wanted >= LEAST_LAYERED else SKIP)
    return smallest(wanted, target, wiring, remark=remark)


def _build(
    construction: str,
    wiring: str | None,
    tol: str | None,
    max_connections: int | None,
    target: Target,
) -> Solution:
    """Build what has no solver: one function, one domain, float64 weights."""
    from sinrelu.constructions import build as build_network
    from sinrelu.constructions.fold_reflect.solver import Solution, checked_tolerance
    from sinrelu.network import LAYERED
    from sinrelu.target import Target

    if target != Target():
        raise RequestError(
            f"{construction} is for {Target()}; for {target} take --construction {SOLVER}"
        )
    if tol is None and max_connections is not None:
        raise RequestError(f"--max-connections: without --tol, only {SOLVER} can be built")
    network = build_network(construction, wiring or LAYERED, float(checked_tolerance(tol or TOL)))
    return Solution(network, network.meta["error_bound"], "")


def _report(
    solution: Solution, file: Path, construction: str, target: Target, limit: int | None
) -> list[str]:
    from sinrelu.verification.report import count_lines, line

    network = solution.network
    lines = [
        line("file", str(file)),
        line("construction", construction),
        line("target", f"{target}"),
        *count_lines(network, limit),
        line("a-priori bound", _bound(solution)),
    ]
    return lines + ([line("searched", solution.searched)] if solution.searched else [])


def _bound(solution: Solution) -> str:
    from mpmath import MPContext

    rounding = "with weights rounded" if solution.network.wide else "before weights are rounded"
    return (
        f"{MPContext().nstr(MPContext().mpf(solution.error_bound), 4):<12} of the error, {rounding}"
    )
