"""Interpreters of a network: float64 (fast), float32, and exact (no rounding at all)."""

from sinrelu.evaluate.exact import evaluate_exact, evaluate_mpmath, exact_error
from sinrelu.evaluate.float64 import evaluate_float32, evaluate_float64, program

__all__ = [
    "evaluate_exact",
    "evaluate_float32",
    "evaluate_float64",
    "evaluate_mpmath",
    "exact_error",
    "program",
]
