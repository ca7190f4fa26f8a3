"""A network against a function and a tolerance: counted, sampled, proved, judged."""

import math
from collections.abc import Callable
from fractions import Fraction
from functools import partial

from sinrelu.certify import BUDGET, cells_needed, certify
from sinrelu.certify.counterexample import worst_of
from sinrelu.certify.pieces import Pieces
from sinrelu.certify.prover import float_below
from sinrelu.constructions.fold_reflect.induction import prove
from sinrelu.errors import RequestError
from sinrelu.network import Network
from sinrelu.progress import Message, Progress, ignore
from sinrelu.target import DEFAULT, Target, tolerance
from sinrelu.verification.report import Proof, Report
from sinrelu.verification.sampling import MAX_PIECES, sample_multiprecision, take_sample

__all__ = ["Report", "verify"]

TOL = Fraction(1, 10**12)
MAX_CONNECTIONS = 10_000
NO_INDUCTION = "no proof: the graph is not that of a fold-reflect plan in the file's parameters"
OTHER_TARGET = "no proof: the plan in the file is for {} only"


def verify(
    network: Network,
    target: Target = DEFAULT,
    tol: object = TOL,
    *,
    max_connections: int = MAX_CONNECTIONS,
    sampled: bool = False,
    budget: int | None = None,
    progress: Callable[[str, float], None] = ignore,
    message: Message = ignore,
) -> Report:
    """Count a network, sample its error, try to prove a bound of it, and judge.

    Float64 weights are proved piece by piece, whatever network they are of; weights of more bits
    by the induction of the fold-reflect plan that the network's ``meta`` names.

    Parameters
    ----------
    network : Network
        What is judged; nothing that its ``meta`` says is believed.
    target : Target
        The function, and the domain: what is shown holds for every real x of it.
    tol : float, str, Fraction, Decimal, mpf or numpy scalar
        Largest error allowed, from 1e-1000 to below 1; taken exactly, "1e-12" as a rational.
    max_connections : int
        Most connections allowed.
    sampled : bool
        Whether the sample alone is judged, and no proof attempted.
    budget : int, optional
        Cells after which a proof piece by piece is given up, 20 million by default. It is not
        begun where more are estimated.
    progress, message : callable
        Called with a step's name, ``finding pieces``, ``sampling`` or ``proving``, and the
        fraction done; and with a sentence if no proof is begun.

    Raises
    ------
    RequestError
        If the tolerance is no such number, or the budget not positive or for weights of more bits.
    """
    limit = tolerance(tol)
    if budget is not None and (network.multiprecision or budget < 1):
        raise RequestError(f"budget: {budget} cells are of no use for this network's proof")
    if network.multiprecision:
        sample = sample_multiprecision(network, target, limit, partial(progress, "sampling"))
        proof = None if sampled else _by_induction(network, target)
    else:
        pieces, cells = Pieces.estimated(network, target.cover), budget or BUDGET
        needed = cells_needed(pieces)
        if needed > cells and not sampled:
            message(f"a proof needs about {needed:.2g} cells, more than {cells}: none is tried")
        pieces = pieces.found(network, MAX_PIECES, partial(progress, "finding pieces"))
        told = partial(progress, "sampling")
        sample = take_sample(network, pieces, told, target.function, limit)
        told = partial(progress, "proving")
        proof = None if sampled else _by_pieces(network, target, limit, pieces, cells, told)
    points = [sample.exact.x]
    if proof and proof.certificate and proof.certificate.witness is not None:
        points.append(proof.certificate.witness)
    worst = worst_of(network, points, limit, target.function)
    return Report(network, limit, max_connections, sample, proof, worst, target=target)


def _by_pieces(
    network: Network, target: Target, tol: Fraction, pieces: Pieces, budget: int, told: Progress
) -> Proof:
    """Prove for the largest float64 that is at most the tolerance: bounds are float64 too."""
    certificate = certify(
        network,
        float_below(tol) or math.ulp(0.0),
        domain=target.cover,
        function=target.function,
        pieces=pieces,
        budget=budget,
        progress=told,
    )
    shown = Fraction(certificate.sup_error) if math.isfinite(certificate.sup_error) else None
    return Proof(shown, certificate.remark, certificate)


def _by_induction(network: Network, target: Target) -> Proof:
    bound = prove(network)
    if bound is None:
        return Proof(shortfall=NO_INDUCTION)
    if not bound.covers(target):
        return Proof(shortfall=OTHER_TARGET.format(Target(bound.function, *bound.domain)))
    return Proof(bound.sup_error)
