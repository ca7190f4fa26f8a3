"""What several commands share: arguments and options, messages, the bar of progress."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sinrelu.errors import FileAccessError, RequestError, SinreluError

if TYPE_CHECKING:
    from sinrelu.network import Network
    from sinrelu.target import Target

    Ends = tuple[str, str]
    Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

TOL = "1e-12"
FUNCTIONS = ("sin", "cos")
BACKENDS = ("numpy", "numba")
BY_FILE = "what FILE says, or "
PICTURE, PLOT, ANY = "sinrelu.plots", "sinrelu.plots.forms", ""
"""Sorts of files, by the room that knows their suffixes."""

file_argument = click.argument("file", type=click.Path(path_type=Path))


def count_option(
    name: str, text: str, default: int | None = None, least: int = 1, most: int | None = None
) -> Decorator:
    """Add an option for a number of things."""
    settings: dict[str, Any] = {"metavar": "N", "default": default, "show_default": True}
    return click.option(name, type=click.IntRange(least, most), help=text, **settings)


def backend_option() -> Decorator:
    """Add --backend, what a proof runs on."""
    text = "What runs the proof, with the same numbers.  [default: the faster one]"
    return click.option("--backend", type=click.Choice(BACKENDS), help=text)


def tol_option(otherwise: str, default: str | None = None) -> Decorator:
    """Add --tol; ``otherwise`` says what holds without it."""
    text = f"Largest error allowed.  [default: {otherwise}]"
    return click.option("--tol", metavar="TOL", default=default, help=text)


def target_options(otherwise: str = "") -> Decorator:
    """Add --function and --domain, for ``target_of``."""
    equal = f"What the network is meant to equal.  [default: {otherwise}{FUNCTIONS[0]}]"
    ends = "From where to where: numbers or multiples of pi, like -100 or 2pi."
    ends += f"  [default: {otherwise}-pi pi]"
    function = click.option("--function", type=click.Choice(FUNCTIONS), help=equal)
    domain = click.option("--domain", nargs=2, metavar="A B", help=ends)
    return lambda command: function(domain(command))


def target_of(
    function: str | None, domain: Ends | None, meta: Mapping[str, object] | None = None
) -> Target:
    """Return the target that options name.

    What they leave open is as the ``meta`` of a file says, or else sin on [−π, π]; a message says
    so if the file says something else than that.
    """
    from sinrelu.target import DEFAULT, End, Target

    claimed = Target.claimed(meta or {})
    said = claimed or DEFAULT
    low, high = map(End.parse, domain) if domain else (said.low, said.high)
    target = Target(function or said.function, low, high)
    if claimed not in (None, DEFAULT) and not (function and domain):
        message(f"default taken from the file: {claimed}")
    return target


def output_option(sort: str, *names: str, **settings: Any) -> Decorator:
    """Add an option for a file of a sort to be written, refused before the work if it cannot be."""
    return click.option(*names, **_output(sort), **settings)


def output_argument(sort: str, name: str, metavar: str) -> Decorator:
    """Add an argument for such a file."""
    return click.argument(name, metavar=metavar, **_output(sort))


def _output(sort: str) -> dict[str, Any]:
    def checked(_: click.Context, __: click.Parameter, path: Path | None) -> Path | None:
        from sinrelu.formats import check_writable

        if path is not None:
            if sort:
                import_module(sort).check_suffix(path)
            check_writable(path)
        return path

    return {"type": click.Path(path_type=Path, readable=False), "callback": checked}


def check_distinct(*paths: Path | None) -> None:
    """Refuse to write one file twice, or over what is read."""
    given = [path for path in paths if path is not None]
    if len({os.path.realpath(path) for path in given}) < len(given):
        raise RequestError(f"{', '.join(map(str, given))}: one file cannot be two of these")


def finish(report: str, *writes: Callable[[], None]) -> None:
    """Print a report, and then write files, each though another or the report cannot be written.

    The error raised in the end names every file that could not be.
    """
    try:
        click.echo(report)
    finally:
        _write_each(writes)


def _write_each(writes: Iterable[Callable[[], None]]) -> None:
    failures = []
    for write in writes:
        try:
            write()
        except (SinreluError, OSError) as error:
            failures.append(f"{error}")
    if failures:
        raise FileAccessError("; ".join(failures))


def network_option(otherwise: str, default: str | None = None) -> Decorator:
    """Add -o, for the network that a command makes."""
    text = f"Network file, .npz, .json, .onnx or .c.  [default: {otherwise}]"
    return output_option("sinrelu.formats", "-o", "--output", default=default, help=text)


def picture_option(what: str) -> Decorator:
    """Add --plot, for what a command may draw besides."""
    text = f"Also draw {what}, as .png, .svg or .pdf."
    return output_option(PICTURE, "--plot", "picture", help=text)


def network_of(file: Path) -> Network:
    """Load a network, with a message if what it was read from computes in float32."""
    from sinrelu.formats import load
    from sinrelu.verification.report import remarks_on_source

    network = load(file)
    for remark in remarks_on_source(network):
        message(remark)
    return network


def message(text: str) -> None:
    """Say what is being done; results alone go to stdout."""
    click.echo(text, err=True)


@contextlib.contextmanager
def progress_bar(label: str) -> Iterator[Callable[[float], None]]:
    """Show a bar on stderr if that is a terminal; its length is 1."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield lambda _: None
        return
    steps = 1000
    with click.progressbar(length=steps, label=label, file=sys.stderr) as bar:
        yield lambda fraction: bar.update(round(fraction * steps) - bar.pos)


@contextlib.contextmanager
def progress_bars() -> Iterator[Callable[[str, float], None]]:
    """Show a bar for each step that is named, one after the other."""
    with contextlib.ExitStack() as open_bar:
        bars: dict[str, Callable[[float], None]] = {}

        def told(label: str, fraction: float) -> None:
            if label not in bars:
                open_bar.close()
                bars[label] = open_bar.enter_context(progress_bar(label))
            bars[label](fraction)

        yield told
