"""Verifying weights of more than 53 bits: enclosures at points, and the induction of the plan."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import MIN_EMIN, ROUND_CEILING, Context, Decimal
from fractions import Fraction
from random import Random

from mpmath import MPContext, libmp

from sinrelu.certify.certificate import INCONCLUSIVE, PROVED, REFUTED
from sinrelu.constructions.fold_reflect.induction import InductionBound, prove
from sinrelu.evaluate.enclosed import enclosed_error
from sinrelu.network import Network, exact_hex
from sinrelu.progress import Progress, ignore
from sinrelu.target import Target
from sinrelu.verification.report import SAMPLED_OK, VERDICTS, Judgement, line
from sinrelu.verification.sampling import SEED

POINTS = 2000
NARROW = 2**20
"""Enclosures are so much narrower than the tolerance."""
EXTRA_BITS = 64
NO_INDUCTION = "no proof: the graph is not that of a fold-reflect plan in the file's parameters"
OTHER_TARGET = "no proof: the plan in the file is for {} only"


@dataclass(frozen=True)
class WideSample:
    """The largest |N(x) − f(x)| that was seen: at least ``lower`` and at most ``upper``, at x."""

    lower: Fraction
    upper: Fraction
    x: Fraction
    points: int


def points(target: Target, places: int, count: int) -> Iterator[Fraction]:
    """Yield dyadic points of a domain: right beside its ends, and drawn with a fixed seed.

    The ends themselves are not dyadic as a rule, and a float64 near them is outside.
    """
    numbers = MPContext()
    numbers.prec = 2 * places
    unit = Fraction(1, 1 << places)
    low, high = (Fraction(*libmp.to_rational(end._mpf_)) for end in target.ends(numbers))
    low, high = (low // unit + 2) * unit, (high // unit - 1) * unit
    yield low
    yield high
    random = Random(SEED)
    for _ in range(count - 2):
        yield (low + (high - low) * random.getrandbits(places) * unit) // unit * unit


def sample_wide(
    network: Network, target: Target, tol: Fraction, progress: Progress = ignore
) -> WideSample:
    """Enclose the error at ``POINTS`` points, of as many bits as the tolerance."""
    places = tol.denominator.bit_length() + EXTRA_BITS
    worst = WideSample(Fraction(-1), Fraction(-1), Fraction(0), POINTS)
    seen = enclosed_error(network, points(target, places, POINTS), tol / NARROW, target.function)
    for number, (x, lower, upper) in enumerate(seen, start=1):
        if lower > worst.lower:
            worst = WideSample(lower, max(upper, worst.upper), x, POINTS)
        progress(number / POINTS)
    return worst


@dataclass(frozen=True)
class WideReport(Judgement):
    """A network whose weights are wider than float64.

    Attributes
    ----------
    sample : WideSample
        What was seen.
    proof : InductionBound or None
        What was shown, for whatever function and domain; None if nothing was.
    tried : bool
        Whether a proof was attempted.
    """

    sample: WideSample
    proof: InductionBound | None
    tried: bool = True

    @classmethod
    def of(
        cls,
        network: Network,
        tol: Fraction,
        max_connections: int,
        target: Target,
        sampled: bool = False,
        progress: Progress = ignore,
    ) -> WideReport:
        """Sample a network, and prove its bound unless that is not asked for."""
        sample = sample_wide(network, target, tol, progress)
        proof = None if sampled else prove(network)
        return cls(network, tol, max_connections, sample, proof, not sampled, target=target)

    @property
    def sup_error(self) -> Fraction | None:
        """Upper bound of the error for every real x of the domain, if one was shown."""
        covered = self.proof is not None and self.proof.covers(self.target)
        return self.proof.sup_error if covered and self.proof is not None else None

    @property
    def verdict(self) -> str:
        """One of ``VERDICTS``; a witness outweighs everything else."""
        if self.sample.lower > self.tol:
            return REFUTED
        if self.tried:
            proved = self.sup_error is not None and self.sup_error <= self.tol
            return PROVED if proved else INCONCLUSIVE
        return SAMPLED_OK if self.sample.upper <= self.tol else INCONCLUSIVE

    def _remarks(self) -> Iterator[str]:
        if self.tried and self.proof is None:
            yield NO_INDUCTION
        elif self.proof is not None and self.sup_error is None:
            yield OTHER_TARGET.format(Target(self.proof.function, *self.proof.domain))
        elif self.verdict == INCONCLUSIVE and self.sup_error is not None:
            yield f"the bound {figure(self.sup_error)} exceeds the tolerance"

    def _findings(self) -> Mapping[str, object]:
        refuted = self.verdict == REFUTED
        sample = self.sample
        return {
            "tol": figure(Fraction(self.tol)),
            "function": self.target.function,
            "domain": [self.target.low.plain, self.target.high.plain],
            "sup_error": None if self.sup_error is None else figure(self.sup_error),
            "witness": exact_hex(sample.x) if refuted else None,
            "witness_error": figure(sample.lower) if refuted else None,
            "pieces": None,
            "sampled_error": {"float64": None, "mpmath": figure(sample.upper)},
            "sampled_at": {"float64": None, "mpmath": exact_hex(sample.x)},
            "sampled_points": {"float64": None, "mpmath": sample.points},
        }

    def _sentence(self) -> str:
        return VERDICTS[self.verdict].format(
            function=self.target.function,
            tol=figure(Fraction(self.tol)),
            error=figure(self.sample.lower, 4),
            witness=exact_hex(self.sample.x),
        )

    def _error_lines(self) -> Iterator[str]:
        sample = self.sample
        yield line("function", self.target.function)
        yield line("domain", self.target.interval)
        yield line("tolerance", figure(Fraction(self.tol)))
        where = f"exact arithmetic, {sample.points} points, largest at x = {float(sample.x)!r}"
        yield line("sampled error", f"{figure(sample.upper, 4):<12} {where}")
        if self.tried and self.sup_error is None:
            yield line("sup error", "none shown")
        elif self.sup_error is not None:
            shown = "shown to hold for every real x of the domain, by induction on the plan"
            yield line("sup error", f"{figure(self.sup_error):<12} {shown}")


def figure(number: Fraction, digits: int = 6) -> str:
    """Write a number that a float64 may be too small for, rounded up, in decimal."""
    context = Context(prec=digits, rounding=ROUND_CEILING, Emin=MIN_EMIN)
    quotient = context.divide(Decimal(number.numerator), Decimal(number.denominator))
    return f"{quotient.normalize(context)}".lower()
