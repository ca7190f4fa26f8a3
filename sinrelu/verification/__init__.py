"""A network against a function and a tolerance: counted, sampled, proved, judged."""

import math
from collections.abc import Callable
from fractions import Fraction
from functools import partial
from operator import itemgetter
from typing import NamedTuple

import numpy as np

from sinrelu.arithmetic.numbers import count
from sinrelu.arithmetic.rounding import as_float
from sinrelu.certify.claim import Claim
from sinrelu.certify.counterexample import evaluated_error, worst_of
from sinrelu.certify.prover import Plan, prove
from sinrelu.constructions.fold_reflect.induction import prove as prove_by_induction
from sinrelu.errors import RequestError
from sinrelu.kernels import backend_for
from sinrelu.network import Network
from sinrelu.precision import FLOAT32, FLOAT64, has_float32_weights
from sinrelu.progress import Message, ignore
from sinrelu.target import DEFAULT, Target, tolerance
from sinrelu.verification.report import Proof, Report
from sinrelu.verification.sampling import (
    Observer,
    Sample,
    first_look,
    sample_multiprecision,
    take_sample,
)

__all__ = ["Report", "verify"]

TOL = Fraction(1, 10**12)
MAX_CONNECTIONS = 10_000
NO_INDUCTION = "no proof: the graph is not that of a fold-reflect plan in the file's parameters"
REFUTED_BY_SAMPLE = "the sample refutes it, so no bound was sought"
OTHER_TARGET = "no proof: the plan in the file is for {} only"


def verify(  # noqa: PLR0913 - what is judged, and how; all but the first have a default
    network: Network,
    target: Target = DEFAULT,
    tol: object = TOL,
    *,
    max_connections: int = MAX_CONNECTIONS,
    sampled: bool = False,
    budget: int | None = None,
    precision: str = FLOAT64,
    backend: str | None = None,
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
        Cells after which a proof piece by piece is given up, 20 million by default, with numba 200
        million, and fewer for a large network. It is not begun where more are estimated, or the
        sample has a witness.
    precision : str
        In what evaluation is judged besides, ``float64`` or ``float32``.
    backend : str, optional
        What runs the proof, ``numpy`` or ``numba`` (extra ``fast``); by default the faster one that
        is installed. Both give the same numbers.
    progress, message : callable
        Called with a step's name, ``finding pieces``, ``sampling`` or ``proving``, and the
        fraction done; and with a sentence if no proof is begun.

    Raises
    ------
    RequestError
        If the tolerance is no such number, the budget not positive or for weights of more bits, or
        the precision unknown or too narrow for the weights.
    """
    limit = tolerance(tol)
    max_connections = count(max_connections, "max-connections")
    budget = None if budget is None else count(budget, "budget")
    if budget is not None and network.multiprecision:
        raise RequestError("budget: cells are of no use for this network's proof")
    _check_precision(network, precision)
    backend_for(0, backend)
    task = _Task(network, target, limit, sampled, budget, precision, backend, progress, message)
    sample, proof = task.by_induction() if network.multiprecision else task.by_pieces()
    points = [sample.exact.x]
    if proof and proof.certificate and proof.certificate.witness is not None:
        points.append(proof.certificate.witness)
    worst = worst_of(network, points, limit, target.function)
    evaluated = None if network.multiprecision else task.evaluated(sample, worst[0])
    judged = (network, limit, max_connections, sample, proof, worst, evaluated)
    return Report(*judged, target=target, precision=precision)


def _check_precision(network: Network, precision: str) -> None:
    if precision not in (FLOAT64, FLOAT32):
        raise RequestError(f"precision: {precision!r} is unknown; choose {FLOAT64} or {FLOAT32}")
    if precision == FLOAT32 and not has_float32_weights(network):
        raise RequestError("precision: not all weights are float32; round them, convert --float32")


class _Task(NamedTuple):
    """What is asked for. Where a sample refutes, nothing more is done: no proof could be found."""

    network: Network
    target: Target
    tol: Fraction
    sampled: bool
    budget: int | None
    precision: str
    backend: str | None
    progress: Callable[[str, float], None]
    message: Message

    def by_induction(self) -> tuple[Sample, Proof | None]:
        told = partial(self.progress, "sampling")
        sample = sample_multiprecision(self.network, self.target, self.tol, told)
        if self.sampled or sample.exact.lower > self.tol:
            return sample, None
        return sample, _by_induction(self.network, self.target)

    def by_pieces(self) -> tuple[Sample, Proof | None]:
        network, target = self.network, self.target
        sample = first_look(network, target, self.tol)
        if sample.exact.lower > self.tol:
            return sample, self._refuted(sample)
        certificate, survey = prove(self._claim(), self._plan())
        told = partial(self.progress, "sampling")
        sample = take_sample(network, survey, target, self.tol, told)
        if self.sampled:
            return sample, None
        shown = Fraction(certificate.sup_error) if math.isfinite(certificate.sup_error) else None
        return sample, Proof(shown, certificate.remark, certificate)

    def _plan(self) -> Plan:
        return Plan(
            budget=self.budget,
            evaluation=self.precision,
            observer=Observer(self.network, self.target),
            judged=not self.sampled,
            backend=self.backend,
            progress=partial(self.progress, "finding pieces" if self.sampled else "proving"),
            message=self.message,
        )

    def evaluated(self, sample: Sample, witness: Fraction) -> tuple[float, Fraction | float] | None:
        """Return the worst of a few floats, and a lower bound of the error as computed there."""
        seen = () if sample.float64 is None else (sample.float64.x,)
        points = [x for x in (*seen, as_float(witness)) if x is not None]
        if self.precision == FLOAT32:
            points = [float(np.float32(x)) for x in points]
        name, precision = self.target.function, self.precision
        errors = ((x, evaluated_error(self.network, x, name, precision)) for x in points)
        return max(errors, key=itemgetter(1), default=None)

    def _refuted(self, sample: Sample) -> Proof | None:
        if self.sampled:
            return None
        claim = self._claim()
        certificate = claim.judged(claim.witness([sample.exact.x]))
        return Proof(shortfall=REFUTED_BY_SAMPLE, certificate=certificate)

    def _claim(self) -> Claim:
        target = self.target
        return Claim.of(self.network, self.tol, target.cover, target.inner, target.function)


def _by_induction(network: Network, target: Target) -> Proof:
    bound = prove_by_induction(network)
    if bound is None:
        return Proof(shortfall=NO_INDUCTION)
    if not bound.covers(target):
        return Proof(shortfall=OTHER_TARGET.format(Target(bound.function, *bound.domain)))
    return Proof(bound.sup_error)
