"""The smallest ReLU networks that equal sin to within a tolerance, proved for every real x."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from sinrelu.errors import (
    FileAccessError,
    FormatError,
    GraphError,
    MissingExtraError,
    RequestError,
    SinreluError,
)

if TYPE_CHECKING:
    from sinrelu.circuit import Affine, Circuit, relu
    from sinrelu.constructions import CONSTRUCTIONS, build
    from sinrelu.evaluate import (
        evaluate_exact,
        evaluate_float32,
        evaluate_float64,
        evaluate_mpmath,
        program,
    )
    from sinrelu.formats import load, save
    from sinrelu.layering import layered
    from sinrelu.layers import Sequential, gradient_error
    from sinrelu.layers.training import train
    from sinrelu.network import Network
    from sinrelu.precision import in_float32
    from sinrelu.verification import Report, verify

__version__ = "0.1.0"

__all__ = [
    "CONSTRUCTIONS",
    "Affine",
    "Circuit",
    "FileAccessError",
    "FormatError",
    "GraphError",
    "MissingExtraError",
    "Network",
    "Report",
    "RequestError",
    "Sequential",
    "SinreluError",
    "build",
    "evaluate_exact",
    "evaluate_float32",
    "evaluate_float64",
    "evaluate_mpmath",
    "gradient_error",
    "in_float32",
    "layered",
    "load",
    "program",
    "relu",
    "save",
    "train",
    "verify",
]

_HOMES = {
    "circuit": ("Affine", "Circuit", "relu"),
    "constructions": ("CONSTRUCTIONS", "build"),
    "evaluate": (
        "evaluate_exact",
        "evaluate_float32",
        "evaluate_float64",
        "evaluate_mpmath",
        "program",
    ),
    "formats": ("load", "save"),
    "layering": ("layered",),
    "layers": ("Sequential", "gradient_error"),
    "network": ("Network",),
    "precision": ("in_float32",),
    "layers.training": ("train",),
    "verification": ("Report", "verify"),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> object:
    """Import a public name on first use, so that ``sinrelu --help`` loads no numerics."""
    if name not in _HOME:
        raise AttributeError(f"module 'sinrelu' has no attribute {name!r}")
    return getattr(import_module(f"sinrelu.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
