"""The proof: what is trusted depends on the network alone, never on how it was built."""

from sinrelu.certify.certificate import Certificate
from sinrelu.certify.prover import DOMAIN, Partition, certify, recheck

__all__ = ["DOMAIN", "Certificate", "Partition", "certify", "recheck"]
