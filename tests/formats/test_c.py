"""C files: what a compiler makes of them, to the last bit, and what they say to be proved."""

import ctypes
import math
import platform
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from graphs import ABSOLUTE, CONSTANT, TENT, networks, sin_network
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from sinrelu.certify import certify
from sinrelu.constructions import build
from sinrelu.errors import RequestError
from sinrelu.evaluate import evaluate_exact, evaluate_float64
from sinrelu.formats import c, save
from sinrelu.network import Network, Row
from sinrelu.precision import in_float32
from sinrelu.target import Target

CC = next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), None)
CXX = next(filter(None, map(shutil.which, ("c++", "g++", "clang++"))), None)
pytestmark = pytest.mark.skipif(CC is None, reason="no C compiler on this machine")

STRICT = ("-Wall", "-Wextra", "-Wpedantic", "-Werror")
EXACT = ("-std=c99", *STRICT, "-ffp-contract=off")
LENGTHS = (0, 1, 15, 16, 17, 1000)
HARD = [0.0, -0.0, 5e-324, -5e-324, 2.0**-1022, 1e308, -1e308, np.inf, -np.inf, np.nan]
POINTS = np.concatenate([HARD, np.linspace(-4, 4, 990), np.random.default_rng(0).normal(size=1000)])
NEGATED = Row((0,), (-1.0,), 0.0)


def same_bits(a, b) -> bool:
    """Whether two arrays agree to the last bit; the payload of a NaN is left open."""
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    nan = np.isnan(a) & np.isnan(b)
    return a.shape == b.shape and bool(np.all(nan | (a.view(np.int64) == b.view(np.int64))))


class Compiled:
    """The two functions of a file."""

    def __init__(self, library: ctypes.CDLL, name: str) -> None:
        self.scalar, self.many = library[name], library[f"{name}_array"]
        self.scalar.argtypes, self.scalar.restype = [ctypes.c_double], ctypes.c_double
        array = np.ctypeslib.ndpointer(np.float64, 1, flags="C")
        self.many.argtypes, self.many.restype = [array, array, ctypes.c_size_t], None

    def __call__(self, x) -> np.ndarray:
        """Evaluate an array; nothing may be written beside the result."""
        y = np.full(len(x) + 2, 7.5)
        self.many(np.ascontiguousarray(x), y[1:-1], len(x))
        assert y[0] == y[-1] == 7.5
        return y[1:-1]


def compiled(sources: Sequence[bytes], *flags: str) -> list[Compiled]:
    """Compile files, each under names of its own, into one library."""
    with TemporaryDirectory() as folder:
        files = []
        for number, source in enumerate(sources):
            file = Path(folder, f"{number}.c")
            file.write_bytes(re.sub(b"sinrelu_(sin|cos)", b"f%d" % number, source))
            files.append(str(file))
        library = str(Path(folder, "all.so"))
        subprocess.run([CC, "-shared", "-fPIC", *flags, *files, "-o", library], check=True)
        loaded = ctypes.CDLL(library)
    return [Compiled(loaded, f"f{number}") for number in range(len(sources))]


def disagreements(network: Network, program: Compiled) -> Iterator[str]:
    """Say where a program is not what ``evaluate_float64`` gives, to the last bit."""
    expected = evaluate_float64(network, POINTS)
    if not same_bits([program.scalar(x) for x in POINTS], expected):
        yield "one at a time"
    for length in LENGTHS:
        if not same_bits(program(POINTS[:length]), expected[:length]):
            yield f"{length} at a time"


def syntax(source: bytes, *flags: str, compiler: str | None = CC, language: str = "c"):
    """What a compiler says of a file that it does not translate."""
    command = [compiler, "-fsyntax-only", *flags, "-x", language, "-"]
    done = subprocess.run(command, input=source, capture_output=True, check=False)
    return done.returncode, done.stderr.decode()


@cache
def proved(network: Network, tol: str = "1e-3"):
    target = Target.claimed(network.meta) or Target()
    return certify(
        network, tol, domain=target.cover, function=target.function, evaluation="float64"
    )


@cache
def coarse() -> Network:
    return build(tol="1e-3", wiring="skip")


def head(source: bytes) -> str:
    """Return the comment at the head, unfolded."""
    text, ended, _ = source.decode("ascii").removeprefix("/*\n").partition("\n */\n")
    assert ended
    assert "*/" not in text
    return " ".join(line.removeprefix(" *").strip() for line in text.splitlines())


# --- bits ---------------------------------------------------------------------------------------


def test_networks_for_sin_and_cos_to_the_last_bit():
    cos = build(Target.parse("cos", ("-20", "20")), "skip", "1e-4")
    real = [sin_network("skip"), sin_network("layered"), cos, coarse()]
    programs = compiled([c.dumps(n) for n in real], *EXACT, "-O2", "-march=native")
    for network, program in zip(real, programs, strict=True):
        assert list(disagreements(network, program)) == []


