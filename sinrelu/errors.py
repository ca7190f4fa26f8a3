"""Every error that sinrelu raises on purpose; on the command line, one line and exit status 2."""

from collections.abc import Iterable


class SinreluError(Exception):
    """Base of all errors that are the input's fault and not a defect."""


class GraphError(SinreluError, ValueError):
    """The arrays do not describe a network: a cycle, a bad index, a non-finite number."""


class FormatError(SinreluError, ValueError):
    """A file is not a network file that this version reads."""


class FileAccessError(SinreluError, OSError):
    """A file cannot be opened, read or written."""


class RequestError(SinreluError, ValueError):
    """What is asked for is malformed or impossible: a tolerance, a limit, a name."""


class MissingExtraError(SinreluError, ImportError):
    """An optional dependency is needed and not installed."""


class ArithmeticAssumptionError(SinreluError, ArithmeticError):
    """Float64 arithmetic on this machine is not what the proof assumes."""


def check_known(kind: str, name: str, names: Iterable[str]) -> None:
    """Refuse a name that is none of some, with a RequestError that says which there are."""
    if name not in names:
        raise RequestError(f"{kind}: {name!r} is unknown; choose from {', '.join(names)}")
