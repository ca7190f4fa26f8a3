"""What several commands share: arguments and options, the bar of progress, writing a file."""

from __future__ import annotations

import contextlib
import functools
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click

TOL = 1e-12
FUNCTIONS = ("sin", "cos")

file_argument = click.argument("file", type=click.Path(path_type=Path))
tol_option = click.option(
    "--tol",
    type=float,
    metavar="TOL",
    default=TOL,
    show_default=True,
    help="Largest error allowed.",
)
function_option = click.option(
    "--function",
    type=click.Choice(FUNCTIONS),
    default=FUNCTIONS[0],
    show_default=True,
    help="What the network is meant to equal.",
)
domain_option = click.option(
    "--domain",
    nargs=2,
    metavar="A B",
    help="From where to where: numbers or multiples of pi, like -100 or 2pi.  [default: -pi pi]",
)


def target_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --function and --domain; the command takes the ``Target`` that they name."""

    @functools.wraps(command)
    def with_target(function: str, domain: tuple[str, str] | None, **options: Any) -> Any:
        from sinrelu.target import Target

        return command(target=Target.parse(function, domain), **options)

    return function_option(domain_option(with_target))


def write(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    from sinrelu.formats import write_whole

    write_whole(path, content)


def remark(text: str) -> None:
    """Say what is being done; results alone go to stdout."""
    click.echo(text, err=True)


@contextlib.contextmanager
def progress_bar(label: str) -> Iterator[Callable[[float], None]]:
    """Show a bar on stderr if that is a terminal; its length is 1."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    steps = 1000
    with click.progressbar(length=steps, label=label, file=sys.stderr) as bar:
        yield lambda fraction: bar.update(round(fraction * steps) - bar.pos)
