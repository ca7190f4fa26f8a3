"""From a network to a verdict: cut the domain, bound every cell, look for a witness."""

from __future__ import annotations

import math
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from fractions import Fraction

from sinrelu.arithmetic.numbers import count
from sinrelu.arithmetic.rounding import decimal_above
from sinrelu.certify.bottleneck import Reduction, reduction
from sinrelu.certify.bound import Interval, Judge
from sinrelu.certify.bound import judge as run_block
from sinrelu.certify.certificate import INCONCLUSIVE, Certificate
from sinrelu.certify.claim import Claim
from sinrelu.certify.counterexample import Span
from sinrelu.certify.cuts import preimage
from sinrelu.certify.entry import Known, entry_of
from sinrelu.certify.floats import BINARY32, BINARY64, Format
from sinrelu.certify.pieces import OVERHEAD, Finder, estimated_pieces, most_pieces
from sinrelu.certify.rounding import Rounding
from sinrelu.certify.survey import (
    NEGLIGIBLE,
    USUAL,
    Observer,
    Partition,
    Survey,
    Task,
    fitted,
    is_large,
    survey,
    tasks,
    usual_budget,
)
from sinrelu.errors import RequestError
from sinrelu.evaluate import program
from sinrelu.kernels import (
    COMPILING,
    HINT,
    NUMBA,
    NUMPY,
    WORTH,
    backend_for,
    is_compiled,
    is_installed,
)
from sinrelu.network import Network, Row
from sinrelu.precision import FLOAT32, FLOAT64
from sinrelu.progress import Message, Progress, ignore

FORMATS = {FLOAT64: BINARY64, FLOAT32: BINARY32}

PI_UP = math.nextafter(math.pi, 4)
DOMAIN = (-PI_UP, PI_UP)
"""[−π, π] and a little more: its ends are the floats just outside."""
WIDE = 100_000
"""Pieces from which on a bottleneck is looked for."""
SUSPECTS = 6
"""Parts with the largest bounds, in which a witness is sought; in a large network only one."""


PROVEN = 8
"""What a multiplication by a weight costs in a proof, in such of plain evaluation."""


@dataclass(frozen=True)
class Plan:
    """How a claim is judged; whatever it says, what is shown holds.

    After ``budget`` cells, by default ``usual_budget``, the proof stops with ``inconclusive``.
    Where more are to be expected, only a few short intervals are searched for a witness; how many
    pieces are ``expected`` is estimated if it is not known. ``evaluation``, if it is ``float64`` or
    ``float32``, asks for a bound of what rounding adds there. Kinks far below ``resolution``, by
    default the tolerance, may be absorbed by the bound. An ``observer`` is shown all nodes; if
    nothing is to be ``judged``, that is all that is done with them. Parts run in ``executor``, by
    default in a thread for each processor, on ``backend``, by default the faster one; the result is
    the same in every one. ``progress`` is told the fraction of parts done, ``message`` why it is
    long.
    """

    partition: Partition = USUAL
    budget: int | None = None
    expected: float | None = None
    evaluation: str | None = None
    resolution: float | None = None
    observer: Observer | None = None
    judged: bool = True
    executor: Executor | None = None
    backend: str | None = None
    progress: Progress = ignore
    message: Message = ignore


def certify(  # noqa: PLR0913 - what is judged, and how; all but the first two have a default
    network: Network,
    tol: object,
    *,
    domain: Interval = DOMAIN,
    witness_domain: Span | None = None,
    function: str = "sin",
    partition: Partition = USUAL,
    budget: int | None = None,
    evaluation: str | None = None,
    resolution: float | None = None,
    executor: Executor | None = None,
    backend: str | None = None,
    progress: Progress = ignore,
) -> Certificate:
    """Judge |N(x) − f(x)| ≤ tol for every real x in a domain.

    Any network will do: how it was built plays no part. tol is a positive number of any kind, or
    its text, taken exactly; the domain is a closed interval of ends at most 2²⁰ in
    magnitude, and rounded outwards. A witness lies in ``witness_domain``, two dyadic numbers, where
    what is meant is not all of the domain. The rest is as in ``Plan``.

    A RequestError is raised if tol, the domain or the function cannot be judged, the budget is
    not positive, or the backend unknown; a MissingExtraError if it is not installed; an
    ArithmeticAssumptionError if float64 is not what the proof assumes.
    """
    claim = Claim.of(network, tol, domain, witness_domain, function)
    plan = Plan(
        partition=partition,
        budget=budget,
        evaluation=evaluation,
        resolution=resolution,
        executor=executor,
        backend=backend,
        progress=progress,
    )
    return prove(claim, plan)[0]


