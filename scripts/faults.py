"""One-line faults of the trusted code, for ``scripts/mutate``.

Every one makes something wrong that is claimed: a bound too low, a witness that is none, an error
below what a docstring proves. Changes that the slack of the proof absorbs are left out.
"""

from __future__ import annotations

from typing import NamedTuple


class Fault(NamedTuple):
    """A line to be changed, and the test files, without test_ and .py, that should notice.

    Where two files have the same name, the directory comes before it.
    """

    file: str
    tests: str
    name: str
    line: str
    wrong: str


def _of(file: str, tests: str, *changes: tuple[str, str, str]) -> list[Fault]:
    return [Fault(file, tests, *change) for change in changes]


FAULTS = [
    *_of(
        "arithmetic/double_double.py",
        "double_double",
        (
            "two_sum for a larger first summand only",
            "return total, (a - (total - b_part)) + (b - b_part)",
            "return total, b - b_part",
        ),
        ("halves of too many bits", "2.0**27 + 1", "2.0**26 + 1"),
        ("rounding of sums dropped", "(low[j] + rest) + error", "low[j] + error"),
        (
            "rounding of sums dropped, powers of two",
            "(low[j] + rest) + value_low",
            "low[j] + value_low",
        ),
        ("low parts not multiplied", "error) + value_low[j] * weight", "error) + value_low[j]"),
        (
            "low parts not multiplied, powers of two",
            "+ rest) + value_low[j] * weight",
            "+ rest) + value_low[j]",
        ),
        ("a partial product dropped", "+ lower * weight_upper)", ")"),
        ("all weights taken for powers of two", "[0]) == 0.5", "[0]) >= 0.5"),
        ("unit error without a factor", "+ 2) * U * U", "+ 2) * U * U / 64"),
    ),
    *_of(
        "arithmetic/double_double.py",
        "double_double bound",
        ("no allowance for underflow", "2.0**-1000", "0.0"),
    ),
    *_of(
        "arithmetic/sine.py",
        "sine",
        (
            "sign of sin",
            "even = half_turns == 2 * np.floor(half_turns / 2)",
            "even = half_turns >= 0",
        ),
        (
            "sign of cos",
            "half_turns == 2 * np.floor(half_turns / 2)",
            "turns == 2 * np.floor(turns / 2)",
        ),
        ("phase dropped", "math.pi + phase", "math.pi"),
        ("phase of the wrong sign", "half_turns - phase", "half_turns + phase"),
        ("second part of pi", "0x1.110b46p-25", "0x1.110b48p-25"),
        ("third part of pi", "0x1.1a62633145c07p-53", "0x1.1a62633145c07p-54"),
        ("low part of the argument dropped", "(low - turns", "(-turns"),
        ("two Taylor terms fewer", "range(1, 11)", "range(1, 9)"),
        ("radius of the sine", "RADIUS = 6 * U", "RADIUS = 3 * U"),
    ),
    *_of(
        "arithmetic/__init__.py",
        "sine",
        ("phase of cos", '"cos": 1', '"cos": 3'),
    ),
    *_of(
        "certify/bound.py",
        "bound",
        ("rounding of the bias", "kappa * abs(bias) + UNDERFLOW", "0.0"),
        (
            "rounding of the input",
            "kappa * larger(np.abs(right[j]), np.abs(nodes[j])) + UNDERFLOW",
            "0.0 * right[j]",
        ),
        ("underflow of the input's rounding", "np.abs(nodes[j])) + UNDERFLOW", "np.abs(nodes[j]))"),
        ("radii cancel", "abs(weight), memory.noise[source]", "weight, memory.noise[source]"),
        ("the last radius only", "radius[j] += size *", "radius[j] = size *"),
        ("kink not absorbed", "(straight + kink +", "(straight +"),
        ("kink with the sign of bottom", "smaller(top, -bottom)", "smaller(top, bottom)"),
        (
            "kink halved",
            "kink = larger(smaller(top, -bottom), 0.0)",
            "kink = larger(smaller(top, -bottom), 0.0) / 2",
        ),
        (
            "radius of a dead unit dropped",
            "straight = larger(radius[j] + smaller(top / 2, 0.0), 0.0)",
            "straight = chosen(top > 0, radius[j], 0.0)",
        ),
        (
            "radius of a dead unit too small",
            "smaller(top / 2, 0.0), 0.0)",
            "smaller(2 * top, 0.0), 0.0)",
        ),
        ("low part not rectified", "low[j] *= high[j] > 0", "pass"),
        ("values beyond the range", "chosen(top <= LARGEST, found, np.inf)", "found"),
        ("weights beyond the range", "if not self.in_range:", "if False:"),
        ("width halved", "width * width / 8", "width * width / 16"),
        (
            "cosine judged as a sine",
            "sine(nodes[j], low[j], phase)",
            "sine(nodes[j], low[j], 0.0)",
        ),
        ("sine between the ends forgotten", "slack = width / 2 +", "slack ="),
        ("bend above the chord clipped", "+ slack, 0.0), 1.0)", "+ slack, 0.0), 0.5)"),
        ("bend below the chord with a wrong sign", "slack - smaller(", "slack + smaller("),
        ("smaller of two extrema", "extreme = larger(", "extreme = smaller("),
        ("vertex missed", "inside = tilt < 4 * bend", "inside = tilt < bend"),
        ("radius of the output dropped", "UP + (memory.radius[j] + RADIUS)", "UP + (RADIUS)"),
        (
            "radius of the sine dropped",
            "UP + (memory.radius[j] + RADIUS)",
            "UP + (memory.radius[j])",
        ),
        ("nodes need not reach the ends", "if at != (ends[1], 0.0):", "if False:"),
        ("nodes need not begin where they should", "(hi[0], lo[0]) != begin or ", ""),
        ("blocks need not meet to the last bit", "(hi[0], lo[0]) != begin", "hi[0] != begin[0]"),
        (
            "a cell between two blocks left out",
            "high[cells:], low[cells:]",
            "high[cells + 1 :], low[cells + 1 :]",
        ),
        (
            "what is left of a run forgotten",
            "np.append(high, run.hi[new]), np.append(low, run.lo[new])",
            "run.hi[new], run.lo[new]",
        ),
        ("nodes need not rise", "or not np.all(rising)", ""),
        ("nodes need not be normalised", "or not normalised", ""),
        ("rounding of a shorter row", "max(len(row.sources)", "min(len(row.sources)"),
        ("largest weight overlooked", "max(abs(number)", "min(abs(number)"),
    ),
    *_of(
        "network.py",
        "bound",
        ("carry with a bias", "self.bias == 0.0 and ", ""),
        ("carry with a weight", "self.weights == (1.0,)", "len(self.weights) == 1"),
        ("carry of the input", " and self.sources[0] > 0", ""),
    ),
    *_of(
        "network.py",
        "network",
        (
            "two terms of one source merged",
            "tuple((weight, holder[source]) for source, weight in row.edges)",
            "tuple((w, s) for s, w in {holder[s]: w for s, w in row.edges}.items())",
        ),
    ),
    *_of(
        "arithmetic/fixed_point.py",
        "intervals",
        ("sine of the wrong sign", "else -(sine >> GUARD)", "else sine >> GUARD"),
        ("sine after a quarter turn", "(cosine, -sine), (-", "(cosine, sine), (-"),
        ("pi of too few places", "mpf_pi(fine + 2,", "mpf_pi(bits,"),
        ("signs of the series", "-term if power & 2", "-term if power & 1"),
        ("too few places of a square", "bits - term.bit_length()", "bits - term.bit_length() // 2"),
        ("terms of the series", "(power * (power - 1))", "(power * power)"),
        ("cosine from sine", "(1 << 2 * bits) - sine * sine", "(1 << 2 * bits) - sine"),
        ("too few guard bits", "GUARD = 32", "GUARD = 0"),
        ("radius of a sine in fixed point", "RADIUS = 2", "RADIUS = 0"),
    ),
    *_of(
        "evaluate/enclosed.py",
        "enclosed counterexample",
        ("negative units kept", "max(total, 0)", "total"),
        ("enclosures wider than asked for", "places + radius.bit_length()", "places"),
    ),
    *_of(
        "evaluate/enclosed.py",
        "counterexample",
        ("lower end above", "self.centre - self", "self.centre + self"),
        ("upper end below", "self.centre + self", "self.centre - self"),
        ("enclosed error of a sine", "bits)[cosine]", "bits)[0]"),
    ),
    *_of(
        "evaluate/enclosed.py",
        "enclosed",
        ("rounding of weights not counted", "+ sum(largest[s] for s in row.sources) + 3", "+ 3"),
        ("errors not amplified", "sum(a * errors[s]", "sum(errors[s]"),
    ),
    *_of(
        "certify/counterexample.py",
        "counterexample",
        (
            "error at a witness of the other function",
            "limit / 2**places, function)",
            "limit / 2**places)",
        ),
        (
            "error at a witness too large",
            "error_bounds(network, x, limit, function)[0]",
            "error_bounds(network, x, limit, function)[1]",
        ),
        ("upper ends of errors refute", "worst, error, _ = max(seen", "worst, _, error = max(seen"),
        ("nothing is refined", "(80, 400)", "(80, 80)"),
        ("nothing is decided", "upper <= limit", "True"),
    ),
    *_of(
        "certify/prover.py",
        "prover",
        ("domain without pi", "math.nextafter(math.pi, 4)", "math.pi"),
        (
            "bound for another function",
            "Judge.of(network, claim.function,",
            'Judge.of(network, "sin",',
        ),
    ),
    *_of(
        "certify/claim.py",
        "prover",
        (
            "witness for another function",
            "cell, self.tol, self.function, self.inner)",
            'cell, self.tol, "sin", self.inner)',
        ),
        ("certificate without its function", "function=self.function,", 'function="sin",'),
        (
            "cells looked at beyond the witness's domain",
            "(max(low, left), min(right, high))",
            "(left, right)",
        ),
        ("a point outside the domain refutes", "if self.inner[0] <= x <= self.inner[1]]", "]"),
    ),
    *_of(
        "certify/agreement.py",
        "prover",
        (
            "recheck of another function",
            '("domain", "witness_domain", "function")',
            '("domain", "witness_domain")',
        ),
    ),
    *_of(
        "certify/survey.py",
        "survey",
        ("gaps count as covered", "other.span[0] == self.span[1]", "True"),
        ("a part counts as the whole", "self.total.span == self.domain", "True"),
        ("best cell instead of worst", "other.bound > self.bound", "other.bound < self.bound"),
        (
            "a part given up counts as covered",
            "start = (task.ends[0], task.ends[0])",
            "start = task.ends",
        ),
        ("radius of the last part alone", "max(self.radius, other.radius)", "other.radius"),
        (
            "evaluation in the last part alone",
            "max(self.evaluation, other.evaluation)",
            "other.evaluation",
        ),
        ("radius of one cell", "float(np.max(found.radius))", "float(found.radius[0])"),
        ("the first cell of a block alone", "at = int(np.argmax(found.bound))", "at = 0"),
        ("cells of the last part alone", "self.cells + other.cells", "other.cells"),
    ),
    *_of(
        "certify/counterexample.py",
        "prover counterexample",
        ("a float64 outside the domain for a witness", "if low <= x <= high]", "]"),
    ),
    *_of(
        "certify/extremum.py",
        "extremum",
        ("radii left out of extrema", "(radius + size * SLACK)", "(size * SLACK)"),
        ("a bound from above for one from below", "np.max(below)", "np.max(above)"),
        ("cells left out that may hold it", "above >= lower]])", "above > above.max() / 2]])"),
        ("cells with kinks taken for pieces", "if first * second >= 0:", "if True:"),
        (
            "one cell left over enough",
            "(exact_cells(network, *cell) for cell in left)",
            "(exact_cells(network, *cell) for cell in left[:1])",
        ),
        ("the least value with the wrong sign", "value=-found.value", "value=found.value"),
        (
            "evaluation of a block for that of all",
            "max(evaluation, found.evaluation)",
            "evaluation",
        ),
        (
            "units that nothing reads left out of evaluation",
            "_cells_left(network, ends, format)\n    if",
            "_cells_left(Network(tuple(without_dead_units(network.rows))), ends, format)\n    if",
        ),
    ),
    *_of(
        "benchmark/instances.py",
        "folder",
        ("thresholds on the wrong side", "== (expected == UNSAT)", "== (expected == SAT)"),
        (
            "a counterexample in exact arithmetic alone",
            "_beyond(asked, value, Fraction(room))",
            "_beyond(asked, value)",
        ),
        (
            "answers that the threshold's rounding turned",
            "None if _beyond(asked, known.extremum.value) else asked",
            "asked",
        ),
        ("tolerances alike taken for two", "repr(float(tolerance(text))): text", "text: text"),
        ("spikes beyond the interval", "ends[0] <= at <= ends[1] and ", ""),
    ),
    *_of(
        "verification/report.py",
        "verify",
        (
            "a report believes a point outside the domain",
            " or not self.target.contains(found[0])",
            "",
        ),
    ),
    *_of(
        "target.py",
        "target",
        (
            "an open comparison of ends",
            "if lower(difference) > 0 or upper(difference) < 0:",
            "if True:",
        ),
    ),
    *_of(
        "arithmetic/rounding.py",
        "arithmetic/rounding",
        (
            "lower bound rounded to nearest",
            "<= number else math.nextafter(nearest, -math.inf)",
            "<= number else nearest",
        ),
    ),
    *_of(
        "certify/rounding.py",
        "certify/rounding",
        ("radii halved", "(reaching + local) * UP", "(reaching + local) / 2"),
        ("undecided units ignored", "(over[j] | under[j]) ^ True", "over[j] & under[j]"),
        ("middles not looked at", "over[j] &= on[j]", "pass"),
        ("middles on the left not looked at", "after[j] &= on[j]", "pass"),
        ("nodes touched not swept", "(alike[j] | seen[j])", "seen[j]"),
        ("pairs not swept", "(alike[j] | seen[j])", "alike[j]"),
        ("last rounding dropped", "return (errors + last) * UP", "return errors * UP"),
        ("sizes of negative outputs", "(size if output else high)", "high"),
        ("an addition forgotten", "max(leaves - 2, 0)", "max(leaves - 3, 0)"),
        ("products taken for exact", "if not steps.power[k]:", "if False:"),
        ("underflow of products", "errors += math.ldexp(", "math.ldexp("),
        ("spacing of inputs", "max(left, -right))", "right)"),
        ("spacing of values", "spacing(format, bottom))", "spacing(format, top))"),
        ("overflow where nothing is read", "largest[number] <= format.largest for", "True for"),
        ("sums out of range", "if not inner <= format.largest:", "if False:"),
    ),
    *_of(
        "certify/windows.py",
        "certify/rounding",
        ("error of tables dropped", "np.abs(self.value) + self.error", "np.abs(self.value)"),
        ("underflow in tables dropped", " + 2.0**-1070", ""),
        (
            "least pattern",
            "effect = largest(effects, columns)",
            "effect = -largest(-effects, columns)",
        ),
        ("patterns left out that may be", "state |= known << bit", "pass"),
        ("a window of the wrong units", "windows.begin[form - 1] + bit", "windows.begin[form - 1]"),
    ),
    *_of(
        "certify/sweep.py",
        "certify/rounding",
        (
            "generators dropped",
            "chosen(own, size[j], adjoint[row][j])",
            "chosen(own, 0.0, adjoint[row][j])",
        ),
        ("all generators in one row", "used[j] += undecided[node]", "used[j] = undecided[node]"),
        ("an undecided slope halved", "chosen(slope[j] == 0.5, 2.0, 1.0)", "1.0"),
        ("adjoints of what was read before", "if first:", "if True:"),
        ("nodes of the wrong cell", "larger(node - 1, 0)", "node"),
    ),
    *_of(
        "kernels.py",
        "bound",
        ("operations fused and reordered", "nogil=True,", "nogil=True, fastmath=True,"),
    ),
    *_of(
        "kernels.py",
        "certify/rounding",
        ("the last few of a maximum left out", "larger(sign * values[j], best[0])", "best[0]"),
        ("maxima side by side not joined", "best[0] = larger(best[j], best[0])", "pass"),
    ),
    *_of(
        "certify/assumptions.py",
        "bound",
        (
            "subnormals compared as numbers",
            "made.view(np.int64), expected.view(np.int64)",
            "made, expected",
        ),
    ),
    *_of(
        "certify/floats.py",
        "certify/rounding",
        ("unit roundoff halved", "ldexp(1.0, -format.digits)", "ldexp(1.0, -format.digits - 1)"),
        ("numbers of another format", "last_bit(size) >= spacing(self, size)", "True"),
    ),
    *_of(
        "certify/bottleneck.py",
        "bottleneck",
        (
            "gaps between parts not seen",
            "other.span[1] if follows else self.span[1]",
            "other.span[1]",
        ),
        (
            "offset of the last part alone",
            "float(np.maximum(self.offset, other.offset))",
            "float(other.offset)",
        ),
        (
            "lower end of the last part alone",
            "float(np.minimum(self.low, other.low))",
            "float(other.low)",
        ),
        (
            "upper end of the last part alone",
            "float(np.maximum(self.high, other.high))",
            "float(other.high)",
        ),
        (
            "a sum with the offset rounded down",
            "float_above(Fraction(bound) + Fraction(self.offset))",
            "float_below(Fraction(bound) + Fraction(self.offset))",
        ),
        (
            "offset left out of the sum",
            "Fraction(bound) + Fraction(self.offset)",
            "Fraction(bound)",
        ),
        ("offset not taken from the tolerance", "return tol - Fraction(self.offset)", "return tol"),
        (
            "sign of g forgotten",
            "if cut.negative else rest",
            "if False else rest",
        ),
        ("sin and cos exchanged", "names[cut.quarters % 2]", "names[1 - cut.quarters % 2]"),
        (
            "wires of later units in z",
            "all(0 <= wire <= cut.early <= network.units for wire in weights)",
            "all(0 <= wire for wire in weights)",
        ),
        (
            "a carry of the input",
            "held[row.sources[0]] if row.is_carry",
            "held[row.sources[0]] if row.weights == (1.0,) and row.bias == 0.0",
        ),
        (
            "a carry with a bias",
            "held[row.sources[0]] if row.is_carry",
            "held[row.sources[0]] if row.weights == (1.0,) and row.sources[0]",
        ),
        (
            "a carry with a weight",
            "held[row.sources[0]] if row.is_carry",
            "held[row.sources[0]] if len(row.weights) == 1 and row.bias == 0.0 and row.sources[0]",
        ),
        (
            "bias of late rows lost",
            "rows.append(Row.of([(0, through), *others], row.bias))",
            "rows.append(Row.of([(0, through), *others], 0.0))",
        ),
        (
            "factor of late rows lost",
            "[(0, through), *others]",
            "[(0, 1.0 if through else 0.0), *others]",
        ),
        ("z with a bias", "Row.of(weights.items(), 0.0)", "Row.of(weights.items(), 1e-9)"),
        (
            "a wire read twice counts once",
            "read[held[wire]] = read.get(held[wire], Fraction(0)) + Fraction(weight)",
            "read[held[wire]] = Fraction(weight)",
        ),
        (
            "carries of a wire not counted with it",
            "read[held[wire]] = read.get(held[wire], Fraction(0)) + Fraction(weight)",
            "read[wire] = read.get(wire, Fraction(0)) + Fraction(weight)",
        ),
        (
            "proportions compared in float64",
            "same = all(read[wire] == through * exact[wire] for wire in read)",
            "same = all(math.isclose(read[wire], through * exact[wire]) for wire in read)",
        ),
        (
            "proportions compared absolutely",
            "same = all(read[wire] == through * exact[wire] for wire in read)",
            "same = all(abs(read[wire] - through * exact[wire]) < 1e-290 for wire in read)",
        ),
        (
            "only the first wire compared",
            "same = all(read[wire] == through * exact[wire] for wire in read)",
            "same = True",
        ),
        (
            "a wire that is not read not compared",
            "read = dict.fromkeys(weights, Fraction(0))",
            "read: dict[int, Fraction] = {}",
        ),
        (
            "factor rounded",
            "return as_float(through) if same else None",
            "return float(through) if same else None",
        ),
        ("bias of the output not negated", "0.0 - output.bias", "output.bias"),
        (
            "weights of the output not negated",
            "-weight for weight in output.weights",
            "weight for weight in output.weights",
        ),
        (
            "ends of the domain not compared",
            "if known is None or known.span != domain:",
            "if known is None:",
        ),
        ("right end not compared", "known.span != domain:", "known.span[0] != domain[0]:"),
        ("range may be below the sine's", "known.low >= -LIMIT and ", ""),
        ("range may be above the sine's", " and known.high <= LIMIT", ""),
        (
            "the larger of both slopes' distances is a bound too, the least of ends is none",
            "return np.maximum(*(_without_turns(*end, quarters) for end in ends))",
            "return np.minimum(*(_without_turns(*end, quarters) for end in ends))",
        ),
        (
            "radius left out of the offset",
            "(distance + radius + ROUNDING) * UP",
            "(distance + ROUNDING) * UP",
        ),
        (
            "rounding left out of the offset",
            "(distance + radius + ROUNDING) * UP",
            "distance + radius",
        ),
        ("least offset of the cells", "offset = np.max(", "offset = np.min("),
        ("radius left out of the lower end", "-np.inf) - radius)", "-np.inf))"),
        ("radius left out of the upper end", "np.inf) + radius)", "np.inf))"),
        (
            "lower end from the upper ends of cells",
            "low = np.min(np.nextafter(np.minimum(",
            "low = np.min(np.nextafter(np.maximum(",
        ),
        (
            "upper end from the lower ends of cells",
            "high = np.max(np.nextafter(np.maximum(",
            "high = np.max(np.nextafter(np.minimum(",
        ),
        ("lower end rounded inwards", "-np.inf) - radius", "np.inf) - radius"),
        ("upper end rounded inwards", "np.inf) + radius", "-np.inf) + radius"),
        ("phase of rising pieces", "before - after if sign == 1", "after - before if sign == 1"),
        ("phase of falling pieces", "else 2 - before - after)", "else before + after)"),
        (
            "phase of falling pieces off by a half turn",
            "else 2 - before - after)",
            "else -before - after)",
        ),
        (
            "half turns for whole ones",
            "least + 4 * np.rint((middle / (math.pi / 2) - least) / 4)",
            "least + 2 * np.rint((middle / (math.pi / 2) - least) / 2)",
        ),
        (
            "quarters not whole",
            "least + 4 * np.rint((middle / (math.pi / 2) - least) / 4)",
            "middle / (math.pi / 2)",
        ),
        (
            "rest of the difference dropped",
            "low = rest + (values.lo - sign * nodes.lo)",
            "low = values.lo - sign * nodes.lo",
        ),
        (
            "low parts of z dropped",
            "rest + (values.lo - sign * nodes.lo)",
            "rest - sign * nodes.lo",
        ),
        ("low parts of x dropped", "rest + (values.lo - sign * nodes.lo)", "rest + values.lo"),
        (
            "low parts of x with the wrong sign",
            "values.lo - sign * nodes.lo",
            "values.lo - nodes.lo",
        ),
        ("second part of pi dropped", "-quarters * (PI_2 / 2)", "-quarters * 0.0"),
        ("third part of pi dropped", "low - quarters * (PI_3 / 2)", "low"),
        ("third part of pi added", "low - quarters * (PI_3 / 2)", "low + quarters * (PI_3 / 2)"),
        (
            "distance with a sign",
            "distance: FloatArray = np.abs(high + ",
            "distance: FloatArray = +(high + ",
        ),
    ),
    *_of(
        "certify/cuts.py",
        "bottleneck",
        ("sign of g for cos alone", "self.quarters % 4 >= 2", "self.quarters % 4 > 2"),
    ),
    *_of(
        "certify/entry.py",
        "entry",
        (
            "slope of the rest forgotten",
            "found.slope * self.error + 2 * found.radius",
            "2 * found.radius",
        ),
        (
            "radius between two points forgotten",
            "found.slope * self.error + 2 * found.radius",
            "found.slope * self.error",
        ),
        (
            "evaluation behind a bottleneck forgotten",
            "(found.evaluation + carried) * UP",
            "carried * UP",
        ),
        (
            "range not widened",
            "found.domain[0] - values.error, found.domain[1] + values.error",
            "found.domain",
        ),
        (
            "coarsest grid of all blocks",
            "np.minimum(known.grid, grid)",
            "np.maximum(known.grid, grid)",
        ),
        (
            "largest values of the last block",
            "np.maximum(known.above, state.above)",
            "state.above.copy()",
        ),
        ("error of the last block", "max(known.error, error)", "error"),
        (
            "last bit of an early weight",
            "int(values.grid[step]) + last_bit(weight)",
            "int(values.grid[step])",
        ),
        ("early products taken for exact", "grid, is_power_of_two(weight))", "grid, True)"),
        (
            "sign of early products",
            "if weight > 0 else (low, high)",
            "if weight < 0 else (low, high)",
        ),
        (
            "early weights forgotten",
            "[_product(weight, step, values) for",
            "[_product(1.0, step, values) for",
        ),
        (
            "carries that are none",
            "if not all(late[number - 1].is_carry for number in left):",
            "if False:",
        ),
        ("sign of -G's early products", "if found.cut.negative:", "if False:"),
        (
            "numbers that nothing reads",
            "or not in_range(network, format)",
            "or not in_range(found.whole, format)",
        ),
        (
            "products of one sign left out",
            "if made.plus or made.minus]",
            "if made.plus and made.minus]",
        ),
    ),
    *_of(
        "certify/rounding.py",
        "entry",
        (
            "early products not added up",
            "plus, minus = plus + entry.plus[k], minus + entry.minus[k]",
            "pass",
        ),
        (
            "early products not rounded",
            "errors += rounded(format, size, int(entry.grid[k]))",
            "pass",
        ),
        (
            "what is read early taken for a float",
            "(behind and source == 0) or (state.above[source] == 0",
            "(state.above[source] == 0",
        ),
    ),
    *_of(
        "certify/bound.py",
        "entry",
        ("least slope", "float(np.max(rise /", "float(np.min(rise /"),
        (
            "slope without low parts",
            "(high[1:] - high[:-1]) + (low[1:] - low[:-1])",
            "high[1:] - high[:-1]",
        ),
        (
            "slope of no number",
            "return slope if slope >= 0 else math.inf",
            "return slope if slope >= 0 else 0.0",
        ),
    ),
    *_of(
        "certify/survey.py",
        "survey",
        ("slope of the last part", "slope=max(self.slope, other.slope)", "slope=other.slope"),
    ),
]
