"""Network files: the suffix chooses the format. Files are written whole or not at all."""

import os
import stat
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from sinrelu.errors import FileAccessError, FormatError, RequestError
from sinrelu.formats import c, json, npz, onnx
from sinrelu.network import Network

READERS = {".npz": npz.loads, ".json": json.loads, ".onnx": onnx.loads}
WRITERS = {".npz": npz.dumps, ".json": json.dumps, ".onnx": onnx.dumps, ".c": c.dumps}
C_SOURCES = (".c", ".h")
MAX_FILE_BYTES = 16 * 2**20
"""A hundred times what any network here needs; a reader may take eighty times as much memory."""
TRIAL_BYTES = 2**16
"""More than what most results take, written and removed before the work that makes them."""
STANDARD_STREAMS = (1, 2)
"""Descriptors of stdout and stderr: a new file in place of theirs would lose what is printed."""


def load(path: str | os.PathLike[str]) -> Network:
    """Read a network file.

    Raises RequestError if the suffix names no format, or one that is only written;
    MissingExtraError if the format needs a package that is not installed; FileAccessError if the
    file cannot be read, is no regular file, or is larger than ``MAX_FILE_BYTES``; FormatError if
    the content is not a network file, the message naming the file and the field.
    """
    file = Path(path)
    reader = READERS[check_suffix(file, READERS)]
    content = read_whole(file)
    try:
        return reader(content)
    except ValueError as error:
        raise FormatError(f"{file}: {error}") from error


def save(network: Network, path: str | os.PathLike[str]) -> None:
    """Write a network file, whole or not at all; a .c file then says that nothing is proved.

    Raises RequestError if the suffix names no format, or the weights are wider than float64 and the
    format is not .json; FormatError if ``meta`` holds what JSON cannot; FileAccessError if the file
    cannot be written, and what was there before is then untouched; MissingExtraError if the format
    needs a package that is not installed.
    """
    file = Path(path)
    write_whole(file, WRITERS[check_suffix(file)](network))


def check_suffix(path: str | os.PathLike[str], formats: Collection[str] = WRITERS) -> str:
    """Return the suffix of a path if one of some formats goes by it, and what it needs is there.

    ``formats`` are suffixes: those that are written, or ``READERS``.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in formats:
        known = f"network files end in {', '.join(formats)}"
        if suffix in C_SOURCES and formats is READERS:
            raise RequestError(f"{path}: C files are only written, never read; {known}")
        raise RequestError(f"{path}: unknown suffix; {known}")
    if suffix == ".onnx":
        onnx.package()
    return suffix


def read_whole(file: Path) -> bytes:
    """Return the content of a regular file of at most ``MAX_FILE_BYTES``."""
    with _named(file):
        if not stat.S_ISREG(file.stat().st_mode):  # opening a pipe would wait for a writer
            raise OSError("is a directory" if file.is_dir() else "not a regular file")
        with file.open("rb") as stream:
            content = stream.read(MAX_FILE_BYTES + 1)
    if len(content) > MAX_FILE_BYTES:
        raise FileAccessError(f"{file}: larger than {MAX_FILE_BYTES >> 20} MiB, not a network file")
    return content


def read_text(file: Path, expected: str) -> str:
    """Return the content of a file of UTF-8 text; ``expected`` says what it should be."""
    try:
        return read_whole(file).decode("utf-8-sig")  # some editors write a mark
    except UnicodeDecodeError as error:
        raise FormatError(f"{file}: not text, and so not {expected}") from error


def write_whole(file: Path, content: bytes) -> None:
    """Write beside the file and rename, so that a reader sees the old content or the new.

    The file keeps its permissions; a new one gets those that the system gives. A link stays, and
    what it leads to is written. A pipe or a device is written to as it is.

    Raises FileAccessError where ``check_writable`` does, and if there is no room.
    """
    with _named(file):
        place = _place(file)
        if place is None:
            file.write_bytes(content)
            return
        with _beside(place, content) as new:
            if place.exists():
                new.chmod(place.stat().st_mode & 0o777)
            new.replace(place)


def check_writable(file: Path) -> None:
    """Raise FileAccessError if a file could not be written now; it is not touched."""
    with _named(file):
        place = _place(file)
        if place is not None:
            with _beside(place, bytes(TRIAL_BYTES)):
                pass


def _place(file: Path) -> Path | None:
    """Return where a regular file is or will be, None for a pipe or a device."""
    try:
        status = file.stat()
    except FileNotFoundError:
        return Path(os.path.realpath(file))
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError("Is a directory")
    if not os.access(file, os.W_OK, effective_ids=os.access in os.supports_effective_ids):
        raise PermissionError("Permission denied")
    if not stat.S_ISREG(status.st_mode):
        return None
    if any(map(partial(_is_open_as, status), STANDARD_STREAMS)):
        raise OSError("what is printed goes to this file as well; name another")
    return Path(os.path.realpath(file))


def _is_open_as(status: os.stat_result, descriptor: int) -> bool:
    try:
        return os.path.samestat(status, os.fstat(descriptor))
    except OSError:  # it is closed
        return False


@contextmanager
def _beside(place: Path, content: bytes) -> Iterator[Path]:
    """Give a new file of some content in the folder of another; it is removed unless moved."""
    with tempfile.TemporaryDirectory("", ".sinrelu-", place.parent, True) as folder:
        new = Path(folder, "new")
        with new.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        yield new


@contextmanager
def _named(file: Path) -> Iterator[None]:
    """Turn what the system says into an error that names the file."""
    try:
        yield
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise FileAccessError(f"{file}: {reason}") from error
