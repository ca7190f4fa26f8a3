"""Leaves that were polished before: scripts/polish stores them, their bounds are computed anew.

Polishing depends on the last digits of float64 sums, which differ from machine to machine. With its
results stored, a network that is in a table has the same weights everywhere.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources

Key = tuple[int, ...]
"""The parameters of a leaf."""


def name_of(key: Key) -> str:
    """Return a key as it is written in the file."""
    return " ".join(str(int(part)) for part in key)


def stored(wiring: str, key: Key) -> Sequence[float] | None:
    """Return the numbers of a polished leaf, row after row, if they are known."""
    return _stored().get(wiring, {}).get(name_of(key))


@cache
def _stored() -> Mapping[str, Mapping[str, Sequence[float]]]:
    text = resources.files(__package__).joinpath("refined.json").read_text("utf-8")
    data: Mapping[str, Mapping[str, Sequence[float]]] = json.loads(text)
    return data
