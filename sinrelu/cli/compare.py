"""``sinrelu compare``."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sinrelu.cli import shared

if TYPE_CHECKING:
    from sinrelu.compare import Entry

HELP = """\b
Examples:
  sinrelu compare                                  everything at 1e-12
  sinrelu compare --tol 1e-3 --tol 1e-6 --prove    proved as well as sampled
  sinrelu compare --constructions fold-reflect,taylor --markdown

\b
Its --csv is what `sinrelu plot table.csv --kind scaling` draws."""


@click.command(epilog=HELP)
@click.option(
    "--tol",
    "tolerances",
    metavar="TOL",
    multiple=True,
    default=(shared.TOL,),
    show_default=True,
    help="Largest error allowed; may be given several times.",
)
@click.option("--constructions", metavar="NAME,...", help="Which ones.  [default: all]")
@click.option("--prove", is_flag=True, help="Prove every bound as well; minutes at 1e-12.")
@click.option("--json", "form", flag_value="json", help="Write one JSON object.")
@click.option("--markdown", "form", flag_value="markdown", help="Write Markdown tables.")
@click.option("--csv", "form", flag_value="csv", help="Write one table for all tolerances.")
@shared.picture_option("connections against digits")
def command(
    tolerances: tuple[str, ...],
    constructions: str | None,
    prove: bool,
    form: str | None,
    picture: Path | None,
) -> None:
    """Build every construction in every wiring, and count and sample each.

    Beside ours stands huybrechs, the published recursion (arXiv:2506.19104), on [0, π] only.
    """
    from sinrelu.compare import NAMES, compare_all, written

    names = constructions.split(",") if constructions else NAMES
    entries = compare_all(tolerances, names, prove, shared.message)
    drawn = [] if picture is None else [partial(_draw, entries, picture)]
    shared.finish(written(entries, form), *drawn)


def _draw(entries: Sequence[Entry], file: Path) -> None:
    from sinrelu import plots

    plots.write(plots.scaling_figure(entries), file)