def prove(claim: Claim, plan: Plan) -> tuple[Certificate, Survey]:
    """Judge a claim; return what was found on the way, too.

    Where a bottleneck leaves clearly less to be proved, that is proved, and the survey is of that.
    """
    expected = plan.expected
    if expected is None:
        expected = estimated_pieces(Finder.of(claim.network), claim.domain)
    plan = replace(plan, expected=expected)
    if plan.judged and expected > WIDE:
        backend = backend_for(expected * claim.network.size, plan.backend)
        reduced = reduction(
            claim.network, claim.function, claim.domain, claim.tol, backend, plan.progress
        )
        if reduced:
            return _prove_reduced(claim, reduced, replace(plan, backend=backend))
    format = _format(plan.evaluation)
    rounding = Rounding.of(claim.network, format) if format else None
    found, backend = _surveyed(claim, plan, rounding)
    return _judged(claim, found, plan, backend), found


def _surveyed(claim: Claim, plan: Plan, rounding: Rounding | None) -> tuple[Survey, str]:
    """Examine the domain, part by part; say on which machine."""
    network, domain = claim.network, claim.domain
    partition = fitted(plan.partition, network, domain, claim.tol)
    needed = cells_needed(plan.expected or 0.0, partition)
    work = PROVEN * (needed + partition.parts * OVERHEAD) * network.size
    backend = backend_for(work, plan.backend)
    budget = usual_budget(network, backend)
    if plan.budget is not None:
        budget = count(plan.budget, "budget")
    elif not plan.judged:
        budget = most_pieces(network)
    fine = float(claim.tol if plan.resolution is None else plan.resolution)
    judge = Judge.of(network, claim.function, rounding, backend)
    pattern = Task(
        finder=Finder.of(network, fine * NEGLIGIBLE / (network.units + 1), backend),
        judge=judge if plan.judged else None,
        observer=plan.observer,
        ends=domain,
    )
    _tell(plan, needed, budget, backend, needed * network.size)
    todo = tasks(pattern, partition, needed, budget)
    return survey(todo, domain, needed, plan.executor, plan.progress), backend


def _format(evaluation: str | None) -> Format | None:
    if evaluation is None:
        return None
    if evaluation not in FORMATS:
        raise RequestError(f"evaluation: {evaluation!r} is unknown; choose from {list(FORMATS)}")
    return FORMATS[evaluation]


def _tell(plan: Plan, needed: float, budget: int, backend: str, work: float) -> None:
    """Say what makes it long."""
    if needed > budget:
        verb = "a proof" if plan.judged else "finding all pieces"
        plan.message(f"{verb} needs {cells_text(needed)}, more than {budget}: none is tried")
    elif backend == NUMPY and work > WORTH and not is_installed():
        plan.message(HINT)
    elif backend == NUMBA and not is_compiled(run_block):
        plan.message(COMPILING)


def _prove_reduced(claim: Claim, found: Reduction, plan: Plan) -> tuple[Certificate, Survey]:
    """Prove what is left behind a bottleneck, of evaluation as well if that is asked.

    What is computed for z may be where nothing holds; then evaluation is left alone.
    """
    known = entry_of(claim.network, found, _format(plan.evaluation), plan.backend)
    proof = _prove_behind(claim, found, known, plan)
    if known.rounding and proof[0].verdict == INCONCLUSIVE and proof[1].complete:
        return _prove_behind(claim, found, Known(found.domain), plan)
    return proof


