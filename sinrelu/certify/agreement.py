"""A certificate computed again, on another partition of the domain."""

import math
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from sinrelu.certify.certificate import REFUTED, Certificate
from sinrelu.certify.counterexample import error_bounds
from sinrelu.certify.prover import certify, refutation
from sinrelu.certify.survey import Partition
from sinrelu.network import Network
from sinrelu.progress import Progress, ignore

RECHECK = Partition(parts=89, cells=200_003)
MARGIN = 4
"""Cells beyond those of the certificate that may be needed, in multiples of those of no kink."""
AGREEMENT = 1.01
"""How much larger a recomputed sup_error may be: the bound depends on the partition a little."""
EVALUATION_AGREEMENT = 1.5
"""Likewise evaluation_error, which is bounded block by block."""


def recheck(
    certificate: Certificate,
    network: Network,
    *,
    backend: str | None = None,
    progress: Progress = ignore,
) -> tuple[Certificate, list[str]]:
    """Compute a certificate again on another partition, and say in what the two disagree.

    Where it only says that a point refutes, the point alone is looked at. ``backend`` may be
    another than that of the certificate, ``numpy`` or ``numba``. Returns the new certificate, and
    one line for every disagreement: none if the old one stands.
    """
    tol, bounded = certificate.tol, math.isfinite(certificate.sup_error)
    claimed: dict[str, Any] = {
        name: getattr(certificate, name) for name in ("domain", "witness_domain", "function")
    }
    if certificate.verdict == REFUTED and certificate.witness is not None and not bounded:
        again = refutation(network, tol, certificate.witness, **claimed)
    else:
        evaluated = math.isfinite(certificate.evaluation_error)
        claimed["evaluation"] = certificate.evaluation if evaluated else None
        claimed["resolution"] = min(certificate.sup_error, float(tol))
        claimed["budget"] = 2 * certificate.cells + MARGIN * RECHECK.cells
        how: dict[str, Any] = {"partition": RECHECK, "backend": backend, "progress": progress}
        again = certify(network, tol, **claimed, **how)
    return again, list(_disagreements(certificate, again, network))


def _disagreements(old: Certificate, new: Certificate, network: Network) -> Iterator[str]:
    if old.sha256 != new.sha256:
        yield f"sha256: the certificate is for another network, {old.sha256[:16]}…"
        return
    if old.verdict != new.verdict:
        yield f"verdict: certificate {old.verdict}, recomputed {new.verdict}"
    if old.sup_error < new.lower_bound:
        yield f"sup_error: certificate {old.sup_error}, but an error of {new.lower_bound}"
    if new.sup_error > old.sup_error * AGREEMENT:
        yield f"sup_error: certificate {old.sup_error}, recomputed {new.sup_error}"
    claimed, found = old.evaluation_error, new.evaluation_error
    if found > claimed * EVALUATION_AGREEMENT:
        yield f"evaluation_error: certificate {claimed}, recomputed {found}"
    if old.witness is None:
        return
    if not old.witness_domain[0] <= old.witness <= old.witness_domain[1]:
        yield "witness: outside the domain"
        return
    least = Fraction(old.lower_bound)
    _, upper = error_bounds(network, old.witness, least or old.tol, old.function)
    if upper < least:
        yield "witness: the error there is smaller than lower_bound"
