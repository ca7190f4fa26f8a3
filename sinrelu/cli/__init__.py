"""The command line: results on stdout, progress and remarks on stderr, never a traceback.

Only click is imported here; numerics and plots are loaded by the command that needs them.
"""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sinrelu import __version__
from sinrelu.cli import epilogs
from sinrelu.cli.build import build
from sinrelu.cli.shared import (
    TOL,
    file_argument,
    progress_bar,
    remark,
    target_options,
    tol_option,
    write,
)
from sinrelu.cli.train import train
from sinrelu.cli.verify import recheck, verify
from sinrelu.errors import SinreluError

if TYPE_CHECKING:
    from sinrelu.target import Target

BAD_USAGE, INTERRUPTED, BROKEN_PIPE = 2, 130, 141
KINDS = ("error", "network", "units", "pieces", "scaling")


@click.group(epilog=epilogs.TOP_EPILOG)
@click.version_option(__version__, message="sinrelu %(version)s")
def cli() -> None:
    """Build the smallest ReLU networks that equal sin on [−π, π], and check them."""


@cli.command(epilog=epilogs.PLOT_EPILOG)
@file_argument
@tol_option
@target_options
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
def plot(file: Path, tol: float, target: Target, kind: str, output: Path) -> None:
    """Draw a network, or a table of networks."""
    from sinrelu.constructions import check_tol
    from sinrelu.plots import check_suffix, draw, rendered

    check_tol(tol)
    check_suffix(output)
    with progress_bar("drawing") as progress:
        figure = draw(kind, file, tol, progress, target)
    write(output, rendered(figure, output.suffix))
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
    from sinrelu.compare.growth import written
    from sinrelu.plots import check_suffix, rendered, scaling_figure

    if picture is not None:
        check_suffix(picture)
    names = constructions.split(",") if constructions else NAMES
    entries = compare_all(tolerances, names, prove, remark)
    if picture is not None:
        write(picture, rendered(scaling_figure(entries), picture.suffix))
    click.echo(written(entries, form))


@cli.command("eval", epilog=epilogs.EVAL_EPILOG, context_settings={"ignore_unknown_options": True})
@file_argument
@click.argument("points", metavar="X...", nargs=-1, required=True)
@target_options
@click.option(
    "--digits",
    type=click.IntRange(1, 10_000),
    default=50,
    show_default=True,
    help="Digits of the exact value.",
)
def evaluate(file: Path, points: tuple[str, ...], target: Target, digits: int) -> None:
    """Print the exact value of a network at points X, beside sin or cos."""
    from sinrelu.cli.points import parse, value_lines
    from sinrelu.formats import load

    parsed = [parse(text) for text in points]
    network = load(file)
    for point in parsed:
        click.echo("\n".join(value_lines(network, point, digits, target)))


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
    from sinrelu.verification.report import count_lines, line

    check_suffix(target)
    network = load(source)
    save(network, target)
    click.echo(line("file", str(target)))
    click.echo("\n".join(count_lines(network)))


for command in (build, verify, recheck, train):
    cli.add_command(command)


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
