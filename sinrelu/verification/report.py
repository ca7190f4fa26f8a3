"""What ``verify`` says: counts, samples and proof, each under its own name, as text or JSON."""

from __future__ import annotations

import json
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from sinrelu.certify import Certificate
from sinrelu.certify.certificate import INCONCLUSIVE, PROVED, REFUTED
from sinrelu.network import Network, exact_hex
from sinrelu.target import DEFAULT, Target
from sinrelu.verification.sampling import MAX_PIECES, Sample, Worst

SAMPLED_OK = "sampled-ok"
VERDICTS: Mapping[str, str] = {
    PROVED: "|N(x) − {function} x| ≤ {tol} for every real x of the domain",
    REFUTED: "|N(x) − {function} x| = {error} > {tol} at x = {witness}",
    INCONCLUSIVE: "neither shown nor ruled out that |N(x) − {function} x| ≤ {tol}",
    SAMPLED_OK: "|N(x) − {function} x| ≤ {tol} at the sampled points; that is no proof",
}
"""Each verdict and what it means."""

OK_STATUS, FAILED_STATUS, INCONCLUSIVE_STATUS = 0, 1, 3


@dataclass(frozen=True)
class Judgement(ABC):
    """A network against a tolerance and a limit: what all reports have in common.

    Attributes
    ----------
    network : Network
        Everything that is counted is counted anew on its graph.
    tol : float or Fraction
        Limit of the error.
    max_connections : int
        Limit of the connections.
    target : Target
        What the network is judged as; sample and proof are for its function, on its cover.
    """

    network: Network
    tol: float | Fraction
    max_connections: int
    target: Target = field(default=DEFAULT, kw_only=True)

    @property
    @abstractmethod
    def verdict(self) -> str:
        """One of ``VERDICTS``; a witness outweighs everything else."""

    @abstractmethod
    def _findings(self) -> Mapping[str, object]:
        """Return what is to be said of the error in JSON."""

    @abstractmethod
    def _error_lines(self) -> Iterator[str]:
        """Yield what is to be said of the error to people."""

    @abstractmethod
    def _sentence(self) -> str:
        """Return what the verdict means."""

    @abstractmethod
    def _remarks(self) -> Iterator[str]:
        """Yield what is particular to this sort of report."""

    @property
    def within_limit(self) -> bool:
        """Whether the connections are at most as many as allowed."""
        return self.network.connections <= self.max_connections

    @property
    def exit_status(self) -> int:
        """0 shown and within the limit, 1 refuted or over the limit, 3 inconclusive."""
        if self.verdict == REFUTED or not self.within_limit:
            return FAILED_STATUS
        return INCONCLUSIVE_STATUS if self.verdict == INCONCLUSIVE else OK_STATUS

    @property
    def construction(self) -> str | None:
        """What the file says it was built by; informative only."""
        name = self.network.meta.get("construction")
        printable = isinstance(name, str) and name.isprintable() and len(name) <= 60
        return str(name) if printable else None

    @property
    def remarks(self) -> tuple[str, ...]:
        """What a reader of the figures should know."""
        claimed = Target.claimed(self.network.meta)
        lines = [*self._remarks()]
        if claimed is not None and not claimed.covers_alike(self.target):
            claim = f"the file says that it is {claimed}; to check that: {claimed.options}"
            lines.insert(0, claim)
        if not self.within_limit:
            count = self.network.connections
            lines.append(f"{count} connections exceed the limit {self.max_connections}")
        return tuple(lines)

    def as_dict(self) -> dict[str, object]:
        """Return the report as one JSON object; numbers that are not finite become null."""
        network = self.network
        return {
            "verdict": self.verdict,
            **self._findings(),
            "connections": network.connections,
            "max_connections": self.max_connections,
            "within_limit": self.within_limit,
            "biases": network.biases,
            "skip_connections": network.skip_connections,
            "units": network.units,
            "depth": network.depth,
            "width": network.width,
            "dense_size": network.dense_size,
            "dense_size_with_biases": network.dense_size_with_biases,
            "wiring": network.wiring,
            "construction": self.construction,
            "sha256": network.sha256,
            "remarks": list(self.remarks),
        }

    def as_json(self) -> str:
        """Return the JSON object as text."""
        return json.dumps(self.as_dict(), indent=2, allow_nan=False)

    def as_text(self) -> str:
        """Return the report for people: counts, samples, proof, verdict."""
        lines = [] if self.construction is None else [line("construction", self.construction)]
        lines += [*count_lines(self.network, self.max_connections), "", *self._error_lines(), ""]
        lines += [line("remark", remark) for remark in self.remarks]
        return "\n".join([*lines, line("verdict", f"{self.verdict}: {self._sentence()}")])


