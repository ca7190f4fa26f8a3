"""Numbers with proven roundings: double-double, fixed point, intervals, and their sines."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from sinrelu.errors import check_known

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

QUARTER_TURNS: Mapping[str, int] = {"sin": 0, "cos": 1}
"""The functions that a network can be judged as: each is sin of x and so many quarter turns."""


def quarter_turns(function: str) -> int:
    """Return the q for which f(x) = sin(x + q·π/2); a RequestError if f is unknown."""
    check_known("function", function, QUARTER_TURNS)
    return QUARTER_TURNS[function]
