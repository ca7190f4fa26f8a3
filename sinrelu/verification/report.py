"""What ``verify`` says: counts, sample and proof, each under its own name, as text or JSON."""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from sinrelu.arithmetic.rounding import (
    as_float,
    decimal_above,
    decimal_below,
    exact_text,
    float_above,
    float_below,
)
from sinrelu.certify import Certificate
from sinrelu.certify.certificate import INCONCLUSIVE, PROVED, REFUTED, finite_or_none
from sinrelu.network import Network, exact_hex
from sinrelu.precision import FLOAT64, says_float32
from sinrelu.target import DEFAULT, Target
from sinrelu.verification.sampling import Sample

SAMPLED_OK = "sampled-ok"
VERDICTS: Mapping[str, str] = {
    PROVED: "|N(x) − {function} x| ≤ {tol} for every real x of the domain{computed}",
    REFUTED: "|N(x) − {function} x| ≥ {error} > {tol} at x = {witness}",
    INCONCLUSIVE: "neither shown nor ruled out that |N(x) − {function} x| ≤ {tol}",
    SAMPLED_OK: "|N(x) − {function} x| ≤ {tol} at the sampled points; that is no proof",
}
"""Each verdict and what it means."""
COMPUTED = ", and for every {} x as computed"

MEANT_FOR_FLOAT32 = "the network is meant for float32; --float32 judges what it computes there"

COUNTS = ("biases", "skip_connections", "units", "depth", "width", "dense_size")
OK_STATUS, FAILED_STATUS, INCONCLUSIVE_STATUS = 0, 1, 3


@dataclass(frozen=True)
class Proof:
    """A bound for every real x or why none was shown; of a proof by pieces, the certificate."""

    sup_error: Fraction | None = None
    shortfall: str = ""
    certificate: Certificate | None = None


