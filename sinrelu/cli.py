"""The command line: results on stdout, progress and remarks on stderr, never a traceback.

Only click is imported here; numerics and plots are loaded by the command that needs them.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sinrelu import __version__, epilogs
from sinrelu.cli_build import build
from sinrelu.cli_train import train
from sinrelu.errors import FormatError, RequestError, SinreluError

if TYPE_CHECKING:
    from sinrelu.certify import Certificate
    from sinrelu.certify.pieces import Pieces
    from sinrelu.network import Network

OK, FAILED, BAD_USAGE, INTERRUPTED, BROKEN_PIPE = 0, 1, 2, 130, 141
TOL, MAX_CONNECTIONS = 1e-12, 10_000
KINDS = ("error", "network", "units", "pieces", "scaling")


@click.group(epilog=epilogs.TOP_EPILOG)
@click.version_option(__version__, message="sinrelu %(version)s")
def cli() -> None:
    """Build the smallest ReLU networks that equal sin on [−π, π], and check them."""


file_argument = click.argument("file", type=click.Path(path_type=Path))
tol_option = click.option(
    "--tol",
    type=float,
    metavar="TOL",
    default=TOL,
    show_default=True,
    help="Largest error allowed.",
)


@cli.command(epilog=epilogs.VERIFY_EPILOG)
@file_argument
@tol_option
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
def verify(
    file: Path,
    tol: float,
    max_connections: int,
    sampled: bool,
    budget: int | None,
    certificate: Path | None,
    as_json: bool,
    picture: Path | None,
) -> int:
    """Recount a network and check its error on [−π, π] against --tol.

    The sampled error is the largest seen in float64 at every breakpoint of the network, in the
    middle of every piece and at a million random points, and in exact arithmetic at thousands,
    among them the worst.
    """
    if sampled and (budget or certificate):
        raise RequestError("--sampled attempts no proof; leave --budget and --certificate out")
    network = _load(file, tol, picture)
    from sinrelu.report import Report
    from sinrelu.sampling import take_sample

    pieces = _find_pieces(network)
    with progress_bar("sampling") as progress:
        sample = take_sample(network, pieces, progress)
    proof = None if sampled else _prove(network, tol, budget, pieces)
    report = Report(network, tol, max_connections, sample, proof)
    if proof is not None and certificate is not None:
        _write(certificate, proof.to_json().encode())
    if picture is not None:
        from sinrelu.plots import error_figure, rendered

        _write(picture, rendered(error_figure(network, sample.curve, tol), picture.suffix))
    click.echo(report.as_json() if as_json else f"{report.as_text()}")
    return report.exit_status


@cli.command(epilog=epilogs.RECHECK_EPILOG)
@click.argument("certificate", type=click.Path(path_type=Path))
@file_argument
def recheck(certificate: Path, file: Path) -> int:
    """Compute a certificate of FILE again, on another partition of the domain.

    Nothing in the certificate is believed; what differs is listed.
    """
    from sinrelu.certify import Certificate
    from sinrelu.certify import recheck as compute_again
    from sinrelu.formats import load, read_whole
    from sinrelu.report import agreement_text

    try:
        old = Certificate.from_json(read_whole(certificate))
    except FormatError as error:
        raise FormatError(f"{certificate}: {error}") from error
    network = load(file)
    with progress_bar("proving") as progress:
        new, differences = compute_again(old, network, progress=progress)
    click.echo(agreement_text(old, new, differences))
    return FAILED if differences else OK


@cli.command(epilog=epilogs.PLOT_EPILOG)
@file_argument
@tol_option
@click.option(
    "--kind", type=click.Choice(KINDS), default=KINDS[0], show_default=True, help="What to draw."
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    required=True,
    help="Picture file, .png, .svg or .pdf.",
)
def plot(file: Path, tol: float, kind: str, output: Path) -> None:
    """Draw a network, or a table of networks."""
    from sinrelu.constructions import check_tol
    from sinrelu.plots import check_suffix, draw, rendered

    check_tol(tol)
    check_suffix(output)
    with progress_bar("drawing") as progress:
        figure = draw(kind, file, tol, progress)
    _write(output, rendered(figure, output.suffix))
    click.echo(f"{output}")


@cli.command(epilog=epilogs.COMPARE_EPILOG)
@click.option(
    "--tol",
    "tolerances",
    type=float,
    metavar="TOL",
    multiple=True,
    default=(TOL,),
    show_default=True,
    help="Largest error allowed; may be given several times.",
)
@click.option("--constructions", metavar="NAME,...", help="Which ones.  [default: all]")
@click.option("--prove", is_flag=True, help="Prove every bound as well; minutes at 1e-12.")
@click.option("--json", "form", flag_value="json", help="Write one JSON object.")
@click.option("--markdown", "form", flag_value="markdown", help="Write Markdown tables.")
@click.option("--csv", "form", flag_value="csv", help="Write one table for all tolerances.")
@click.option(
    "--plot",
    "picture",
    type=click.Path(path_type=Path),
    help="Also draw connections against digits, as .png, .svg or .pdf.",
)
def compare(
    tolerances: tuple[float, ...],
    constructions: str | None,
    prove: bool,
    form: str | None,
    picture: Path | None,
) -> None:
    """Build every construction in every wiring, and count and sample each.

    Beside ours stands huybrechs, the published recursion (arXiv:2506.19104), on [0, π] only.
    """
    from sinrelu.compare import NAMES, compare_all
    from sinrelu.plots import check_suffix, rendered, scaling_figure
    from sinrelu.scaling import written

    if picture is not None:
        check_suffix(picture)
    names = constructions.split(",") if constructions else NAMES
    entries = compare_all(tolerances, names, prove, lambda text: click.echo(text, err=True))
    if picture is not None:
        _write(picture, rendered(scaling_figure(entries), picture.suffix))
    click.echo(written(entries, form))


@cli.command("eval", epilog=epilogs.EVAL_EPILOG, context_settings={"ignore_unknown_options": True})
@file_argument
@click.argument("points", metavar="X...", nargs=-1, required=True)
@click.option(
    "--digits",
    type=click.IntRange(1, 10_000),
    default=50,
    show_default=True,
    help="Digits of the exact value.",
)
def evaluate(file: Path, points: tuple[str, ...], digits: int) -> None:
    """Print the exact value of a network at points X, beside sin."""
    from sinrelu.formats import load
    from sinrelu.points import parse, value_lines

    parsed = [parse(text) for text in points]
    network = load(file)
    for point in parsed:
        click.echo("\n".join(value_lines(network, point, digits)))


@cli.command()
@click.argument("source", metavar="FROM", type=click.Path(path_type=Path))
@click.argument("target", metavar="TO", type=click.Path(path_type=Path))
def convert(source: Path, target: Path) -> None:
    """Write the network of one file to another, .npz, .json or .onnx.

    The graph stays the same, and so does its sha256. An .onnx file may also come from elsewhere,
    for instance from PyTorch, if it is a float64 chain of affine layers and ReLU from one number
    to one number.

    \b
    Example:
      sinrelu convert sin.npz sin.onnx
    """  # noqa: D301 - click reads the backspace as "do not rewrap"
    from sinrelu.formats import check_suffix, load, save
    from sinrelu.report import count_lines, line

    check_suffix(target)
    network = load(source)
    save(network, target)
    click.echo(line("file", str(target)))
    click.echo("\n".join(count_lines(network)))


cli.add_command(build)
cli.add_command(train)


def _find_pieces(network: Network) -> Pieces:
    from sinrelu.sampling import find_pieces

    with progress_bar("finding pieces") as progress:
        return find_pieces(network, progress=progress)


def _prove(network: Network, tol: float, budget: int | None, pieces: Pieces) -> Certificate:
    from sinrelu.certify import BUDGET, certify

    with progress_bar("proving") as progress:
        return certify(network, tol, pieces=pieces, budget=budget or BUDGET, progress=progress)


def _load(file: Path, tol: float, picture: Path | None) -> Network:
    """Read a network after checking everything that can be checked before the work."""
    from sinrelu.constructions import check_tol
    from sinrelu.formats import load

    check_tol(tol)
    if picture is not None:
        from sinrelu.plots import check_suffix

        check_suffix(picture)
    return load(file)


def _write(path: Path, content: bytes) -> None:
    from sinrelu.formats import write_whole

    write_whole(path, content)


@contextlib.contextmanager
def progress_bar(label: str) -> Iterator[Callable[[float], None]]:
    """Show a bar on stderr if that is a terminal; its length is 1."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    steps = 1000
    with click.progressbar(length=steps, label=label, file=sys.stderr) as bar:
        yield lambda fraction: bar.update(round(fraction * steps) - bar.pos)


def main() -> None:
    """Run the command line; a user's mistake becomes one line on stderr and exit status 2."""
    sys.exit(run(sys.argv[1:] or ["--help"]))


def run(arguments: list[str]) -> int:
    """Run one command and return its exit status."""
    try:
        with cli.make_context("sinrelu", arguments) as context:
            status: int | None = cli.invoke(context)
        sys.stdout.flush()
    except click.exceptions.Exit as done:
        return done.exit_code
    except (click.Abort, KeyboardInterrupt):
        return _fail("interrupted", INTERRUPTED)
    except click.ClickException as error:
        return _fail(error.format_message(), BAD_USAGE)
    except BrokenPipeError:
        _leave_stdout()
        return BROKEN_PIPE
    except (SinreluError, OSError, MemoryError) as error:
        _leave_stdout()
        return _fail(str(error) or "out of memory", BAD_USAGE)
    return status or 0


def _fail(message: str, status: int) -> int:
    with contextlib.suppress(OSError):
        click.echo(f"sinrelu: {' '.join(message.split())}", err=True)
    return status


def _leave_stdout() -> None:
    """Point stdout elsewhere, so that nothing fails once more when it is flushed at exit."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
