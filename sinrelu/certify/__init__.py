"""The proof: what is trusted depends on the network alone, never on how it was built."""

from sinrelu.certify.certificate import Certificate
from sinrelu.certify.prover import BUDGET, DOMAIN, Partition, cells_needed, certify, recheck

__all__ = ["BUDGET", "DOMAIN", "Certificate", "Partition", "cells_needed", "certify", "recheck"]