@dataclass(frozen=True)
class Report(Judgement):
    """A float64 network.

    Attributes
    ----------
    sample : Sample
        What was seen.
    proof : Certificate or None
        What was shown; None if only the sample is to be judged.
    """

    sample: Sample
    proof: Certificate | None

    @property
    def refutation(self) -> tuple[Fraction, float] | None:
        """An x at which exact arithmetic finds the error above the tolerance, and the error."""
        proof, exact = self.proof, self.sample.exact
        if proof is not None and proof.verdict == REFUTED and proof.witness is not None:
            return proof.witness, proof.lower_bound
        return (Fraction(exact.x), exact.error) if exact.error > self.tol else None

    @property
    def witness(self) -> Fraction | None:
        """The x of the refutation."""
        return None if self.refutation is None else self.refutation[0]

    @property
    def witness_error(self) -> float | None:
        """The error at the witness."""
        return None if self.refutation is None else self.refutation[1]

    @property
    def verdict(self) -> str:
        """One of ``VERDICTS``; a witness outweighs everything else.

        Without a proof exact arithmetic decides, which has looked where float64 is worst.
        """
        if self.witness is not None:
            return REFUTED
        if self.proof is not None:
            return self.proof.verdict
        return SAMPLED_OK if math.isfinite(self.sample.float64.error) else INCONCLUSIVE

    @property
    def sup_error(self) -> float | None:
        """Upper bound of the error for every real x of the domain, if one was shown."""
        bound = math.inf if self.proof is None else self.proof.sup_error
        return _finite(bound)

    def _remarks(self) -> Iterator[str]:
        if self.proof is not None and self.proof.remark:
            yield self.proof.remark
        if self.sample.curve.pieces is None:
            yield f"more than {MAX_PIECES} pieces: a uniform grid was sampled, not all breakpoints"
        if self.witness is None and self.sample.float64.error > self.tol:
            yield "float64 evaluation exceeds the tolerance where exact arithmetic does not"

    def _findings(self) -> Mapping[str, object]:
        sample = self.sample
        return {
            "tol": self.tol,
            "function": self.target.function,
            "domain": list(sample.domain),
            "sup_error": self.sup_error,
            "witness": None if self.witness is None else exact_hex(self.witness),
            "witness_error": self.witness_error,
            "pieces": sample.curve.pieces,
            "sampled_error": _by_evaluator(sample, lambda worst: _finite(worst.error)),
            "sampled_at": _by_evaluator(sample, lambda worst: worst.x),
            "sampled_points": _by_evaluator(sample, lambda worst: worst.points),
        }

    def _sentence(self) -> str:
        witness = "" if self.witness is None else dyadic_text(self.witness)
        return VERDICTS[self.verdict].format(
            function=self.target.function,
            tol=f"{self.tol:g}",
            error=f"{self.witness_error or 0.0:.4g}",
            witness=witness,
        )

    def _error_lines(self) -> Iterator[str]:
        pieces, tried = self.sample.curve.pieces, self.proof is not None
        yield line("function", self.target.function)
        yield line("domain", domain_text(self.target))
        yield line("tolerance", f"{self.tol:g}")
        yield line("pieces", f"more than {MAX_PIECES}" if pieces is None else f"{pieces}")
        yield line("sampled error", _seen(self.sample.float64, "float64"))
        yield line("", _seen(self.sample.exact, "exact arithmetic"))
        if tried:
            yield line("sup error", _shown(self.sup_error))


def count_lines(network: Network, max_connections: int | None = None) -> list[str]:
    """Return the counts of a network, recounted on its graph, one a line."""
    limit = "" if max_connections is None else f"limit {max_connections}"
    size, with_biases = network.dense_size, network.dense_size_with_biases
    dense = "none (skip wiring)" if size is None else f"{size:<12} with biases {with_biases}"
    return [
        line("wiring", network.wiring),
        line("connections", f"{network.connections:<12} {limit}".rstrip()),
        line("biases", f"{network.biases}"),
        line("skip connections", f"{network.skip_connections}"),
        line("units", f"{network.units}"),
        line("depth", f"{network.depth:<12} affine layers"),
        line("width", f"{network.width}"),
        line("dense size", dense),
        line("sha256", network.sha256),
    ]


def agreement_text(old: Certificate, new: Certificate, differences: Sequence[str]) -> str:
    """Return what a recheck found: the new certificate in short, and where the old one differs."""
    summary = (
        line("function", new.function),
        line("domain", f"[{new.domain[0]!r}, {new.domain[1]!r}]"),
        line("verdict", f"{new.verdict:<12} certificate {old.verdict}"),
        line("sup error", f"{new.sup_error:<12.6g} certificate {old.sup_error:.6g}"),
        line("cells", f"{new.cells:<12} certificate {old.cells}"),
    )
    found = [line("difference", text) for text in differences]
    return "\n".join([*summary, *(found or [line("result", "the certificate stands")])])


def domain_text(target: Target) -> str:
    """Write a domain and, where its ends are no floats, the interval that is judged."""
    low, high = target.cover
    exact = all(end.outward(-1) == end.outward(1) for end in (target.low, target.high))
    return target.interval if exact else f"{target.interval} within [{low!r}, {high!r}]"


def line(label: str, text: str) -> str:
    """Return one aligned line."""
    return f"{label:<18}{text}"


def dyadic_text(number: Fraction) -> str:
    """Write a dyadic number exactly, in decimal where float64 holds it."""
    x = as_float(number)
    return exact_hex(number) if x is None else repr(x)


def as_float(x: Fraction) -> float | None:
    """Return x as a float64 if it is one."""
    try:
        nearest = float(x)
    except OverflowError:
        return None
    return nearest if Fraction(nearest) == x else None


def _seen(worst: Worst, how: str) -> str:
    return f"{worst.error:<12.4g} {how}, {worst.points} points, largest at x = {worst.x!r}"


def _shown(sup_error: float | None) -> str:
    if sup_error is None:
        return "none shown"
    return f"{sup_error:<12.6g} shown to hold for every real x of the domain"


def _by_evaluator(sample: Sample, figure: Callable[[Worst], object]) -> dict[str, object]:
    return {"float64": figure(sample.float64), "mpmath": figure(sample.exact)}


def _finite(number: float) -> float | None:
    return number if math.isfinite(number) else None