def _prove_behind(
    claim: Claim, found: Reduction, known: Known, plan: Plan
) -> tuple[Certificate, Survey]:
    """Prove what is left behind a bottleneck, and add what the bottleneck is off by."""
    network = found.network
    rest = Claim.of(network, found.remaining(claim.tol), known.domain, None, found.function)
    expected = estimated_pieces(Finder.of(network), known.domain)
    behind = replace(plan, expected=expected, observer=None)
    left, backend = _surveyed(rest, behind, known.rounding)
    if not left.findings:
        return _judged(claim, left, plan, backend), left
    ends = (end for cell in left.suspects(SUSPECTS) for end in (*cell, sum(cell) / 2))
    certificate = claim.judged(
        claim.witness([preimage(found.fold, found.source, Fraction(z)) for z in ends]),
        sup_error=found.total(left.total.bound) if left.complete else math.inf,
        reduced=known.domain,
        offset=found.offset,
        cells=left.total.cells + found.cells,
        pieces=left.total.kinks + 1,
        radius=left.total.radius,
        evaluation_error=known.total(left.total) if left.complete else math.inf,
        evaluation=plan.evaluation or FLOAT64,
        backend=backend,
    )
    return _with_remark(certificate, left), left


def cells_needed(pieces: float, partition: Partition = USUAL) -> float:
    """Return how many cells a proof takes: one a piece, and those cut off wide ones."""
    return pieces + partition.cells


def compile_kernels() -> None:
    """Compile what a proof needs, once for all later processes; takes some twenty seconds.

    A MissingExtraError is raised if numba is not installed.
    """
    tent = Network((Row((0,), (1.0,), 0.0), Row((1,), (1.0,), -0.5), Row((1, 2), (1.0, -2.0), 0.0)))
    certify(tent, 10, evaluation=FLOAT64, backend=NUMBA)
    program(tent)._replace(backend=NUMBA)(0.5)


def refutation(
    network: Network,
    tol: object,
    x: Fraction,
    *,
    domain: Interval = DOMAIN,
    witness_domain: Span | None = None,
    function: str = "sin",
) -> Certificate:
    """Judge |N(x) − f(x)| ≤ tol by one dyadic x: ``refuted`` if it is a witness.

    The rest is as in ``certify``; nothing is bounded.
    """
    claim = Claim.of(network, tol, domain, witness_domain, function)
    return claim.judged(claim.witness([x]))


def _judged(claim: Claim, found: Survey, plan: Plan, backend: str) -> Certificate:
    ran = {"evaluation": plan.evaluation or FLOAT64, "backend": backend}
    if not found.findings:
        remark = f"a proof needs {cells_text(found.needed)}"
        return claim.judged(claim.witness(claim.inner), remark=remark, **ran)
    total, complete = found.total, found.complete
    certificate = claim.judged(
        claim.worst(found.suspects(1 if is_large(claim.network) else SUSPECTS)),
        sup_error=total.bound if complete else math.inf,
        cells=total.cells,
        pieces=total.kinks + 1,
        radius=total.radius,
        evaluation_error=total.evaluation if complete else math.inf,
        **ran,
    )
    return _with_remark(certificate, found)


def _with_remark(certificate: Certificate, found: Survey) -> Certificate:
    shown = certificate.verdict != INCONCLUSIVE
    return certificate if shown else replace(certificate, remark=_shortfall(found))


def cells_text(needed: float) -> str:
    """Say how many cells a proof takes."""
    return f"about {needed:.2g} cells" if math.isfinite(needed) else "too many cells to be counted"


def _shortfall(found: Survey) -> str:
    total = found.total
    if not found.complete:
        return (
            f"stopped after {total.cells} cells; a proof needs {cells_text(found.needed)}: "
            f"raise --budget, or judge by --sampled alone"
        )
    return (
        f"the bound {decimal_above(total.bound, 4)} exceeds the tolerance, and no x was found "
        f"where the error does; {decimal_above(total.radius, 2)} of the bound covers rounding and "
        f"unresolved kinks"
    )