HOSTILE = {
    "overflow to inf": Network([Row((0,), (1e308,), 1e308), Row((0, 1), (1.0, 1e308), 0.0)]),
    "inf - inf": Network([Row((0,), (1e308,), 0.0), NEGATED, Row((1, 2), (1e9, -1e308), 1.0)]),
    "subnormal weights": Network([Row((0,), (5e-324,), -5e-324), Row((0, 1), (-5e-324, 3.0), 0.0)]),
    "largest numbers": Network([Row((0,), (-1.7976931348623157e308,), 1.7976931348623157e308)]),
    "units without connections": Network(
        [Row((), (), 0.3), Row((), (), -0.0), Row((), (), -2.0), Row((0, 1, 2, 3), (1.0,) * 4, 0.0)]
    ),
    "one source twice, through carries": Network(
        [
            Row((0,), (1.0,), 0.1),
            Row((1,), (1.0,), 0.0),
            Row((2,), (1.0,), 0.0),
            Row((1, 2, 3), (1 / 3, -1 / 7, 1e17), 0.0),
            Row((2, 3, 4), (0.1, 0.2, -1e-17), 0.0),
        ]
    ),
    "the input alone": Network([Row((0,), (1.0,), 0.0)]),
    "minus the input": Network([NEGATED]),
    "-0": Network([Row((0,), (1.0,), 0.0), Row((1,), (-1.0,), 0.0)]),
    "x is not read": CONSTANT,
    "nothing at all": Network([Row((), (), 0.0)]),
    "bias -0": Network([Row((), (), -0.0), Row((0, 1), (-1.0, 1.0), -0.0)]),
    "a unit that nothing reads": Network([Row((0,), (0.1,), 0.0), Row((0,), (0.3,), 0.7)]),
    "a long row": Network([NEGATED] * 40 + [Row(tuple(range(41)), (0.1,) * 41, -0.0)]),
    "|x|": ABSOLUTE,
    "a tent": TENT,
}


def test_hostile_networks_to_the_last_bit():
    programs = compiled([c.dumps(network) for network in HOSTILE.values()], *EXACT, "-O2")
    for (name, network), program in zip(HOSTILE.items(), programs, strict=True):
        assert (name, list(disagreements(network, program))) == (name, [])


any_weights = st.floats(allow_nan=False, allow_infinity=False).filter(bool)
graphs = st.one_of(networks(), networks(weights=any_weights))


@settings(max_examples=3, deadline=None, phases=[Phase.generate])  # each example is compiled
@given(st.lists(graphs, min_size=12, max_size=12))
def test_any_graphs_to_the_last_bit(several):
    programs = compiled([c.dumps(network) for network in several], *EXACT, "-O1")
    for network, program in zip(several, programs, strict=True):
        assert list(disagreements(network, program)) == [], network.rows


def test_a_large_network_has_one_lane(monkeypatch):
    monkeypatch.setattr(c, "MOST_LANES", TENT.units * c.LANES - 1)
    source = c.dumps(TENT)
    assert b"LANES = 1 " in source
    assert list(disagreements(TENT, *compiled([source], *EXACT, "-O2"))) == []


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        (b"r < 0.0 ? 0.0 : r", b"r > 0.0 ? r : 0.0"),  # NaN becomes 0
        (b" + 0.0; /*", b"; /*"),  # -0 stays
        (b"0x1p-1 + x[i]", b"0x1.0000000000001p-1 + x[i]"),
        (b"x += LANES, y", b"x += 1, y"),
    ],
)
def test_what_differs_is_found(right, wrong):
    network = Network([Row((0,), (1.0,), -0.5), Row((1,), (-1.0,), 0.0)])
    source = c.dumps(network)
    assert source.count(right) == 1
    assert list(disagreements(network, *compiled([source.replace(right, wrong)], "-O1")))


def test_numbers_and_signs_are_written_so_that_people_can_read_them():
    network = Network(
        [
            Row((0,), (-3.0,), 0.0),
            Row((0, 1), (1.0, -0.1), 0.5),
            Row((1,), (1.0,), 0.0),
            Row((2, 3), (1.0, -1.0), -(2.0**-1074)),
        ]
    )
    text = c.dumps(network).decode()
    body = text[text.index("int lanes)\n{\n") :].split("\n}\n")[0].splitlines()[2:]
    assert [line.strip() for line in body] == [
        "UNIT(u1, -0x1.8p+1*x[i]);",
        "UNIT(u2, 0x1p-1 + x[i] - 0x1.999999999999ap-4*u1[i]);",
        "EACH y[i] = -0x0.0000000000001p-1022 + u2[i] - u1[i] + 0.0; /* -0 becomes 0 */",
    ]


# --- compilers ----------------------------------------------------------------------------------


def test_it_is_cplusplus_as_well():
    if CXX is None:
        pytest.skip("no C++ compiler on this machine")
    for network in (coarse(), CONSTANT, HOSTILE["-0"]):
        flags = ("-std=c++17", *STRICT)
        assert syntax(c.dumps(network), *flags, compiler=CXX, language="c++") == (0, "")


