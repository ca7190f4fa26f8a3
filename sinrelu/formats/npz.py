"""The .npz format: four arrays, a format name and a remark; never pickled.

``format`` = "sinrelu-network-1"; ``indptr`` (U+2,) int64; ``source`` (E,) int64; ``weight`` (E,)
float64; ``bias`` (U+1,) float64; ``meta`` a JSON object in a string, informative only.

The reader trusts nothing: of the .npy format it knows only plain one-dimensional arrays and single
strings, so that no header is ever evaluated, and it checks every size before it unpacks.
"""

import io
import json
import re
import struct
import zipfile
import zlib
from collections.abc import Mapping
from itertools import accumulate, pairwise
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from sinrelu.errors import FormatError, GraphError
from sinrelu.network import Network, Row

FORMAT = "sinrelu-network-1"
STRING = "U"
ARRAYS = {"indptr": "i8", "source": "i8", "weight": "f8", "bias": "f8"}
ENTRIES = {"format": STRING, **ARRAYS, "meta": STRING}
MAX_ENTRY_BYTES = 2**24
"""An entry that would unpack to more than this is refused before anything is allocated."""

HEADER_LENGTH = {b"\x93NUMPY\x01\x00": "<H", b"\x93NUMPY\x02\x00": "<I"}
MAX_HEADER_BYTES = 4096
HEADER = (
    r"\{{'descr': '(?P<dtype>[<>]{})', 'fortran_order': (?:False|True), 'shape': \({}\),? ?\}}\s*"
)
HEADERS = {kind: HEADER.format(kind, r"(?P<length>\d{1,15}),") for kind in ARRAYS.values()}
HEADERS[STRING] = HEADER.format(r"U[1-9]\d{0,7}", "(?P<length>)")


def dumps(network: Network) -> bytes:
    """Return the file's content; the same network gives the same bytes."""
    stream = io.BytesIO()
    meta = np.array(meta_text(network))
    np.savez_compressed(stream, format=np.array(FORMAT), **to_arrays(network), meta=meta)
    return stream.getvalue()


def loads(content: bytes) -> Network:
    """Read a file's content.

    Raises FormatError if it is not such a file, GraphError if its arrays are not a network.
    """
    entries = _entries(content)
    check_format(entries["format"])
    return from_arrays(entries, json_object("meta", entries["meta"]))


def to_arrays(network: Network) -> dict[str, Any]:
    """Return the rows one after the other (compressed sparse rows); RequestError if multiprecision.

    Row ``r`` owns the connections ``indptr[r-1]`` … ``indptr[r]-1``.
    """
    network.require_float64(".npz")
    lengths = [len(row.sources) for row in network.rows]
    return {
        "indptr": np.array([0, *accumulate(lengths)], np.int64),
        "source": np.array([s for row in network.rows for s in row.sources], np.int64),
        "weight": np.array([w for row in network.rows for w in row.weights], np.float64),
        "bias": np.array([row.bias for row in network.rows], np.float64),
    }


def from_arrays(
    arrays: Mapping[str, npt.ArrayLike], meta: Mapping[str, object] | None = None
) -> Network:
    """Return the network of which these are the ``to_arrays``.

    Raises GraphError if they are those of none; the message names the array, and the row.
    """
    ends, sources, weights, biases = (_numbers(key, arrays[key], ARRAYS[key]) for key in ARRAYS)
    if not biases or len(ends) != len(biases) + 1:
        raise GraphError(
            f"indptr: expected {len(biases) + 1} entries (one more than bias has, at least 2), "
            f"found {len(ends)}"
        )
    if (ends[0], ends[-1]) != (0, len(sources)) or ends != tuple(sorted(ends)):
        raise GraphError(f"indptr: must rise from 0 to the number of connections, {len(sources)}")
    count = len(weights)
    if count != len(sources):
        raise GraphError(f"weight: expected {len(sources)} entries like source, found {count}")
    parts = [slice(*limits) for limits in pairwise(ends)]
    rows = (Row(sources[p], weights[p], last) for p, last in zip(parts, biases, strict=True))
    return Network(tuple(rows), meta or {})


