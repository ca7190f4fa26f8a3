"""The command line: results on stdout, progress and messages on stderr, never a traceback.

A command is imported when it is run or its help is asked for; it loads numerics only when it runs.
"""

import contextlib
import io
import os
import sys
import traceback
from importlib import import_module
from pathlib import Path

import click

from sinrelu import __version__
from sinrelu.errors import SinreluError

COMMANDS = (
    *("build", "verify", "plot", "eval", "compare", "convert", "recheck", "train", "benchmark"),
)
BAD_USAGE, DEFECT, INTERRUPTED, BROKEN_PIPE = 2, 70, 130, 141

HELP = """\b
Examples:
  sinrelu build                        write sin.npz, a plain MLP, error below 1e-12
  sinrelu verify sin.npz               recount and check it
  sinrelu plot sin.npz -o error.png    draw its error
  sinrelu compare                      what every construction spends
  sinrelu eval sin.npz pi/6 0.5        its exact value at a point

\b
Exit status: 0 fine, 1 refuted or too many connections, 2 bad usage or file,
3 inconclusive, 70 a defect of sinrelu itself."""


class Commands(click.Group):
    """A group whose commands are imported from the modules of their names."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return all names, those needed first at the beginning."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command; None if there is none of that name."""
        found = cmd_name in COMMANDS
        return import_module(f"sinrelu.cli.{cmd_name}").command if found else None


@click.group(cls=Commands, epilog=HELP, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="sinrelu %(version)s")
def cli() -> None:
    """Build the smallest ReLU networks that equal sin on [−π, π], and check them."""


def main() -> None:
    """Run the command line and exit with its status."""
    os.environ.pop("MPLBACKEND", None)  # a notebook's may not be installed here; none is needed
    status = run(sys.argv[1:] or ["--help"])
    if status == INTERRUPTED:
        os._exit(status)  # at once: what threads still compute is not waited for
    sys.exit(status)


def run(arguments: list[str]) -> int:
    """Run one command and return its exit status; whatever goes wrong is one line on stderr."""
    if sys.stdout is None:  # closed: the next file to be opened would take its place
        return _fail("stdout is closed", BAD_USAGE)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # not every encoding has a π
    try:
        with cli.make_context("sinrelu", arguments) as context:
            status: int | None = cli.invoke(context)
        sys.stdout.flush()
    except click.exceptions.Exit as done:
        return done.exit_code
    except (Exception, KeyboardInterrupt) as error:
        _leave_stdout()
        return _fail(*_described(error))
    return status or 0


def _described(error: BaseException) -> tuple[str, int]:
    """Return what to say of an error, and the exit status."""
    match error:
        case BrokenPipeError():
            return "", BROKEN_PIPE
        case click.Abort() | KeyboardInterrupt():
            return "interrupted", INTERRUPTED
        case click.ClickException():
            return error.format_message(), BAD_USAGE
        case SinreluError() | OSError() | MemoryError():
            return str(error) or "out of memory", BAD_USAGE
    place = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{Path(place.filename).name}, line {place.lineno}"
    return f"unexpected {type(error).__name__} in {where}: {error}", DEFECT


def _fail(message: str, status: int) -> int:
    with contextlib.suppress(OSError):
        if message:
            click.echo(f"sinrelu: {' '.join(message.split())}", err=True)
    return status


def _leave_stdout() -> None:
    """Point stdout elsewhere, so that nothing fails once more when it is flushed at exit."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
