"""The proof: what is trusted depends on the network alone, never on how it was built."""

from sinrelu.certify.agreement import recheck
from sinrelu.certify.certificate import Certificate
from sinrelu.certify.prover import (
    DOMAIN,
    cells_needed,
    certify,
    compile_kernels,
    refutation,
)
from sinrelu.certify.survey import Partition, usual_budget

__all__ = [
    "DOMAIN",
    "Certificate",
    "Partition",
    "cells_needed",
    "certify",
    "compile_kernels",
    "recheck",
    "refutation",
    "usual_budget",
]
