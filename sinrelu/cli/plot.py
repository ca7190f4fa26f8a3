"""``sinrelu plot``."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path

import click

from sinrelu.cli import shared
from sinrelu.errors import RequestError

FOLDING = "folding"
PAGE = ".html"
KINDS = ("error", "network", "units", "pieces", "scaling", FOLDING)
BANDED = ("error", "pieces")
"""Kinds that show a tolerance."""
FINEST = 1e-30
"""Far below what float64 tells of an error."""

HELP = """\b
Kinds:
  error    the error over the whole domain, and zooms down to single pieces; as .html a page
           in which to zoom
  network  the graph: levels down on the left and up on the right, or layers
  units    what each unit computes over x
  pieces   where the breakpoints are, and where the fewest would be
  scaling  connections against digits; FILE is a table of `sinrelu compare --csv`
  folding  a moving picture: the domain folds up, and the sine unfolds, gate by gate

\b
Examples:
  sinrelu plot sin.npz -o error.svg
  sinrelu plot sin.npz --tol 1e-9 --domain -10 10 -o error.png
  sinrelu plot sin.npz -o error.html
  sinrelu plot sin.npz --kind network -o network.pdf
  sinrelu plot sin.npz --kind folding -o folding.gif"""


@click.command(epilog=HELP)
@shared.file_argument
@shared.tol_option("what FILE says, or none")
@shared.target_options(shared.BY_FILE)
@click.option(
    "--kind", type=click.Choice(KINDS), default=KINDS[0], show_default=True, help="What to draw."
)
@shared.output_option(
    shared.PLOT,
    "-o",
    "--output",
    required=True,
    help="Picture file, .png, .svg or .pdf; .html for error, .gif or .mp4 for folding.",
)
def command(
    file: Path,
    tol: str | None,
    function: str | None,
    domain: shared.Ends | None,
    kind: str,
    output: Path,
) -> None:
    """Draw a network, or a table of networks."""
    from sinrelu import plots
    from sinrelu.compare import read_csv
    from sinrelu.formats import load, write_whole

    shared.check_distinct(file, output)
    plots.check_kind(output, kind)
    asked = None if tol is None else _visible(tol)
    if kind == "scaling":
        content = plots.rendered(plots.scaling_figure(read_csv(file)), output.suffix)
    else:
        network = load(file)
        network.require_float64(f"{file}")
        target = shared.target_of(function, domain, network.meta)
        limit = asked or (_said(network.meta) if kind in BANDED else None)
        with shared.progress_bar("drawing") as progress:
            if kind == FOLDING:
                content = plots.folding_film(network, output.suffix, target, progress)
            elif output.suffix.lower() == PAGE:
                content = plots.error_page(network, target, limit)
            else:
                figure = plots.draw(kind, network, limit, progress, target)
                content = plots.rendered(figure, output.suffix)
    write_whole(output, content)
    click.echo(f"{output}")


def _said(meta: Mapping[str, object]) -> Fraction | None:
    """Return the tolerance that a file names, if any, with a message unless it is the usual one."""
    from sinrelu.arithmetic.rounding import exact_text

    try:
        said = _visible(meta.get("tol"))
    except RequestError:
        return None
    if exact_text(said) != shared.TOL:
        shared.message(f"default taken from the file: tolerance {exact_text(said)}")
    return said


def _visible(tol: object) -> Fraction:
    from sinrelu.target import tolerance

    exact = tolerance(tol)
    if exact < FINEST:
        raise RequestError(f"tol: no picture shows less than {FINEST:g}")
    return exact
