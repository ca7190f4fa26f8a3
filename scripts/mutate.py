"""Put one-line faults into the trusted code, one at a time, and see that a test notices each.

The package and its tests are copied to a temporary directory; the fault is applied there and the
tests named beside it are run there, up to the first failure. Exit status: 0 if every fault is
caught, 1 if one survives, 2 if a line to be changed is no longer in the code exactly once, or if
the tests fail without any fault.

Every fault listed makes something wrong that is claimed: a bound too low, a witness that is none,
an error below what a docstring proves. Changes that the slack of the proof absorbs are left out.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
SECONDS = 600
"""After which a fault counts as caught: the tests hang."""


class Fault(NamedTuple):
    """One line to be changed, and the test files, without test_ and .py, that should notice.

    Where two files have the same name, the directory comes before it.
    """

    name: str
    file: str
    line: str
    wrong: str
    tests: str


DOUBLE_DOUBLE = "arithmetic/double_double.py"
SINE = "arithmetic/sine.py"
BOUND = "certify/bound.py"
NETWORK = "network.py"
COUNTEREXAMPLE = "certify/counterexample.py"
ENCLOSED = "evaluate/enclosed.py"
FIXED = "arithmetic/fixed_point.py"
FUNCTIONS = "arithmetic/__init__.py"
PROVER = "certify/prover.py"
RECHECK = "certify/agreement.py"
REPORT = "verification/report.py"
TARGET = "target.py"
ROUNDING = "arithmetic/rounding.py"
EVALUATION = "certify/rounding.py"
WINDOWS = "certify/windows.py"
SWEEP = "certify/sweep.py"

FAULTS = (
    Fault(
        "two_sum for a larger first summand only",
        DOUBLE_DOUBLE,
        "return total, (a - (total - b_part)) + (b - b_part)",
        "return total, b - b_part",
        "double_double",
    ),
    Fault("halves of too many bits", DOUBLE_DOUBLE, "2.0**27 + 1", "2.0**26 + 1", "double_double"),
    Fault("rounding of sums dropped", DOUBLE_DOUBLE, "low += rest", "pass", "double_double"),
    Fault(
        "low parts not multiplied",
        DOUBLE_DOUBLE,
        "low += value.lo * weight",
        "low += value.lo",
        "double_double",
    ),
    Fault(
        "a partial product dropped",
        DOUBLE_DOUBLE,
        "error += lower * weight_upper",
        "pass",
        "double_double",
    ),
    Fault(
        "all weights taken for powers of two",
        DOUBLE_DOUBLE,
        "[0]) == 0.5",
        "[0]) >= 0.5",
        "double_double",
    ),
    Fault(
        "unit error without a factor",
        DOUBLE_DOUBLE,
        "+ 2) * U * U",
        "+ 2) * U * U / 64",
        "double_double",
    ),
    Fault("no allowance for underflow", DOUBLE_DOUBLE, "2.0**-1000", "0.0", "double_double bound"),
    Fault("sign of sin", SINE, "half_turns % 2 == 0", "half_turns >= 0", "sine"),
    Fault("sign of cos", SINE, "half_turns % 2 == 0", "turns % 2 == 0", "sine"),
    Fault("phase dropped", SINE, "math.pi + phase", "math.pi", "sine"),
    Fault("phase of the wrong sign", SINE, "half_turns - phase", "half_turns + phase", "sine"),
    Fault("phase of cos", FUNCTIONS, '"cos": 1', '"cos": 3', "sine"),
    Fault("second part of pi", SINE, "0x1.110b46p-25", "0x1.110b48p-25", "sine"),
    Fault("third part of pi", SINE, "0x1.1a62633145c07p-53", "0x1.1a62633145c07p-54", "sine"),
    Fault("low part of the argument dropped", SINE, "(x.lo - turns", "(-turns", "sine"),
    Fault("two Taylor terms fewer", SINE, "range(1, 11)", "range(1, 9)", "sine"),
    Fault("radius of the sine", SINE, "RADIUS = 6 * U", "RADIUS = 3 * U", "sine"),
    Fault("rounding of the bias", BOUND, "kappa * abs(row.bias) + UNDERFLOW", "0.0", "bound"),
    Fault(
        "rounding of the input",
        BOUND,
        "kappa * magnitude + UNDERFLOW",
        "0.0 * magnitude",
        "bound",
    ),
    Fault(
        "underflow of the input's rounding",
        BOUND,
        "kappa * magnitude + UNDERFLOW",
        "kappa * magnitude",
        "bound",
    ),
    Fault("radii cancel", BOUND, "radius += abs(weight) *", "radius += weight *", "bound"),
    Fault(
        "the last radius only", BOUND, "radius += abs(weight) *", "radius = abs(weight) *", "bound"
    ),
    Fault("kink not absorbed", BOUND, "(straight + kink +", "(straight +", "bound"),
    Fault(
        "kink with the sign of bottom",
        BOUND,
        "np.minimum(top, -bottom)",
        "np.minimum(top, bottom)",
        "bound",
    ),
    Fault(
        "kink halved",
        BOUND,
        "kink = np.maximum(np.minimum(top, -bottom), 0)",
        "kink = np.maximum(np.minimum(top, -bottom), 0) / 2",
        "bound",
    ),
    Fault(
        "radius of a dead unit dropped",
        BOUND,
        "straight = np.maximum(radius + np.minimum(top / 2, 0), 0)",
        "straight = np.where(top > 0, radius, 0)",
        "bound",
    ),
    Fault(
        "radius of a dead unit too small",
        BOUND,
        "np.minimum(top / 2, 0), 0)",
        "np.minimum(2 * top, 0), 0)",
        "bound",
    ),
    Fault("low part not rectified", BOUND, "form.lo * (form.hi > 0)", "form.lo", "bound"),
    Fault(
        "values beyond the range",
        BOUND,
        "noise = np.where(top <= LARGEST, noise, np.inf)",
        "pass",
        "bound",
    ),
    Fault(
        "weights beyond the range",
        BOUND,
        "radius if in_range else np.full_like(radius, np.inf)",
        "radius",
        "bound",
    ),
    Fault("width halved", BOUND, "width * width / 8", "width * width / 16", "bound"),
    Fault("cosine judged as a sine", BOUND, "sine(nodes, quarters)", "sine(nodes)", "bound"),
    Fault("sine between the ends forgotten", BOUND, "slack = width / 2 +", "slack =", "bound"),
    Fault("bend above the chord clipped", BOUND, "+ slack, 0, 1)", "+ slack, 0, 0.5)", "bound"),
    Fault(
        "bend below the chord with a wrong sign", BOUND, "slack - np.min", "slack + np.min", "bound"
    ),
    Fault(
        "smaller of two extrema",
        BOUND,
        "extreme = np.maximum(",
        "extreme = np.minimum(",
        "bound",
    ),
    Fault("vertex missed", BOUND, "inside = tilt < 4 * bend", "inside = tilt < bend", "bound"),
    Fault(
        "radius of the output dropped",
        BOUND,
        "UP + (radius + RADIUS)",
        "UP + (RADIUS)",
        "bound",
    ),
    Fault("radius of the sine dropped", BOUND, "UP + (radius + RADIUS)", "UP + (radius)", "bound"),
    Fault("nodes need not reach the ends", BOUND, "if not covering or not", "if not", "bound"),
    Fault("nodes need not rise", BOUND, "or not np.all(rising)", "", "bound"),
    Fault("nodes need not be normalised", BOUND, "or not normalised", "", "bound"),
    Fault("carry with a bias", NETWORK, "self.bias == 0.0 and ", "", "bound"),
    Fault(
        "carry with a weight", NETWORK, "self.weights == (1.0,)", "len(self.weights) == 1", "bound"
    ),
    Fault("carry of the input", NETWORK, " and self.sources[0] > 0", "", "bound"),
    Fault(
        "two terms of one source merged",
        NETWORK,
        "tuple((weight, holder[source]) for source, weight in row.edges)",
        "tuple((w, s) for s, w in {holder[s]: w for s, w in row.edges}.items())",
        "network",
    ),
    Fault(
        "rounding of a shorter row", BOUND, "max(len(row.sources)", "min(len(row.sources)", "bound"
    ),
    Fault("largest weight overlooked", BOUND, "max(abs(number)", "min(abs(number)", "bound"),
    Fault(
        "sine of the wrong sign", FIXED, "else -(sine >> GUARD)", "else sine >> GUARD", "intervals"
    ),
    Fault(
        "sine after a quarter turn", FIXED, "(cosine, -sine), (-", "(cosine, sine), (-", "intervals"
    ),
    Fault("pi of too few places", FIXED, "mpf_pi(fine + 2,", "mpf_pi(bits,", "intervals"),
    Fault("signs of the series", FIXED, "-term if power & 2", "-term if power & 1", "intervals"),
    Fault("too few guard bits", FIXED, "GUARD = 32", "GUARD = 0", "intervals"),
    Fault("radius of a sine in fixed point", FIXED, "RADIUS = 2", "RADIUS = 0", "intervals"),
    Fault("negative units kept", ENCLOSED, "max(total, 0)", "total", "enclosed counterexample"),
    Fault(
        "lower end above", ENCLOSED, "self.centre - self", "self.centre + self", "counterexample"
    ),
    Fault(
        "upper end below", ENCLOSED, "self.centre + self", "self.centre - self", "counterexample"
    ),
    Fault(
        "rounding of weights not counted",
        ENCLOSED,
        "+ sum(largest[s] for s in row.sources) + 3",
        "+ 3",
        "enclosed",
    ),
    Fault("errors not amplified", ENCLOSED, "sum(a * errors[s]", "sum(errors[s]", "enclosed"),
    Fault(
        "enclosures wider than asked for",
        ENCLOSED,
        "places + radius.bit_length()",
        "places",
        "enclosed counterexample",
    ),
    Fault("enclosed error of a sine", ENCLOSED, "bits)[cosine]", "bits)[0]", "counterexample"),
    Fault(
        "error at a witness of the other function",
        COUNTEREXAMPLE,
        "limit / 2**places, function)",
        "limit / 2**places)",
        "counterexample",
    ),
    Fault(
        "error at a witness too large",
        COUNTEREXAMPLE,
        "error_bounds(network, x, limit, function)[0]",
        "error_bounds(network, x, limit, function)[1]",
        "counterexample",
    ),
    Fault(
        "upper ends of errors refute",
        COUNTEREXAMPLE,
        "worst, error, _ = max(seen",
        "worst, _, error = max(seen",
        "counterexample",
    ),
    Fault("nothing is refined", COUNTEREXAMPLE, "(80, 400)", "(80, 80)", "counterexample"),
    Fault("nothing is decided", COUNTEREXAMPLE, "upper <= limit", "True", "counterexample"),
    Fault("domain without pi", PROVER, "math.nextafter(math.pi, 4)", "math.pi", "prover"),
    Fault(
        "bound for another function",
        PROVER,
        "ends, nodes, task.function, task.rounding)",
        'ends, nodes, "sin", task.rounding)',
        "prover",
    ),
    Fault(
        "witness for another function",
        PROVER,
        "cell, claim.tol, claim.function, claim.inner)",
        'cell, claim.tol, "sin", claim.inner)',
        "prover",
    ),
    Fault(
        "recheck of another function",
        RECHECK,
        '("domain", "witness_domain", "function")',
        '("domain", "witness_domain")',
        "prover",
    ),
    Fault(
        "certificate without its function",
        PROVER,
        "function=self.function,",
        'function="sin",',
        "prover",
    ),
    Fault("gaps count as covered", PROVER, "other.span[0] == self.span[1]", "True", "prover"),
    Fault("a part counts as the whole", PROVER, "total.span == claim.domain", "True", "prover"),
    Fault(
        "cells looked at beyond the witness's domain",
        PROVER,
        "(max(low, cell[0]), min(cell[1], high))",
        "(cell[0], cell[1])",
        "prover",
    ),
    Fault(
        "a float64 outside the domain for a witness",
        COUNTEREXAMPLE,
        "if low <= x <= high]",
        "]",
        "prover counterexample",
    ),
    Fault(
        "a point outside the domain refutes",
        PROVER,
        "if self.inner[0] <= x <= self.inner[1]]",
        "]",
        "prover",
    ),
    Fault(
        "a report believes a point outside the domain",
        REPORT,
        " or not self.target.contains(found[0])",
        "",
        "verify",
    ),
    Fault(
        "an open comparison of ends",
        TARGET,
        "if lower(difference) > 0 or upper(difference) < 0:",
        "if True:",
        "target",
    ),
    Fault(
        "subnormals compared as numbers",
        BOUND,
        "value.view(np.int64) == bits",
        "value == bits * 2.0**-1074",
        "bound",
    ),
    Fault(
        "best cell instead of worst",
        PROVER,
        "other.bound > self.bound",
        "other.bound < self.bound",
        "prover",
    ),
    Fault(
        "lower bound rounded to nearest",
        ROUNDING,
        "<= number else math.nextafter(nearest, -math.inf)",
        "<= number else nearest",
        "arithmetic/rounding",
    ),
    *(
        Fault(f"evaluation: {name}", file, line, wrong, "certify/rounding")
        for name, file, line, wrong in (
            ("radii halved", EVALUATION, "(reach + local) * UP", "(reach + local) / 2"),
            ("undecided units ignored", EVALUATION, "~(above | below)", "above & below"),
            ("middles not looked at", EVALUATION, "above[side] &= on", "pass"),
            (
                "nodes touched not swept",
                EVALUATION,
                "same = undecided.copy()",
                "same = undecided & 0",
            ),
            ("pairs not swept", EVALUATION, "same | (undecided & self.seen)", "same"),
            (
                "last rounding dropped",
                EVALUATION,
                "return (errors + last) * UP",
                "return errors * UP",
            ),
            ("sizes of negative outputs", EVALUATION, "(size if output else high)", "high"),
            ("an addition forgotten", EVALUATION, "max(leaves - 2, 0)", "max(leaves - 3, 0)"),
            ("products taken for exact", EVALUATION, "[0] != 0.5", "[0] > 0.75"),
            ("underflow of products", EVALUATION, "errors += math.ldexp(", "math.ldexp("),
            ("spacing of inputs", EVALUATION, "spacing(max(left, -right))", "spacing(right)"),
            ("spacing of values", EVALUATION, "spacing(bottom))", "spacing(top))"),
            ("unit roundoff halved", EVALUATION, "2.0**-self.digits", "2.0 ** (-self.digits - 1)"),
            (
                "overflow where nothing is read",
                EVALUATION,
                "largest[number] <= format.largest for",
                "True for",
            ),
            (
                "numbers of another format",
                EVALUATION,
                "last_bit(size) >= self.spacing(size)",
                "True",
            ),
            ("sums out of range", EVALUATION, "if not inner <= format.largest:", "if False:"),
            (
                "error of tables dropped",
                WINDOWS,
                "np.abs(self.value) + self.error",
                "np.abs(self.value)",
            ),
            ("underflow in tables dropped", WINDOWS, " + 2.0**-1070", ""),
            ("least pattern", WINDOWS, "np.maximum.reduceat", "np.minimum.reduceat"),
            ("generators dropped", SWEEP, "] = size[self.undecided]", "] = 0"),
            (
                "all generators in one row",
                SWEEP,
                "used[self.undecided] += 1",
                "used[self.undecided] = 1",
            ),
            (
                "the last block alone",
                BOUND,
                "max(evaluation, evaluated.bound())",
                "evaluated.bound()",
            ),
        )
    ),
)


def main() -> int:
    """Run the faults asked for and report each."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("names", nargs="*", metavar="WORD", help="only faults that contain a word")
    parser.add_argument("--list", action="store_true", help="list the faults and stop")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="so many at a time")
    options = parser.parse_args()
    faults = [f for f in FAULTS if not options.names or any(n in f.name for n in options.names)]
    if options.list:
        for fault in faults:
            print(f"{fault.file}: {fault.name}: {fault.line!r} -> {fault.wrong!r}")
        return 0
    stale = [
        fault
        for fault in faults
        if (ROOT / "sinrelu" / fault.file).read_text().count(fault.line) != 1
    ]
    for fault in stale:
        print(f"stale     {fault.file}: {fault.name}: {fault.line!r} is not there exactly once")
    if stale:
        return 2
    tests = " ".join(sorted({name for fault in faults for name in fault.tests.split()}))
    failure = first_failure(None, tests)
    if failure:
        print(f"the tests fail without any fault: {failure}")
        return 2
    with ThreadPoolExecutor(options.jobs) as pool:
        failures = pool.map(lambda fault: first_failure(fault, fault.tests), faults)
        survivors = sum(report(*pair) for pair in zip(faults, failures, strict=True))
    print(f"{len(faults) - survivors} of {len(faults)} faults caught")
    return 1 if survivors else 0


