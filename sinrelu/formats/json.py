"""The .json format: the same graph as text, every number exact.

{"format": "sinrelu-network-1", "meta": {…},
 "rows": [{"bias": "0x0p0", "sources": [0], "weights": ["-0x1p0"]}, …]}

Rows are those of the units in order and then that of the output. Numbers are hexadecimal integers
times a power of two, as C's strtod and Python's float.fromhex read them. ``network.schema.json``
beside this module is the JSON Schema of these files.
"""

from __future__ import annotations

import json
import re
from fractions import Fraction
from typing import Any

from sinrelu.arithmetic.numbers import dyadic
from sinrelu.errors import FormatError
from sinrelu.formats.npz import FORMAT, check_format, json_object, meta_text
from sinrelu.network import Network, Row, exact_hex

FIELDS: dict[str, type] = {"format": str, "meta": dict, "rows": list}
ROW_FIELDS: dict[str, type] = {"bias": str, "sources": list, "weights": list}
NUMBER = re.compile(r"(-?0x[0-9a-f]{1,20000})p(-?[0-9]{1,6})")
"""Bounded, so that a short file cannot ask for a huge number."""
MAX_BITS = 2**28
"""Likewise all numbers together."""


def dumps(network: Network) -> bytes:
    """Return the file's content, one row a line; the same network gives the same bytes."""
    lines = []
    for row in network.rows:
        *weights, bias = map(exact_hex, row.numbers)
        document = {"bias": bias, "sources": row.sources, "weights": weights}
        lines.append(f"    {json.dumps(document)}")
    rows, meta = ",\n".join(lines), meta_text(network)
    return f'{{"format": "{FORMAT}",\n  "meta": {meta},\n  "rows": [\n{rows}\n]}}\n'.encode()


def loads(content: bytes) -> Network:
    """Read a file's content.

    Raises FormatError if it is not such a file, GraphError if its rows are not a network.
    """
    try:
        document = json_object("file", content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise FormatError("not text, and so not a network as JSON") from error
    _check_fields("file", document, FIELDS)
    check_format(document["format"])
    read = _Numbers()
    rows = (_row(read, number, row) for number, row in enumerate(document["rows"], start=1))
    return Network(tuple(rows), document["meta"])


def _row(read: _Numbers, number: int, row: Any) -> Row:
    _check_fields(f"row {number}", row, ROW_FIELDS)
    weights = tuple(read(f"row {number}: weights", text) for text in row["weights"])
    return Row(tuple(row["sources"]), weights, read(f"row {number}: bias", row["bias"]))


class _Numbers:
    """Reads numbers, as long as they have at most ``MAX_BITS`` bits together."""

    def __init__(self) -> None:
        self.left = MAX_BITS

    def __call__(self, place: str, text: Any) -> Fraction:
        match = NUMBER.fullmatch(text) if isinstance(text, str) else None
        if match is None:
            found = repr(text[:40]) if isinstance(text, str) else f"a {type(text).__name__}"
            raise FormatError(f"{place}: expected a number like '-0x3p-1', found {found}")
        mantissa, exponent = match[1], int(match[2])
        self.left -= 4 * len(mantissa) + abs(exponent)
        if self.left < 0:
            raise FormatError(f"{place}: the numbers up to here have more than {MAX_BITS} bits")
        return dyadic(int(mantissa, 16), exponent)


def _check_fields(place: str, value: Any, fields: dict[str, type]) -> None:
    if not isinstance(value, dict) or set(value) != set(fields):
        raise FormatError(f"{place}: expected an object with {', '.join(fields)}")
    for name, kind in fields.items():
        if not isinstance(value[name], kind):
            raise FormatError(f"{place}: {name}: expected a {kind.__name__}")
