"""The commands ``verify`` and ``recheck``; like ``cli``, they load numerics only when they run."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sinrelu.cli import epilogs
from sinrelu.cli.shared import TOL, file_argument, progress_bar, target_options, write
from sinrelu.errors import FormatError, RequestError

if TYPE_CHECKING:
    from sinrelu.certify import Certificate
    from sinrelu.certify.pieces import Pieces
    from sinrelu.network import Network
    from sinrelu.target import Target
    from sinrelu.verification.report import Judgement, Report

OK, FAILED = 0, 1
MAX_CONNECTIONS = 10_000


@click.command(epilog=epilogs.VERIFY_EPILOG)
@file_argument
@click.option(
    "--tol", metavar="TOL", default=f"{TOL:g}", show_default=True, help="Largest error allowed."
)
@target_options
@click.option(
    "--max-connections",
    type=click.IntRange(min=1),
    metavar="N",
    default=MAX_CONNECTIONS,
    show_default=True,
    help="Most connections allowed.",
)
@click.option("--sampled", is_flag=True, help="Judge the sampled error alone; attempt no proof.")
@click.option(
    "--budget",
    type=click.IntRange(min=1),
    metavar="N",
    help="Cells after which the proof is given up.  [default: 20000000]",
)
@click.option(
    "--certificate",
    type=click.Path(path_type=Path),
    help="Also write the proof's certificate, as JSON, for `sinrelu recheck`.",
)
@click.option("--json", "as_json", is_flag=True, help="Write one JSON object.")
@click.option(
    "--plot",
    "picture",
    type=click.Path(path_type=Path),
    help="Also draw the error, as .png, .svg or .pdf.",
)
def verify(  # noqa: PLR0913, PLR0917 - click passes every option as an argument
    file: Path,
    tol: str,
    target: Target,
    max_connections: int,
    sampled: bool,
    budget: int | None,
    certificate: Path | None,
    as_json: bool,
    picture: Path | None,
) -> int:
    """Recount a network and check its error on a domain against --tol.

    The sampled error is the largest seen in float64 at every breakpoint of the network, in the
    middle of every piece and at a million random points, and in exact arithmetic at thousands,
    among them the worst.
    """
    if sampled and (budget or certificate):
        raise RequestError("--sampled attempts no proof; leave --budget and --certificate out")
    network = _load(file, tol, picture)
    report: Judgement
    if network.wide:
        if budget or certificate or picture:
            raise RequestError(
                f"{file}: its weights have more bits than float64, so --budget, --certificate and "
                "--plot are not for it"
            )
        report = _judge_wide(network, tol, target, max_connections, sampled)
    else:
        report = _judge(network, float(tol), target, max_connections, sampled, budget)
        if report.proof is not None and certificate is not None:
            write(certificate, report.proof.to_json().encode())
        if picture is not None:
            from sinrelu.plots import error_figure, rendered

            curve = report.sample.curve
            write(picture, rendered(error_figure(network, curve, float(tol)), picture.suffix))
    click.echo(report.as_json() if as_json else f"{report.as_text()}")
    return report.exit_status


@click.command(epilog=epilogs.RECHECK_EPILOG)
@click.argument("certificate", type=click.Path(path_type=Path))
@file_argument
def recheck(certificate: Path, file: Path) -> int:
    """Compute a certificate of FILE again, on another partition of the domain.

    Nothing in the certificate is believed; what differs is listed.
    """
    from sinrelu.certify import Certificate
    from sinrelu.certify import recheck as compute_again
    from sinrelu.formats import load, read_whole
    from sinrelu.verification.report import agreement_text

    try:
        old = Certificate.from_json(read_whole(certificate))
    except FormatError as error:
        raise FormatError(f"{certificate}: {error}") from error
    network = load(file)
    with progress_bar("proving") as progress:
        new, differences = compute_again(old, network, progress=progress)
    click.echo(agreement_text(old, new, differences))
    return FAILED if differences else OK


def _load(file: Path, tol: str, picture: Path | None) -> Network:
    """Read a network after checking everything that can be checked before the work."""
    from sinrelu.constructions import check_tol
    from sinrelu.constructions.fold_reflect.solver import checked_tolerance
    from sinrelu.formats import load

    checked = checked_tolerance(tol)
    if picture is not None:
        from sinrelu.plots import check_suffix

        check_suffix(picture)
    network = load(file)
    if not network.wide:
        check_tol(float(checked))
    return network


def _judge_wide(
    network: Network, tol: str, target: Target, max_connections: int, sampled: bool
) -> Judgement:
    from sinrelu.verification.multiprecision import WideReport

    with progress_bar("sampling") as progress:
        return WideReport.of(network, Fraction(tol), max_connections, target, sampled, progress)


def _judge(
    network: Network,
    tol: float,
    target: Target,
    max_connections: int,
    sampled: bool,
    budget: int | None,
) -> Report:
    from sinrelu.verification.report import Report
    from sinrelu.verification.sampling import take_sample

    pieces = _find_pieces(network, target)
    with progress_bar("sampling") as progress:
        sample = take_sample(network, pieces, progress, target.function)
    proof = None if sampled else _prove(network, tol, target, budget, pieces)
    return Report(network, tol, max_connections, sample, proof, target=target)


def _find_pieces(network: Network, target: Target) -> Pieces:
    from sinrelu.verification.sampling import find_pieces

    with progress_bar("finding pieces") as progress:
        return find_pieces(network, target.cover, progress)


def _prove(
    network: Network, tol: float, target: Target, budget: int | None, pieces: Pieces
) -> Certificate:
    from sinrelu.certify import BUDGET, certify

    with progress_bar("proving") as progress:
        return certify(
            network,
            tol,
            domain=target.cover,
            function=target.function,
            pieces=pieces,
            budget=budget or BUDGET,
            progress=progress,
        )