@dataclass(frozen=True)
class Report:
    """A network, with weights of any sort, against a tolerance and a limit of its connections.

    Everything that is counted is counted anew on the network's graph. Errors and the tolerance are
    exact; they are rounded where they are written, up if they are upper bounds. ``proof`` is None
    if the sample alone is to be judged, ``counterexample`` a dyadic x and a lower bound of the
    error there, ``evaluated`` a float64 x and one of the error as computed there; ``target`` is
    what is judged, for float64 weights on its cover. What is said of evaluation is of that in
    ``precision``, float64 or float32, at the numbers that it has.
    """

    network: Network
    tol: Fraction
    max_connections: int
    sample: Sample
    proof: Proof | None = None
    counterexample: tuple[Fraction, Fraction] | None = None
    evaluated: tuple[float, Fraction | float] | None = None
    target: Target = field(default=DEFAULT, kw_only=True)
    precision: str = field(default=FLOAT64, kw_only=True)

    @property
    def verdict(self) -> str:
        """One of ``VERDICTS``; a witness outweighs everything else.

        Without a proof exact arithmetic decides, which has looked where float64 is worst.
        """
        if self.witness is not None:
            return REFUTED
        if self.proof is not None:
            shown = self.sup_error is not None and self.sup_error <= self.tol
            return PROVED if shown else INCONCLUSIVE
        seen = self.sample.float64
        finite = seen is None or math.isfinite(seen.error)
        return SAMPLED_OK if finite and self.sample.exact.upper <= self.tol else INCONCLUSIVE

    @property
    def sup_error(self) -> Fraction | None:
        """Upper bound of the error for every real x of the domain, if one was shown."""
        return None if self.proof is None else self.proof.sup_error

    @property
    def witness(self) -> Fraction | None:
        """A dyadic x at which the error is above the tolerance, beyond doubt."""
        found = self.counterexample
        if found is None or found[1] <= self.tol or not self.target.contains(found[0]):
            return None
        return found[0]

    @property
    def witness_error(self) -> Fraction | None:
        """A lower bound of the error at the witness, close to it."""
        return self.counterexample[1] if self.counterexample and self.witness is not None else None

    @property
    def evaluation_error(self) -> Fraction | None:
        """Upper bound of what evaluation adds at any float x, if one was shown."""
        made = self.proof and self.proof.certificate
        shown = made and math.isfinite(made.evaluation_error)
        return Fraction(made.evaluation_error) if made and shown else None

    @property
    def computed_error(self) -> Fraction | None:
        """Upper bound of the error as computed at any float x, if one was shown."""
        if self.sup_error is None or self.evaluation_error is None:
            return None
        return self.sup_error + self.evaluation_error

    @property
    def computed_verdict(self) -> str | None:
        """The verdict on what is computed; None for weights of more bits.

        ``refuted`` means that ``evaluate_float64``, or ``evaluate_float32``, errs by more than the
        tolerance at some x.
        """
        if self.network.multiprecision:
            return None
        x, error = self.evaluated or (None, Fraction(0))
        if x is not None and error > self.tol and self.target.contains(Fraction(x)):
            return REFUTED
        seen = self.sample.float64 if self.precision == FLOAT64 else None
        if self.proof is None and seen is not None:
            return SAMPLED_OK if seen.error <= self.tol else INCONCLUSIVE
        shown = self.computed_error is not None and self.computed_error <= self.tol
        return PROVED if shown else INCONCLUSIVE

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
    def remarks(self) -> tuple[str, ...]:
        """What a reader of the figures should know."""
        return tuple(self._remarks())

    def _remarks(self) -> Iterator[str]:
        claimed = Target.claimed(self.network.meta)
        if claimed is not None and not claimed.covers_alike(self.target):
            yield f"the file says that it is {claimed}; to check that: {claimed.options}"
        if self.precision == FLOAT64:
            yield from remarks_on_source(self.network)
        if self.proof is not None and self.proof.shortfall:
            yield self.proof.shortfall
        elif self.verdict == INCONCLUSIVE and self.sup_error is not None:
            yield f"the bound {decimal_above(self.sup_error)} exceeds the tolerance"
        if self.sample.on_grid:
            yield "its pieces are too many to be found: a uniform grid was sampled instead"
        yield from self._computed_remarks()
        if not self.within_limit:
            count = self.network.connections
            yield f"{count} connections exceed the limit {self.max_connections}"

    def _computed_remarks(self) -> Iterator[str]:
        computed = f"as computed in {self.precision} the error"
        if self.computed_verdict == REFUTED and self.verdict != REFUTED and self.evaluated:
            yield f"{computed} exceeds the tolerance, at x = {self.evaluated[0]!r}"
        elif self.verdict == PROVED and self.computed_verdict == INCONCLUSIVE:
            yield f"{computed} was not shown to keep the tolerance"

    def as_dict(self) -> dict[str, object]:
        """Return the report as one JSON object; numbers that are not finite become null.

        Where weights have more bits than float64, errors and the tolerance are strings.
        """
        network, plain = self.network, [self.target.low.plain, self.target.high.plain]
        return {
            "verdict": self.verdict,
            "tol": self._tol(),
            "function": self.target.function,
            "domain": plain if network.multiprecision else list(self.target.cover),
            "sup_error": self._number(self.sup_error),
            **dict.fromkeys(("float64_error", "float64_verdict")),
            f"{self.precision}_error": self._number(self.evaluation_error),
            f"{self.precision}_verdict": self.computed_verdict,
            "computed_error": self._number(self.computed_error),
            "bottleneck": self._bottleneck(),
            "witness": None if self.witness is None else exact_hex(self.witness),
            "witness_error": self._number(self.witness_error, up=False),
            "pieces": self.sample.pieces,
            **self._seen(),
            "connections": network.connections,
            "max_connections": self.max_connections,
            "within_limit": self.within_limit,
            **{name: getattr(network, name) for name in COUNTS},
            "dense_size_with_biases": network.dense_size_with_biases,
            "wiring": network.wiring,
            "construction": construction_of(network),
            "sha256": network.sha256,
            "remarks": list(self.remarks),
        }

    def _bottleneck(self) -> dict[str, object] | None:
        made = self.proof and self.proof.certificate
        if not made or made.reduced is None:
            return None
        return {"range": list(made.reduced), "error": made.offset}

    def _seen(self) -> dict[str, dict[str, object]]:
        exact, seen = self.sample.exact, self.sample.float64
        x = exact_hex(exact.x) if self.network.multiprecision else float(exact.x)
        rows = {
            "sampled_error": (seen and finite_or_none(seen.error), self._number(exact.upper)),
            "sampled_at": (seen and seen.x, x),
            "sampled_points": (seen and seen.points, exact.points),
        }
        return {key: {"float64": a, "mpmath": b} for key, (a, b) in rows.items()}

    def _number(self, number: Fraction | None, up: bool = True) -> float | str | None:
        """Return a bound for JSON, rounded up or down."""
        if number is None:
            return None
        if self.network.multiprecision:
            return (decimal_above if up else decimal_below)(number, limit=self.tol)
        return finite_or_none(float_above(number) if up else float_below(number))

    def _tol(self) -> float | str:
        """Return the tolerance for JSON: as it is where a float is written so, else rounded up."""
        text, plain = exact_text(self.tol), f"{float(self.tol)}"
        if self.network.multiprecision:
            return text
        return float(plain) if plain == text else float_above(self.tol)

    def as_json(self) -> str:
        """Return the JSON object as text."""
        return json.dumps(self.as_dict(), indent=2, allow_nan=False)

    def as_text(self) -> str:
        """Return the report for people: counts, sample, proof, verdict."""
        return f"{counts_text(self.network, self.max_connections)}\n{self.findings_text()}"

    def findings_text(self) -> str:
        """Return what comes after the counts, which are known before."""
        lines = ["", *self._error_lines(), ""]
        lines += [line("remark", remark) for remark in self.remarks]
        return "\n".join([*lines, line("verdict", f"{self.verdict}: {self._sentence()}")])

    def _error_lines(self) -> Iterator[str]:
        target, pieces = self.target, self.sample.pieces
        yield line("function", target.function)
        yield line(
            "domain", target.interval if self.network.multiprecision else domain_text(target)
        )
        yield line("tolerance", exact_text(self.tol))
        if not self.network.multiprecision:
            yield line("pieces", "not counted" if pieces is None else f"{pieces}")
        yield from self._sample_lines()
        if self.sup_error is not None:
            how = ", by induction on the plan" if self.network.multiprecision else ""
            shown = f"shown to hold for every real x of the domain{how}"
            yield line("sup error", f"{self._bound(self.sup_error):<12} {shown}")
            if made := self.proof and self.proof.certificate:
                yield from bottleneck_lines(made)
        elif self.proof is not None:
            yield line("sup error", "none shown")
        yield from self._computed_lines()

    def _computed_lines(self) -> Iterator[str]:
        if self.evaluation_error is not None:
            shown = f"≤ {decimal_above(self.evaluation_error, 3)}"
            how = "of evaluation, in any order, with or without fma"
            yield line(f"{self.precision} error", f"{shown:<12} {how}")
        if self.computed_error is not None:
            shown = f"≤ {self._bound(self.computed_error)}"
            yield line("computed error", f"{shown:<12} of both, for every {self.precision} x")

    def _sample_lines(self) -> Iterator[str]:
        label, exact, seen = "sampled error", self.sample.exact, self.sample.float64
        if seen is not None:
            where = f"float64, {seen.points} points, largest at x = {seen.x!r}"
            yield line(label, f"{self._bound(seen.error, 4):<12} {where}")
            label = ""
        where = f"exact arithmetic, {exact.points} points, largest at x = {float(exact.x)!r}"
        yield line(label, f"{self._bound(exact.upper, 4):<12} {where}")

    def _sentence(self) -> str:
        error, witness = self.witness_error or Fraction(0), self.witness or Fraction(0)
        return VERDICTS[self.verdict].format(
            function=self.target.function,
            tol=exact_text(self.tol),
            error=decimal_below(error, 4, self.tol),
            witness=dyadic_text(witness),
            computed=COMPUTED.format(self.precision) if self.computed_verdict == PROVED else "",
        )

    def _bound(self, number: Fraction | float, digits: int = 6) -> str:
        """Write an upper bound for people, never above the tolerance if it is not."""
        return decimal_above(number, digits, self.tol)


