"""Networks whose weights are float32, for runtimes that compute in it."""

import numpy as np

from sinrelu.errors import RequestError
from sinrelu.network import Network, Number, Row

FLOAT64, FLOAT32 = "float64", "float32"
SAYS_FLOAT32 = {"precision": FLOAT32}
"""What ``meta`` has of a network that is meant to be computed in float32."""

PROMISES = ("tol", "error_bound", "evaluation_room", "parameters", "searched")
"""What ``meta`` says of the error, and of how it was reached."""


def says_float32(network: Network) -> bool:
    """Whether a network's ``meta`` says that it is meant to be computed in float32."""
    return network.meta.items() >= SAYS_FLOAT32.items()


def has_float32_weights(network: Network) -> bool:
    """Whether every weight and bias is a float32."""
    numbers = np.array([number for row in network.rows for number in row.numbers])
    if numbers.dtype != np.float64:
        return False
    with np.errstate(over="ignore", under="ignore"):
        return bool(np.all(numbers.astype(np.float32) == numbers))


def in_float32(network: Network) -> Network:
    """Round every weight and bias to the nearest float32, and say so in ``meta``.

    What ``meta`` promised of the error is left out. Weights below all float32 vanish, and their
    connections with them. Raises RequestError if one is above all of them, or has more bits than
    a float64.
    """
    network.require_float64("float32")
    kept = {key: value for key, value in network.meta.items() if key not in PROMISES}
    rows = (
        Row.of(((source, _nearest(w)) for source, w in row.edges), _nearest(row.bias))
        for row in network.rows
    )
    return Network(tuple(rows), {**kept, **SAYS_FLOAT32})


def _nearest(number: Number) -> float:
    with np.errstate(over="ignore", under="ignore"):
        rounded = float(np.float32(number))
    if not np.isfinite(rounded):
        raise RequestError(f"float32: a weight or bias, {number}, is beyond its range")
    return rounded