@pytest.mark.parametrize("flag", ["-ffast-math", "-Ofast", "-mfpmath=387"])
def test_what_no_proof_covers_does_not_compile(flag):
    if flag == "-mfpmath=387" and platform.machine() not in ("x86_64", "AMD64"):
        pytest.skip("x87 is of x86")
    status, said = syntax(c.dumps(TENT), flag)
    assert status != 0
    assert "nothing proved holds" in said


def test_contraction_stays_within_what_is_proved():
    network = build(tol="1e-6", wiring="skip")
    certificate = proved(network, "1e-6")
    flags = ("-O3", "-march=native", "-ffp-contract=fast")
    [program] = compiled([c.dumps(network, certificate)], *flags)
    x = np.random.default_rng(1).uniform(*certificate.domain, 2000)
    exact = [evaluate_exact(network, v) for v in x]
    for y in (program(x), [program.scalar(v) for v in x]):
        errors = [abs(Fraction(v) - z) for v, z in zip(y, exact, strict=True)]
        assert 0 < max(errors) <= certificate.evaluation_error


# --- what it says -------------------------------------------------------------------------------


def test_what_is_proved_is_what_the_certificate_says():
    network, certificate = coarse(), proved(coarse())
    said = head(c.dumps(network, certificate))
    for part in (network.sha256, "30 connections", "skip wiring", ", fold-reflect."):
        assert part in said
    low, high = certificate.domain
    bound = re.search(
        rf"Proved: \|N\(x\) - sin x\| <= (\S+) for every real x of \[{low}, {high}\]", said
    )
    assert certificate.sup_error <= Fraction(bound[1]) <= certificate.tol
    evaluation, both = re.findall(r"is within (\S+) of", said)
    assert certificate.evaluation_error <= Fraction(evaluation)
    assert Fraction(certificate.sup_error) + Fraction(certificate.evaluation_error) <= Fraction(
        both
    )
    assert float(evaluation) < 1.01 * certificate.evaluation_error
    assert "Nothing is proved" not in said


def test_without_a_certificate_nothing_is_proved(tmp_path):
    said = head(c.dumps(coarse()))
    assert "sin on [-pi, pi]. In this file nothing is proved" in said
    assert "sinrelu convert sin.npz sin.c" in said
    assert "Proved" not in said
    save(coarse(), tmp_path / "sin.c")
    assert (tmp_path / "sin.c").read_bytes() == c.dumps(coarse())


def test_an_inconclusive_certificate_proves_nothing():
    inconclusive = certify(coarse(), "1e-3", evaluation="float64", budget=1)
    assert inconclusive.verdict == "inconclusive"
    said = head(c.dumps(coarse(), inconclusive))
    assert "Nothing is proved of |N(x) - sin x|" in said
    assert "Of the rounding errors of this file nothing is proved" in said
    assert f"Why: {inconclusive.remark.partition(' ')[0]}" in said
    assert "--budget" in said
    assert "Proved" not in said
    [least] = re.findall(r"it is at least (\S+)\.", said)
    assert 0 < Fraction(least) <= inconclusive.lower_bound


def test_rounding_in_float32_says_nothing_of_double():
    single = in_float32(coarse())
    of_single = certify(single, "1e-2", evaluation="float32")
    assert math.isfinite(of_single.evaluation_error)
    said = head(c.dumps(single, of_single))
    assert "This file computes it in double" in said
    assert "Of the rounding errors of this file nothing is proved" in said


def test_the_function_is_the_certificates_or_the_claimed():
    cos = {"function": "cos", "domain": [-1.0, 1.0]}
    assert b"double sinrelu_cos(double x)" in c.dumps(TENT.with_meta(**cos))
    assert b"double sinrelu_sin(double x)" in c.dumps(TENT)
    as_sin = certify(TENT, "0.1", budget=1)
    assert b"double sinrelu_sin(double x)" in c.dumps(TENT.with_meta(**cos), as_sin)


def test_a_certificate_of_another_network_is_refused():
    with pytest.raises(RequestError, match="certificate: is for another network"):
        c.dumps(TENT, proved(coarse()))
    with pytest.raises(RequestError, match="function"):
        c.dumps(coarse(), replace(proved(coarse()), function="*/"))


def test_multiprecision_is_refused():
    with pytest.raises(RequestError, match=r"\.c: the weights have more bits than a float64"):
        c.dumps(Network([Row((0,), (1 + Fraction(1, 2**60),), 0.0)]))


EVIL = ["*/ #error evil /*", "*??/\n/ evil", "evil\\", "evil\n#error evil", "évil", "*" * 50 + "/"]


@pytest.mark.parametrize("text", [*EVIL, "e" * 61, 5, None, ["evil"]])
def test_a_name_that_is_not_plain_is_left_out(text):
    meta = {"tol": text, "function": text, "domain": text, "construction": text}
    assert c.dumps(TENT.with_meta(**meta)) == c.dumps(TENT)


@pytest.mark.parametrize("text", EVIL)
def test_a_remark_does_not_end_the_comment(text):
    unbounded = replace(proved(coarse()), sup_error=math.inf, remark=text)
    source = c.dumps(coarse(), unbounded)
    assert "Why: " in head(source)
    assert syntax(source, "-std=c99", "-trigraphs", *STRICT) == (0, "")