def construction_of(network: Network) -> str | None:
    """Return what a file says it was built by; informative only."""
    name = network.meta.get("construction")
    printable = isinstance(name, str) and name.isprintable() and len(name) <= 60
    return str(name) if printable else None


def remarks_on_source(network: Network) -> list[str]:
    """Say it if a network is meant to be computed in float32."""
    return [MEANT_FOR_FLOAT32] if says_float32(network) else []


def counts_text(network: Network, max_connections: int) -> str:
    """Return what can be said of a network before any of its values is computed."""
    name = construction_of(network)
    lines = [] if name is None else [line("construction", name)]
    return "\n".join([*lines, *count_lines(network, max_connections)])


def count_lines(network: Network, max_connections: int | None = None) -> list[str]:
    """Return the counts of a network, recounted on its graph, one a line."""
    limit = "" if max_connections is None else f"limit {max_connections}"
    if max_connections is not None and network.connections > max_connections:
        limit += ", exceeded"
    size, with_biases = network.dense_size, network.dense_size_with_biases
    dense = "none (skip wiring)" if size is None else f"{size:<12} with biases {with_biases}"
    return [
        line("wiring", network.wiring),
        line("connections", f"{network.connections:<12} {limit}".rstrip()),
        *(line(name.replace("_", " "), f"{getattr(network, name)}") for name in COUNTS[:3]),
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
        line(
            "sup error",
            f"{decimal_above(new.sup_error):<12} certificate {decimal_above(old.sup_error)}",
        ),
        line(
            f"{new.evaluation} error",
            f"{decimal_above(new.evaluation_error, 3):<12} "
            f"certificate {decimal_above(old.evaluation_error, 3)}",
        ),
        line("cells", f"{new.cells:<12} certificate {old.cells}"),
        line("backend", f"{new.backend:<12} certificate {old.backend}"),
    )
    found = [line("difference", text) for text in differences]
    return "\n".join([*summary, *(found or [line("result", "the certificate stands")])])


def bottleneck_lines(made: Certificate) -> Iterator[str]:
    """Say it if a proof leads through a bottleneck."""
    if made.reduced is not None:
        low, high = made.reduced
        what = f"all paths pass through one value, from {low:.6g} to {high:.6g};"
        yield line("bottleneck", what)
        yield line("", f"{decimal_above(made.offset, 3)} of the bound is what it adds")


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