def _numbers(name: str, values: npt.ArrayLike, kind: str) -> tuple[Any, ...]:
    array = np.asarray(values)
    if array.ndim != 1 or (array.size and not np.can_cast(array.dtype, kind, "safe")):
        raise GraphError(f"{name}: expected a one-dimensional array of {np.dtype(kind)}")
    return tuple(array.astype(kind).tolist())


def check_format(name: str) -> None:
    """Refuse a file of another format, or of another version of it."""
    if name != FORMAT:
        raise FormatError(f"format: expected {FORMAT!r}, found {name[:60]!r}")


def meta_text(network: Network) -> str:
    """Return the remark as JSON that ``json_object`` reads.

    Raises FormatError if it holds what JSON cannot: NaN, infinity, an object of Python.
    """
    try:
        return json.dumps(dict(network.meta), sort_keys=True, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise FormatError(f"meta: does not fit in JSON ({error})") from error


def json_object(place: str, text: str | bytes) -> dict[str, Any]:
    """Read a JSON object strictly: no key twice, no NaN, no infinity."""
    try:
        document = json.loads(text, object_pairs_hook=_members, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise FormatError(f"{place}: not JSON ({error})") from error
    if not isinstance(document, dict):
        raise FormatError(f"{place}: expected a JSON object")
    return document


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("an object has the same key twice")
    return members


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not a number")


def _entries(content: bytes) -> dict[str, Any]:
    """Read all entries, which must be those of the format, each once."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = sorted(info.filename for info in archive.infolist())
            if names != sorted(f"{key}.npy" for key in ENTRIES):
                raise FormatError(f"expected the entries {', '.join(ENTRIES)}, each once")
            return {key: _entry(archive, key, kind) for key, kind in ENTRIES.items()}
    except FormatError:
        raise
    except (
        *(zipfile.BadZipFile, zlib.error, struct.error, EOFError),
        *(OSError, NotImplementedError, ValueError, OverflowError),
    ) as error:
        raise FormatError(f"not a readable .npz archive ({error})") from error


def _entry(archive: zipfile.ZipFile, key: str, kind: str) -> npt.NDArray[Any] | str:
    """Read one array, or the one string of an entry, after checking what its header promises."""
    info = archive.getinfo(f"{key}.npy")
    if info.flag_bits & 1:
        raise FormatError(f"{key}: encrypted")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise FormatError(f"{key}: compressed by another method than deflate")
    with archive.open(info) as stream:
        header = _header(stream, key, kind)
        dtype = np.dtype(header["dtype"])
        size = dtype.itemsize * int(header["length"] or 1)
        if size > MAX_ENTRY_BYTES:
            raise FormatError(f"{key}: {size} bytes are more than a network needs")
        data = stream.read(size + 1)
    if len(data) != size:
        raise FormatError(f"{key}: {size} bytes announced, {len(data)} found")
    if kind == STRING:
        return data.decode("utf-32-le" if dtype.str[0] == "<" else "utf-32-be").rstrip("\0")
    return np.frombuffer(data, dtype)


def _header(stream: IO[bytes], key: str, kind: str) -> re.Match[str]:
    packed = HEADER_LENGTH.get(stream.read(8))
    if packed is None:
        raise FormatError(f"{key}: not an array")
    (size,) = struct.unpack(packed, stream.read(struct.calcsize(packed)))
    text = stream.read(size).decode("latin-1") if size <= MAX_HEADER_BYTES else ""
    match = re.fullmatch(HEADERS[kind], text)
    if match is None:
        wanted = "a string" if kind == STRING else f"a one-dimensional {np.dtype(kind)} array"
        raise FormatError(f"{key}: expected {wanted}, found {text.strip()[:80]!r}")
    return match
