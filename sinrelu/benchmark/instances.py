"""Networks × intervals × margins, with the question whether N exceeds a threshold there.

The extremum of N on the interval is known exactly, and the threshold is so far from it. On the far
side no x is a counterexample (``unsat``). On the near side one is named, and shown to be one in
exact arithmetic and in every evaluation in float64.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from random import Random

import numpy as np

from sinrelu.arithmetic.numbers import positive, shown
from sinrelu.benchmark.variants import difference, half_gap, resummed, spiked
from sinrelu.certify.bound import Interval
from sinrelu.certify.extremum import Extremum, greatest, least
from sinrelu.certify.floats import BINARY32
from sinrelu.certify.prover import FORMATS
from sinrelu.constructions import FLOAT64_TOL, build
from sinrelu.errors import RequestError, check_known
from sinrelu.evaluate import evaluate_exact
from sinrelu.network import Network
from sinrelu.precision import FLOAT32, FLOAT64, in_float32
from sinrelu.progress import Message, ignore
from sinrelu.target import LARGEST, End, tolerance

SINE, SPIKED, DIFFERENCE = KINDS = ("sine", "spiked", "difference")
MAXIMUM, MINIMUM = "max", "min"
SAT, UNSAT = "sat", "unsat"
RANDOM = "random"
GRID = 2**20
"""Ends of random intervals are multiples of 1/GRID, which are short, and float32 numbers."""
WIDTHS = (3.0, 5.0)
"""They are 10⁻³ to 10⁻⁵ wide."""
SPIKES = (0, 10, 20, 30)
"""Half widths of the spikes at one tolerance after the other: so many doublings of half a gap."""


@dataclass(frozen=True)
class Request:
    """What is asked for.

    ``intervals`` are texts a:b, of numbers or multiples of π, or ``random``, drawn anew for each
    tolerance; spiked networks and differences are asked about on the last one alone. ``weights``
    are ``float64``, or rounded to ``float32``. What is asked for twice is written once.

    Raises RequestError if a tolerance, a margin, an interval or a name is none.
    """

    tolerances: tuple[str, ...] = ("1e-3", "1e-6", "1e-9", "1e-12")
    construction: str = "fold-reflect"
    wiring: str | None = None
    weights: str = FLOAT64
    margins: tuple[str, ...] = ("1e-3", "1e-8")
    intervals: tuple[str, ...] = ("-pi:pi", RANDOM)
    kinds: tuple[str, ...] = KINDS
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("tolerances", "margins", "intervals", "kinds"):
            if not getattr(self, name):
                raise RequestError(f"{name}: expected at least one")
        for tol in self.tolerances:
            if tolerance(tol) < FLOAT64_TOL:
                raise RequestError(f"tol: {tol} is below {FLOAT64_TOL:g}, float64 weights' least")
        for margin in self.margins:
            if positive(margin, "margins") > LARGEST:
                raise RequestError(f"margins: {shown(margin)} is above {LARGEST}")
        for text in self.intervals:
            if text != RANDOM:
                interval(text)
        check_known("weights", self.weights, FORMATS)
        for kind in self.kinds:
            check_known("kinds", kind, KINDS)


@dataclass(frozen=True)
class Subject:
    """A network that is asked about on some intervals."""

    kind: str
    tol: str
    weights: str
    network: Network
    intervals: tuple[Interval, ...]

    @cached_property
    def name(self) -> str:
        """What its file is called."""
        meta = self.network.meta
        parts = (self.kind, meta["construction"], self.network.wiring, self.tol)
        return "-".join([*map(str, parts), *([FLOAT32] if self.weights == FLOAT32 else [])])


@dataclass(frozen=True)
class Known:
    """The greatest or the least value of a network on an interval (``sense`` max or min).

    ``rooms`` has, for the formats that the weights have, how far from N(x) it may be evaluated at
    floats near the place of the extremum; all over the interval that may be much more.
    """

    subject: Subject
    ends: Interval
    sense: str
    extremum: Extremum
    rooms: Mapping[str, float]

    @classmethod
    def of(cls, subject: Subject, ends: Interval, sense: str) -> Known | None:
        """Find the extremum; None if it is nearly reached in too many places."""
        find = greatest if sense == MAXIMUM else least
        found = find(subject.network, ends)
        if found is None:
            return None
        near = _floats_near(found.at, ends)
        around, rooms = (min(near), max(near)), {}
        for name in dict.fromkeys((FLOAT64, subject.weights)):
            if there := find(subject.network, around, FORMATS[name]):
                rooms[name] = there.evaluation
        return cls(subject, ends, sense, found, rooms)


@dataclass(frozen=True)
class Instance:
    """The question whether there is an x in an interval with N(x) beyond a threshold.

    Beyond is ≥ where the ``sense`` is ``max``, and ≤ where it is ``min``. ``counterexample`` is a
    float64 x for which it is so, exactly and in every evaluation in float64; None if there is none.
    """

    known: Known
    margin: str
    expected: str
    threshold: float
    counterexample: float | None = None

    @property
    def subject(self) -> Subject:
        """The network."""
        return self.known.subject

    @property
    def distance(self) -> Fraction:
        """How far the threshold is from the extremum; never 0."""
        return abs(Fraction(self.threshold) - self.known.extremum.value)

    @property
    def computed(self) -> tuple[str, ...]:
        """Formats in which every evaluation at the counterexample is beyond the threshold."""
        return () if self.counterexample is None else _shown_in(self, self.counterexample)


def interval(text: str) -> Interval:
    """Read a:b, the ends rounded to float64; a RequestError if they do not rise, or go far."""
    low, colon, high = text.partition(":")
    if not colon:
        raise RequestError(f"intervals: {text!r} is neither {RANDOM} nor of the form a:b")
    try:
        ends = End.parse(low).nearest(), End.parse(high).nearest()
    except RequestError as error:
        raise RequestError(f"intervals: {str(error).removeprefix('domain: ')}") from error
    if not ends[0] < ends[1]:
        raise RequestError(f"intervals: {text!r} does not rise")
    if max(-ends[0], ends[1]) > LARGEST:
        raise RequestError(f"intervals: {text!r} reaches beyond ±{LARGEST}")
    return ends


def instances(request: Request, message: Message = ignore) -> Iterator[Instance]:
    """Yield every question whose answer can be proved, network by network.

    The message is told what is done, and what is left out and why. Raises RequestError if the
    construction cannot be built as asked.
    """
    for subject in _subjects(request, message):
        draw = Random(f"{request.seed} {subject.name}")
        for ends in subject.intervals:
            senses = (MAXIMUM,) if subject.kind == SPIKED else (MAXIMUM, MINIMUM)
            yield from _asked(subject, ends, draw.choice(senses), request.margins, message)


def _subjects(request: Request, message: Message) -> Iterator[Subject]:
    tolerances = {repr(float(tolerance(text))): text for text in request.tolerances}
    for number, (tol, text) in enumerate(tolerances.items()):
        message(f"{tol}: building")
        base = build(request.construction, request.wiring, text)
        if request.weights == FLOAT32:
            base = in_float32(base)
        draw = Random(f"{request.seed} {tol}")
        ends = tuple(_drawn(draw) if it == RANDOM else interval(it) for it in request.intervals)
        spike = _spiked(base, ends[-1], draw.random(), SPIKES[number % len(SPIKES)], request)
        made = {SINE: (base, tuple(dict.fromkeys(ends)))}
        made[DIFFERENCE] = difference(base, resummed(base)), ends[-1:]
        if spike:
            made[SPIKED] = spike, ends[-1:]
        elif SPIKED in request.kinds:
            message(f"{tol}: {SPIKED} left out, as no spike so narrow fits into {ends[-1]}")
        for kind in dict.fromkeys(request.kinds):
            if kind in made:
                yield Subject(kind, tol, request.weights, *made[kind])


def _drawn(draw: Random) -> Interval:
    """Draw a short interval of [−3, 3]."""
    low = draw.uniform(-3, 3)
    width = max(1, round(GRID * 10 ** -draw.uniform(*WIDTHS)))
    return round(low * GRID) / GRID, (round(low * GRID) + width) / GRID


def _spiked(
    network: Network, ends: Interval, part: float, doublings: int, request: Request
) -> Network | None:
    """Return the network with a spike well inside an interval, all in the format of the weights.

    It is so many doublings of half a gap wide. None if it is outside, or its slope out of range.
    """
    at, format = ends[0] + (ends[1] - ends[0]) * (0.1 + 0.8 * part), FORMATS[request.weights]
    if format == BINARY32:
        at = float(np.float32(at))
    half = half_gap(at, format) * 2**doublings
    fits = ends[0] <= at <= ends[1] and half * format.largest >= 1
    return spiked(network, at, half) if fits else None


def _asked(
    subject: Subject, ends: Interval, sense: str, margins: tuple[str, ...], message: Message
) -> Iterator[Instance]:
    """Yield the questions about a network on an interval, with thresholds on either side."""
    message(f"{subject.name}: {sense} over [{ends[0]}, {ends[1]}]")
    known = Known.of(subject, ends, sense)
    if known is None:
        message(f"{subject.name}: left out, as its extremum is nearly reached all over")
        return
    for margin in {positive(text, "margins"): text for text in margins}.values():
        for expected in (SAT, UNSAT):
            found = _instance(known, margin, expected)
            if found is None:
                message(f"{subject.name}: left out, as {margin} {expected} could not be shown")
            else:
                yield found


def _instance(known: Known, margin: str, expected: str) -> Instance | None:
    """Return a question, or None where its answer is not what is expected, or no x shows it."""
    outward, exact = (known.sense == MAXIMUM) == (expected == UNSAT), positive(margin, "margins")
    threshold = float(known.extremum.value + exact * (1 if outward else -1))
    asked = Instance(known, margin, expected, threshold)
    if not exact / 2 <= asked.distance <= exact * 2:  # a float64 is not so fine
        return None
    if expected == UNSAT:
        return None if _beyond(asked, known.extremum.value) else asked
    near = _floats_near(known.extremum.at, known.ends)
    best = max(near, key=lambda x: len(_shown_in(asked, x)))
    return replace(asked, counterexample=best) if _shown_in(asked, best) else None


def _beyond(asked: Instance, value: Fraction, by: Fraction = Fraction(0)) -> bool:
    """Whether a value is beyond the threshold, by so much."""
    over = value - Fraction(asked.threshold)
    return (over if asked.known.sense == MAXIMUM else -over) >= by


def _shown_in(asked: Instance, x: float) -> tuple[str, ...]:
    """Return the formats that hold x and in which every evaluation there is beyond the threshold.

    None without float64, and so none unless x is a counterexample exactly.
    """
    value = evaluate_exact(asked.subject.network, x)
    rooms = {name: room for name, room in asked.known.rooms.items() if math.isfinite(room)}
    beyond = [name for name, room in rooms.items() if _beyond(asked, value, Fraction(room))]
    shown = [name for name in beyond if name == FLOAT64 or float(np.float32(x)) == x]
    return tuple(shown) if FLOAT64 in shown else ()


def _floats_near(at: Fraction, ends: Interval) -> list[float]:
    """Return the float64 and the float32 numbers on both sides of a place, the closest first."""
    nearest, single = float(at), np.float32(float(at))
    around = [nearest, *(math.nextafter(nearest, side) for side in (-math.inf, math.inf))]
    beside = (np.nextafter(single, np.float32(side)) for side in (-math.inf, math.inf))
    around += map(float, (single, *beside))
    inside = {x for x in around if ends[0] <= x <= ends[1]}
    return sorted(inside, key=lambda x: abs(Fraction(x) - at))
