"""The .npz format: four arrays, a format name and a remark; never pickled.

``format`` = "sinrelu-network-1"; ``indptr`` (U+2,) int64; ``source`` (E,) int64; ``weight`` (E,)
float64; ``bias`` (U+1,) float64; ``meta`` a JSON object in a string, informative only.
"""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from typing import Any

import numpy as np
import numpy.typing as npt

from sinrelu.errors import FormatError
from sinrelu.network import Network

FORMAT = "sinrelu-network-1"
ARRAYS = {"indptr": "i", "source": "i", "weight": "f", "bias": "f"}
MAX_ENTRY_BYTES = 2**30
"""An entry that would unpack to more than this is refused before anything is allocated."""


def dumps(network: Network) -> bytes:
    """Return the file's content; the same network gives the same bytes."""
    stream = io.BytesIO()
    np.savez_compressed(
        stream,
        allow_pickle=False,
        format=np.array(FORMAT),
        indptr=network.indptr,
        source=network.source,
        weight=network.weight,
        bias=network.bias,
        meta=np.array(json.dumps(dict(network.meta), sort_keys=True)),
    )
    return stream.getvalue()


def loads(content: bytes) -> Network:
    """Read a file's content.

    Raises
    ------
    FormatError, GraphError
        If it is not such a file, or the arrays in it are not a network.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return _network(archive)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError) as error:
        raise FormatError(f"not a readable .npz archive ({error})") from error


def _network(archive: zipfile.ZipFile) -> Network:
    name = str(_entry(archive, "format", "U")[()])
    if name != FORMAT:
        raise FormatError(f"format: expected {FORMAT!r}, found {name[:60]!r}")
    arrays = {key: _entry(archive, key, kind) for key, kind in ARRAYS.items()}
    return Network(**arrays, meta=_meta(str(_entry(archive, "meta", "U")[()])))


def _meta(text: str) -> dict[str, Any]:
    try:
        meta = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise FormatError(f"meta: not JSON ({error})") from error
    if not isinstance(meta, dict):
        raise FormatError("meta: expected a JSON object")
    return meta


def _entry(archive: zipfile.ZipFile, key: str, kind: str) -> npt.NDArray[Any]:
    """Read one array after checking what its header promises."""
    try:
        info = archive.getinfo(f"{key}.npy")
    except KeyError as error:
        raise FormatError(f"{key}: missing") from error
    if info.flag_bits & 1:
        raise FormatError(f"{key}: encrypted")
    with archive.open(info) as stream:
        shape, dtype = _header(stream, key)
        dimensions = 0 if kind == "U" else 1
        if dtype.kind != kind or len(shape) != dimensions:
            raise FormatError(
                f"{key}: expected {dimensions} dimensions of kind {kind!r}, "
                f"found shape {shape} of {dtype}"
            )
        size = int(np.prod(shape, dtype=object)) * dtype.itemsize
        if size > MAX_ENTRY_BYTES:
            raise FormatError(f"{key}: {size} bytes are more than a network needs")
        data = stream.read(size + 1)
    if len(data) != size:
        raise FormatError(f"{key}: {size} bytes announced, {len(data)} found")
    return np.frombuffer(data, dtype=dtype).reshape(shape)


def _header(stream: Any, key: str) -> tuple[tuple[int, ...], np.dtype[Any]]:
    try:
        version = np.lib.format.read_magic(stream)
        read = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }[version]
        shape, _, dtype = read(stream)
    except (ValueError, KeyError, SyntaxError, TypeError) as error:
        raise FormatError(f"{key}: not an array ({error})") from error
    return shape, dtype
