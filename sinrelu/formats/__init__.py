"""Network files: the suffix chooses the format. Files are written whole or not at all."""

import os
import stat
import tempfile
from pathlib import Path

from sinrelu.errors import FileAccessError, FormatError, RequestError
from sinrelu.formats import json, npz, onnx
from sinrelu.network import Network

READERS = {".npz": npz.loads, ".json": json.loads, ".onnx": onnx.loads}
WRITERS = {".npz": npz.dumps, ".json": json.dumps, ".onnx": onnx.dumps}
MAX_FILE_BYTES = 16 * 2**20
"""A hundred times what any network here needs; a reader may take eighty times as much memory."""


def load(path: str | os.PathLike[str]) -> Network:
    """Read a network file.

    Raises RequestError if the suffix names no format; FileAccessError if the file cannot be read,
    is no regular file, or is larger than ``MAX_FILE_BYTES``; FormatError if the content is not a
    network file, the message naming the file and the field.
    """
    file = Path(path)
    reader = READERS[check_suffix(file)]
    content = read_whole(file)
    try:
        return reader(content)
    except ValueError as error:
        raise FormatError(f"{file}: {error}") from error


def save(network: Network, path: str | os.PathLike[str]) -> None:
    """Write a network file, whole or not at all.

    Raises RequestError if the suffix names no format; FormatError if ``meta`` holds what JSON
    cannot; FileAccessError if the file cannot be written, and what was there before is then
    untouched; MissingExtraError if the format needs a package that is not installed.
    """
    file = Path(path)
    write_whole(file, WRITERS[check_suffix(file)](network))


def check_suffix(path: str | os.PathLike[str]) -> str:
    """Return the suffix of a path if a format goes by it."""
    suffix = Path(path).suffix.lower()
    if suffix not in READERS:
        raise RequestError(f"{path}: unknown suffix; network files end in {', '.join(READERS)}")
    return suffix


def read_whole(file: Path) -> bytes:
    """Return the content of a regular file of at most ``MAX_FILE_BYTES``."""
    try:
        if not stat.S_ISREG(file.stat().st_mode):  # opening a pipe would wait for a writer
            raise OSError("is a directory" if file.is_dir() else "not a regular file")
        with file.open("rb") as stream:
            content = stream.read(MAX_FILE_BYTES + 1)
    except (OSError, ValueError) as error:
        raise FileAccessError(f"{file}: {_reason(error)}") from error
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

    The file keeps its permissions; a new one gets those that the system gives.
    """
    try:
        if file.is_dir():
            raise IsADirectoryError("Is a directory")
        prefix = f".{file.name}."
        with tempfile.TemporaryDirectory("", prefix, file.parent, True) as beside:
            with Path(beside, "new").open("wb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
            if file.exists():
                Path(stream.name).chmod(file.stat().st_mode & 0o777)
            Path(stream.name).replace(file)
    except (OSError, ValueError) as error:
        raise FileAccessError(f"{file}: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
