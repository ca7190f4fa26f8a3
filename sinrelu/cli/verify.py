"""``sinrelu verify``."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sinrelu.cli import shared
from sinrelu.errors import RequestError

if TYPE_CHECKING:
    from sinrelu.verification import Report

HELP = """Connections are nonzero weights, however small; everything is recounted on the
graph, and what the file says about itself is not believed.

\b
Verdicts (the first word of the last line, "verdict" in --json):
  proved        the bound holds for every real x of the domain
  refuted       exact arithmetic finds an x, the witness, with a larger error
  inconclusive  neither; a remark says why
  sampled-ok    only with --sampled: exact arithmetic has seen no larger error,
                having looked where float64 is worst

\b
Examples:
  sinrelu verify sin.npz --sampled
  sinrelu verify sin.npz --json
  sinrelu verify sin.npz --tol 1e-9 --max-connections 500 --plot error.svg
  sinrelu verify cos.npz --function cos --domain -100 100
  sinrelu verify wide.npz --domain -1000pi 1000pi --sampled
  sinrelu verify sin.json --tol 1e-100

\b
Wide domains have many pieces: --budget allows a longer proof, --sampled none.
Weights of more than 53 bits are judged in exact arithmetic; what is proved then
is the induction of a fold-reflect plan that the file names, for its own weights.

\b
Exit status: 0 proved (or sampled-ok) and within the limit, 1 refuted or over
the limit, 2 bad usage or file, 3 inconclusive."""


@click.command(epilog=HELP)
@shared.file_argument
@shared.tol_option(shared.TOL, shared.TOL)
@shared.target_options()
@shared.count_option("--max-connections", "Most connections allowed.", 10_000)
@click.option("--sampled", is_flag=True, help="Judge the sampled error alone; attempt no proof.")
@shared.count_option(
    "--budget", "Cells after which the proof is given up.  [default: as many as take minutes]"
)
@shared.output_option(
    shared.ANY,
    "--certificate",
    help="Also write the proof's certificate, as JSON, for `sinrelu recheck`.",
)
@click.option(
    "--float32",
    is_flag=True,
    help="Judge evaluation in float32 instead of float64; all weights must be float32.",
)
@shared.backend_option()
@click.option("--json", "as_json", is_flag=True, help="Write one JSON object.")
@shared.picture_option("the error")
def command(  # noqa: PLR0913, PLR0917 - click passes every option as an argument
    file: Path,
    tol: str,
    function: str | None,
    domain: shared.Ends | None,
    max_connections: int,
    sampled: bool,
    budget: int | None,
    certificate: Path | None,
    float32: bool,
    backend: str | None,
    as_json: bool,
    picture: Path | None,
) -> int:
    """Recount a network and check its error on a domain against --tol.

    The sampled error is the largest seen in float64 at every breakpoint of the network, in the
    middle of every piece and at a million random points, and in exact arithmetic at thousands,
    among them the worst.
    """
    from sinrelu.formats import load
    from sinrelu.kernels import backend_for
    from sinrelu.precision import FLOAT32, FLOAT64
    from sinrelu.target import tolerance
    from sinrelu.verification import verify
    from sinrelu.verification.report import counts_text

    if sampled and (budget or certificate):
        raise RequestError("--sampled attempts no proof; leave --budget and --certificate out")
    backend_for(0, backend)  # whether there is such a one
    shared.check_distinct(file, certificate, picture)
    target, limit = shared.target_of(function, domain), tolerance(tol)
    if picture is not None:
        from sinrelu import plots

        plots.check_domain(target.cover)
    network = load(file)
    if network.multiprecision and (budget or certificate or picture):
        refusal = f"{file}: its weights have more bits than float64"
        raise RequestError(f"{refusal}, so --budget, --certificate and --plot are not for it")
    if as_json:
        if network.connections > max_connections:
            shared.message(f"{network.connections} connections, more than {max_connections}")
    else:
        click.echo(counts_text(network, max_connections))  # at once: the rest may take long
    with shared.progress_bars() as progress:
        report = verify(
            network,
            target,
            limit,
            max_connections=max_connections,
            sampled=sampled,
            budget=budget,
            precision=FLOAT32 if float32 else FLOAT64,
            backend=backend,
            progress=progress,
            message=shared.message,
        )
    outputs = ((_write_certificate, certificate), (_draw, picture))
    shared.finish(
        report.as_json() if as_json else report.findings_text(),
        *(partial(write, report, to) for write, to in outputs if to is not None),
    )
    return report.exit_status


def _write_certificate(report: Report, file: Path) -> None:
    from sinrelu.formats import write_whole

    if report.proof and (made := report.proof.certificate):
        write_whole(file, made.to_json().encode())


def _draw(report: Report, file: Path) -> None:
    from sinrelu import plots

    curve = report.sample.curve
    if curve is not None:
        plots.write(plots.error_figure(report.network, curve, report.tol), file)
