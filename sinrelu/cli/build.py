"""``sinrelu build``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sinrelu.cli import shared
from sinrelu.errors import RequestError

if TYPE_CHECKING:
    from sinrelu.network import Network

HELP = """\b
Examples:
  sinrelu build --wiring skip -o small.npz     fewest connections
  sinrelu build --tol 1e-9 -o rough.json       a file for people to read
  sinrelu build --max-connections 100          the least error that 100 allow
  sinrelu build --function cos --domain -100 100
  sinrelu build --domain -1000pi 1000pi --wiring skip
  sinrelu build --tol 1e-100                   weights of as many bits as it takes

Weights of more than 53 bits, below 1e-14, go to .json only. Constructions: fold-reflect,
the smallest, for any domain; chebyshev, double-angle, taylor, for sin on [−π, π];
huybrechs, the published recursion, for sin on [0, π]."""


@click.command(epilog=HELP)
@click.option("--construction", default="fold-reflect", show_default=True, help="The method.")
@click.option(
    "--wiring",
    help="layered: a unit reads only the layer before it, a plain MLP. skip: any earlier unit.  "
    "[default: layered; skip below 1e-15]",
)
@shared.tol_option("1e-12, or the least that --max-connections allows")
@shared.count_option("--max-connections", "Write no larger network.")
@shared.target_options()
@shared.network_option("sin.npz; sin.json below 1e-14")
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
    from sinrelu.constructions import FLOAT64_TOL, build
    from sinrelu.formats import check_writable, save
    from sinrelu.target import tolerance

    fine = tol is not None and tolerance(tol) < FLOAT64_TOL
    if output is None:
        for kind in {fine, fine or tol is None}:  # a budget may lead to weights of more bits
            check_writable(_default(function, kind))
    elif fine and output.suffix.lower() != ".json":
        raise RequestError(f"{output}: weights for less than {FLOAT64_TOL:g} go to .json only")

    # without a tolerance weights must be float64 if the file holds no others
    narrow = tol is None and output is not None and output.suffix.lower() != ".json"
    network = build(
        shared.target_of(function, domain) if function or domain else None,
        wiring,
        tol,
        construction=construction,
        max_connections=max_connections,
        multiprecision=False if narrow else None,
        message=shared.message,
    )
    file = output or _default(function, network.multiprecision)
    save(network, file)
    click.echo("\n".join(_report(network, file, max_connections)))


def _default(function: str | None, multiprecision: bool) -> Path:
    return Path(f"{function or 'sin'}.{'json' if multiprecision else 'npz'}")


def _report(network: Network, file: Path, limit: int | None) -> Iterator[str]:
    from sinrelu.target import Target
    from sinrelu.verification.report import count_lines, line

    meta = network.meta
    rounding = "with weights rounded" if network.multiprecision else "before weights are rounded"
    yield line("file", str(file))
    yield line("construction", f"{meta['construction']}")
    yield line("target", f"{Target.claimed(meta)}")
    yield from count_lines(network, limit)
    yield line("a-priori bound", f"{meta['error_bound']:<12} of the error, {rounding}")
    if "evaluation_room" in meta:
        yield line("", f"{meta['evaluation_room']:<12} are left for evaluation in float64")
    if meta.get("searched"):
        yield line("searched", f"{meta['searched']}")