def report(fault: Fault, failure: str) -> bool:
    """Print what became of a fault; return whether it survived."""
    print(
        f"{'caught' if failure else 'SURVIVED'}  {fault.file}: {fault.name}  {failure}", flush=True
    )
    return not failure


def first_failure(fault: Fault | None, tests: str) -> str:
    """Run tests on a copy of the package with a fault; return the first to fail, or nothing."""
    with tempfile.TemporaryDirectory(prefix="sinrelu-mutate-") as directory:
        copy = Path(directory)
        for name in ("sinrelu", "tests"):
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "pyproject.toml", copy)
        if fault:
            file = copy / "sinrelu" / fault.file
            file.write_text(file.read_text().replace(fault.line, fault.wrong))
        places = (name.rpartition("/") for name in tests.split())
        found = (next((copy / "tests" / at).rglob(f"test_{name}.py")) for at, _, name in places)
        return run(copy, [str(path) for path in found])


def run(directory: Path, files: list[str]) -> str:
    """Run test files in a directory up to the first failure; return its name, or nothing."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "--no-header", "--hypothesis-seed=1"]
    command += ["-k", "not record_network", *files]
    environment = os.environ | {"PYTHONPATH": str(directory), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        result = subprocess.run(
            command,
            cwd=directory,
            env=environment,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return "timeout"
    if result.returncode == 0:
        return ""
    lines = result.stdout.splitlines()
    failed = [line.split()[1] for line in lines if line.startswith(("FAILED", "ERROR"))]
    return failed[0] if failed else "".join(lines[-1:]) or result.stderr[-200:]


if __name__ == "__main__":
    sys.exit(main())
