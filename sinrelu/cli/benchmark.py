"""``sinrelu benchmark``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from sinrelu.cli import shared

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sinrelu.benchmark import Instance

HELP = """\b
Examples:
  sinrelu benchmark questions
  sinrelu benchmark fine --tol 1e-12 --margins 1e-1,1e-4,1e-7,1e-10,1e-13
  sinrelu benchmark narrow --intervals 0.7:0.7001,pi/3:1.05 --kinds sine
  sinrelu benchmark single --weights float32 --wiring skip --seed 7

\b
DIR gets onnx/, vnnlib/, instances.csv (onnx, vnnlib, seconds) and truth.csv, the
answers. docs/benchmark.md says what is in them and how they are established.
Needs the package onnx: pip install 'sinrelu[onnx]'."""


def _list_option(name: str, default: str, text: str) -> shared.Decorator:
    """Add an option for names or numbers with commas between them."""

    def split(_: click.Context, __: click.Parameter, given: str) -> tuple[str, ...]:
        return tuple(part.strip() for part in given.split(","))

    return click.option(
        name, metavar="A,B,...", default=default, show_default=True, callback=split, help=text
    )


@click.command(epilog=HELP)
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--tol",
    "tolerances",
    metavar="TOL",
    multiple=True,
    default=("1e-3", "1e-6", "1e-9", "1e-12"),
    show_default=True,
    help="Largest error of the networks; may be given several times.",
)
@click.option("--construction", default="fold-reflect", show_default=True, help="The method.")
@click.option("--wiring", help="layered or skip.  [default: layered]")
@click.option(
    "--weights",
    type=click.Choice(("float64", "float32")),
    default="float64",
    show_default=True,
    help="Networks rounded to float32 are asked about as what they are after it.",
)
@_list_option("--margins", "1e-3,1e-8", "How far thresholds are from the extremum, on either side.")
@_list_option(
    "--intervals",
    "-pi:pi,random",
    "From where to where, or random: short ones, drawn for each tolerance. "
    "Of the last one more is asked.",
)
@_list_option("--kinds", "sine,spiked,difference", "Which networks.")
@shared.count_option("--timeout", "Seconds that instances.csv allows a verifier.", 60)
@click.option("--seed", type=int, default=0, show_default=True, help="What is drawn depends on it.")
def command(folder: Path, timeout: int, **asked: object) -> None:
    """Write questions for network verifiers, with their proved answers.

    Each asks whether a network exceeds a threshold somewhere on an interval. The exact extremum is
    known, and thresholds lie at the margins on either side of it. Beside networks for the sine
    there are spiked ones, with a bump that few floats see, or one alone, and differences of two
    networks that are equal but summed differently.
    """
    from sinrelu.benchmark import Request, written

    found = written(folder, Request(**asked), timeout, shared.message)  # type: ignore[arg-type]
    click.echo(_table(found, folder))


def _table(found: Sequence[Instance], folder: Path) -> str:
    """Count the answers by kind and tolerance."""
    lines = [f"{folder}: {len(found)} instances", "", "kind        tolerance   sat  unsat"]
    for kind, tol in dict.fromkeys((each.subject.kind, each.subject.tol) for each in found):
        answers = [e.expected for e in found if (e.subject.kind, e.subject.tol) == (kind, tol)]
        lines.append(f"{kind:<11} {tol:<10}{answers.count('sat'):>5}{answers.count('unsat'):>7}")
    return "\n".join(lines)
