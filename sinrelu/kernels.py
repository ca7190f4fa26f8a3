"""Kernels compiled by numba, from the very text that numpy runs; see ``sinrelu.arithmetic.lanes``.

A kernel is compiled with all functions that it calls, each copied into a scope in which ``lanes``
is ``range``, and a choice between numbers is made for one. LLVM neither contracts nor reassociates
floating-point operations unless it is asked to. Machine code is kept in a folder named by the text
that it was made from, so that none is ever used for another text.

Which machine runs a kernel is its ``backend``, ``numpy`` or ``numba``: values are the same to the
last bit. numba takes half a second to load, so it is chosen where it saves more than that.
"""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from types import FunctionType
from typing import Any, TypeVar

import numpy as np

from sinrelu.arithmetic.lanes import (
    at_least,
    chosen,
    count_below,
    indices,
    lanes,
    larger,
    largest,
    least,
    smaller,
    sort_by,
)
from sinrelu.errors import MissingExtraError, check_known

Kernel = TypeVar("Kernel", bound=Callable[..., Any])

NUMPY, NUMBA = "numpy", "numba"
BACKENDS = (NUMPY, NUMBA)
WORTH = 2e8
"""Multiplications by weights from which on loading compiled kernels saves time."""
HINT = "pip install 'sinrelu[fast]' makes this about eight times faster"
COMPILING = "compiling kernels, which takes some seconds, once for this version"
WIDTH = 64
"""So many maxima are taken side by side, as the vector units of a processor do."""

SETTINGS = Lock()
"""Held while numba's settings, of which there is one for all threads, are not the usual ones."""


def backend_for(work: float, backend: str | None = None) -> str:
    """Return the machine for so many multiplications by weights, unless one is asked for.

    Raises RequestError if what is asked for is no backend, MissingExtraError if it is numba and
    that is not installed.
    """
    if backend is not None:
        check_known("backend", backend, BACKENDS)
    if backend == NUMBA and not is_installed():
        raise MissingExtraError("backend: numba is not installed; pip install 'sinrelu[fast]'")
    if backend is not None:
        return backend
    return NUMBA if is_installed() and (work >= WORTH or NUMBA in sys.modules) else NUMPY


@cache
def is_installed() -> bool:
    """Whether numba can be imported."""
    return find_spec(NUMBA) is not None


def on(backend: str, kernel: Kernel) -> Kernel:
    """Return a kernel for a machine."""
    return compiled(kernel) if backend == NUMBA else kernel


@cache
def compiled(kernel: Kernel) -> Kernel:
    """Compile a kernel, and keep the machine code for later processes."""
    dispatcher = _jitted(kernel)
    with _kept_in(_folder_of(kernel)):
        dispatcher.enable_caching()
    return dispatcher  # type: ignore[no-any-return]  # numba ships no types


@cache
def _translated(function: Any) -> Any:
    """Return what a compiled function may call in place of a function."""
    return _jitted(SCALAR.get(function, function), no_cpython_wrapper=True, no_cfunc_wrapper=True)


def _jitted(function: Any, **options: bool) -> Any:
    import numba

    scope = {**function.__globals__, **dict(_called(function, _translated))}
    copied = FunctionType(function.__code__, scope, function.__name__)
    return numba.njit(nogil=True, error_model="numpy", **options)(copied)


def _called(function: Any, translate: Callable[[Any], Any]) -> Iterator[tuple[str, Any]]:
    """Yield what a function calls by name, translated."""
    for name in function.__code__.co_names:
        value = function.__globals__.get(name)
        if value is lanes:
            yield name, range
        elif isinstance(value, FunctionType) and value.__module__.startswith("sinrelu."):
            yield name, translate(value)


def _text_of(kernel: Any) -> set[str]:
    """Return the files in which a kernel and all that it calls are written."""
    pending, seen = [kernel], {kernel}
    while pending:
        function = pending.pop()
        called = {
            value for _, value in _called(SCALAR.get(function, function), lambda value: value)
        }
        pending += called - seen - {range}
        seen |= called
    return {function.__code__.co_filename for function in seen - {range}}


def is_compiled(kernel: Kernel) -> bool:
    """Whether machine code of a kernel is kept already, by this process or another."""
    return any(_folder_of(kernel).rglob("*.nbc"))


@cache
def _folder_of(kernel: Kernel) -> Path:
    """Return where machine code of a kernel is kept; also one that is made for this process."""
    return _folder(_text_of(kernel))


def _folder(files: set[str]) -> Path:
    """Return where machine code of a text is kept, beside the package or among the user's files."""
    digest = hashlib.sha256()
    for file in sorted({*files, __file__}):
        digest.update(Path(file).read_bytes())
    name = f"kernels-{digest.hexdigest()[:16]}"
    beside = Path(__file__).parent / "__pycache__"
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "sinrelu")
    for folder in (beside / name, home / name):
        with suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            if os.access(folder, os.W_OK):
                return folder
    return Path(tempfile.mkdtemp("", "sinrelu-"))


@contextmanager
def _kept_in(folder: Path) -> Iterator[None]:
    """Have numba keep machine code there; it looks at its settings when a kernel is made.

    One thread at a time: else what another sets back is taken for the working directory.
    """
    from numba import config

    with SETTINGS:
        usual = config.CACHE_DIR
        config.CACHE_DIR = str(folder)
        try:
            yield
        finally:
            config.CACHE_DIR = usual


def _larger(a: float, b: float) -> float:
    return a if (a >= b or a != a) else b  # noqa: PLR0124 - a NaN passes


def _smaller(a: float, b: float) -> float:
    return a if (a <= b or a != a) else b  # noqa: PLR0124 - a NaN passes


def _at_least(value: float, floor: float) -> float:
    return floor if value < floor else value


def _chosen(condition: bool, a: float, b: float) -> float:
    return a if condition else b


def _largest(values: Any, n: int) -> float:
    return _extreme(values, n, 1.0)


def _least(values: Any, n: int) -> float:
    return -_extreme(values, n, -1.0)


def _extreme(values: Any, n: int, sign: float) -> float:
    """Return the largest of sign·value."""
    best = np.full(WIDTH, sign * values[0])
    whole = n - n % WIDTH
    for begin in range(0, whole, WIDTH):
        part = values[begin : begin + WIDTH]
        for j in range(WIDTH):
            best[j] = larger(sign * part[j], best[j])
    for j in range(whole, n):
        best[0] = larger(sign * values[j], best[0])
    for j in range(1, WIDTH):
        best[0] = larger(best[j], best[0])
    return best[0]  # type: ignore[no-any-return]


def _indices(mask: Any, found: Any, n: int) -> int:
    count = 0
    for i in range(n):
        if mask[i]:
            found[count] = i
            count += 1
    return count


def _sort_by(x: Any, low: Any, order: Any, n: int) -> None:
    """Sort by insertion: what comes is a few sequences that ascend already."""
    for i in range(1, n):
        j, k = i, order[i]
        while j > 0 and _follows(x, low, order[j - 1], k):
            order[j] = order[j - 1]
            j -= 1
        order[j] = k


def _follows(x: Any, low: Any, i: int, k: int) -> bool:
    return bool(x[i] > x[k] or (x[i] == x[k] and low[i] > low[k]))


def _count_below(sorted: Any, count: int, found: Any, n: int) -> None:
    below = 0
    for i in range(n):
        while below < count and sorted[below] < i:
            below += 1
        found[i] = below


SCALAR: Mapping[Any, Any] = {
    larger: _larger,
    smaller: _smaller,
    at_least: _at_least,
    chosen: _chosen,
    largest: _largest,
    least: _least,
    indices: _indices,
    sort_by: _sort_by,
    count_below: _count_below,
}
"""What is done another way where a kernel is compiled: what numpy has a function for."""
