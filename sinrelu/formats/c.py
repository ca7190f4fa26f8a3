"""The .c format, which is only written: one C99 file that computes a network in double.

It has ``sinrelu_sin``, or ``sinrelu_cos``, of one x, and ``sinrelu_sin_array`` of many. Both are
one text, ``network``, at one point and at ``LANES`` points at a time, which compilers vectorise.
The order of evaluation is that of ``sinrelu.evaluate.float64``: where no multiplication is fused
with an addition the bits are the same everywhere, −0, infinities and subnormals included, and NaN
where that is NaN. A relu that may leave −0 where numpy leaves 0 makes no difference: neither a
product nor a sum that is not 0 depends on it, and the output adds 0.

Nothing of ``meta`` is written but numbers, the name of a function, and a plain name of a method.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from fractions import Fraction
from string import Template
from textwrap import wrap
from typing import TYPE_CHECKING

from sinrelu.arithmetic import quarter_turns
from sinrelu.arithmetic.rounding import decimal_above, decimal_below
from sinrelu.errors import RequestError
from sinrelu.network import Network, exact_hex
from sinrelu.precision import FLOAT64, says_float32
from sinrelu.steps import Computed
from sinrelu.target import DEFAULT, Target

if TYPE_CHECKING:
    from sinrelu.certify import Certificate

LANES, WIDE = 16, 32
"""Points at a time: of 8, 16 and 32 the one that is never much slower than another, and what is
faster where vectors are as long as AVX-512's."""
MOST_LANES = 2**15
"""Of all units together: 256 KiB of a stack. Where units are too many for that, they have one."""
WIDTH = 96
PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}")
UNPLAIN = re.compile(r"[^A-Za-z0-9 .,:;()<>=+|_-]")
"""What a text from elsewhere may not bring into a comment: it could end it."""

FILE = Template("""\
/*
$about
 */
#include <float.h>
#include <stddef.h>

#if defined(__FAST_MATH__) || defined(__ASSOCIATIVE_MATH__)
#error "-ffast-math computes other forms than these, and no subnormals: nothing proved holds"
#endif
#if DBL_MANT_DIG != 53 || DBL_MAX_EXP != 1024
#error "double is not IEEE binary64: nothing proved holds"
#endif
#if FLT_EVAL_METHOD != 0 && FLT_EVAL_METHOD != 1 && FLT_EVAL_METHOD != 16
#error "doubles are rounded twice here, as by x87: nothing proved holds; try -mfpmath=sse"
#endif

#ifdef __GNUC__
#define SINRELU_INLINE static inline __attribute__((always_inline))
#else
#define SINRELU_INLINE static inline
#endif
#ifdef __cplusplus
#define SINRELU_RESTRICT /* no word of C++ */
extern "C" {
#else
#define SINRELU_RESTRICT restrict
#endif

/* The network at x. */
double sinrelu_$function(double x);

/* The network at x[0] ... x[n - 1], with the same bits; x and y must not overlap. */
void sinrelu_${function}_array(
    const double *SINRELU_RESTRICT x, double *SINRELU_RESTRICT y, size_t n);

#if defined(__AVX512F__)
enum { LANES = $wide };
#else
enum { LANES = $lanes };
#endif

/* As numpy's maximum(r, 0): NaN stays NaN. */
SINRELU_INLINE double relu(double r) { return r < 0.0 ? 0.0 : r; }

#define EACH for (int i = 0; i < lanes; i++)
#define UNIT(u, form) double u[LANES]; EACH u[i] = relu(form)

/* y[i] = N(x[i]) for i < lanes <= LANES; u12[i] is unit 12 at x[i]. */
SINRELU_INLINE void network(const double *x, double *y, int lanes)
{
$statements
}

#undef UNIT
#undef EACH

double sinrelu_$function(double x)
{
    double y;
    network(&x, &y, 1);
    return y;
}

static void block(const double *x, double *y) { network(x, y, LANES); }

void sinrelu_${function}_array(
    const double *SINRELU_RESTRICT x, double *SINRELU_RESTRICT y, size_t n)
{
    for (; n >= LANES; n -= LANES, x += LANES, y += LANES) block(x, y);
    if (n > 0) {
        double in[LANES] = {0.0}, out[LANES];
        for (size_t i = 0; i < n; i++) in[i] = x[i];
        block(in, out);
        for (size_t i = 0; i < n; i++) y[i] = out[i];
    }
}

#ifdef __cplusplus
}
#endif
""")


def dumps(network: Network, certificate: Certificate | None = None) -> bytes:
    """Return the file's content; the same network and certificate give the same bytes.

    What is said to be proved is what the certificate says, and nothing without one. The function
    is the certificate's, or else that of ``Target.claimed``, or else sin.

    Raises RequestError if the weights are wider than float64, the certificate is for another
    network, or its function is unknown.
    """
    network.require_float64(".c")
    if certificate and certificate.sha256 != network.sha256:
        raise RequestError(f"certificate: is for another network, {certificate.sha256[:16]}…")
    target = Target.claimed(network.meta) or DEFAULT
    function = certificate.function if certificate else target.function
    quarter_turns(function)
    proof = _proof(certificate) if certificate else _no_proof(target)
    most = MOST_LANES // max(network.units, 1)
    text = FILE.substitute(
        about=_comment([*_description(network, function), *proof, *_usage(function)]),
        function=function,
        lanes=LANES if most >= LANES else 1,
        wide=WIDE if most >= WIDE else LANES if most >= LANES else 1,
        statements="\n".join(_statements(network)),
    )
    return text.encode("ascii")


def _statements(network: Network) -> Iterator[str]:
    """Give what is computed, one statement a unit, in the order that is promised."""
    *units, output = network.computed
    if not any(source == 0 for row in network.computed for _, source in row.terms):
        yield "    (void)x;"
    for row in units:
        yield _statement(f"UNIT(u{row.number}, {_form(row)});")
    yield _statement(f"EACH y[i] = {_form(output)} + 0.0; /* -0 becomes 0 */")


def _statement(text: str) -> str:
    lines = wrap(text, WIDTH - 8, break_long_words=False, break_on_hyphens=False)
    return "    " + "\n        ".join(lines)


def _form(row: Computed) -> str:
    """Write an affine form: the bias first, if there is one, and the terms in their order."""
    first = [_hexadecimal(row.bias)] if row.bias or not row.terms else []
    terms = [_term(weight, source) for weight, source in row.terms]
    text = " ".join([*first, *terms]).removeprefix("+ ")
    return f"-{text[2:]}" if text.startswith("- ") else text


def _term(weight: float, source: int) -> str:
    """Write ``+ w*v`` or ``- w*v`` for a positive w, or ``± v`` alone: the same bits in each."""
    value = f"u{source}[i]" if source else "x[i]"
    factor = "" if abs(weight) == 1 else f"{_hexadecimal(abs(weight))}*"
    return f"{'-' if weight < 0 else '+'} {factor}{value}"


def _hexadecimal(number: float) -> str:
    """Write a float64 exactly, as C reads it: ``0x1.8p+1`` is 3."""
    mantissa, exponent = number.hex().split("p")
    return f"{mantissa.rstrip('0').rstrip('.') if '.' in mantissa else mantissa}p{exponent}"


def _description(network: Network, function: str) -> Iterator[str]:
    name = network.meta.get("construction")
    plain = isinstance(name, str) and PLAIN_NAME.fullmatch(name)
    yield f"sinrelu_{function}: {function} by a ReLU network N{f', {name}' if plain else ''}."
    yield (
        f"{network.connections} connections, {network.biases} biases, {network.units} units, "
        f"depth {network.depth}, {network.wiring} wiring; the sha256 of the graph is "
        f"{network.sha256}."
    )
    if says_float32(network):
        yield (
            "N was meant to be computed in float32. This file computes it in double, and says "
            "nothing of what float32 makes of it."
        )


def _no_proof(target: Target) -> Iterator[str]:
    yield (
        f"N is meant to be {target.function} on [{target.low.plain}, {target.high.plain}]. In this "
        f"file nothing is proved of it. To have a bound proved and written here, save N as .npz, "
        f".json or .onnx, and convert that: sinrelu convert {target.function}.npz "
        f"{target.function}.c"
    )


def _proof(certificate: Certificate) -> Iterator[str]:
    low, high = certificate.domain
    error = f"|N(x) - {certificate.function} x|"
    where = f"x of [{low!r}, {high!r}]"
    if math.isfinite(certificate.sup_error):
        bound = decimal_above(certificate.sup_error, limit=certificate.tol)
        exact = "N being what the weights below define in real arithmetic"
        yield f"Proved: {error} <= {bound} for every real {where}, {exact}."
    else:
        yield " ".join([f"Nothing is proved of {error} for all {where}.", *_shortfall(certificate)])
    if certificate.evaluation == FLOAT64 and math.isfinite(certificate.evaluation_error):
        yield " ".join(_evaluation(certificate))
    else:
        yield "Of the rounding errors of this file nothing is proved."


def _shortfall(certificate: Certificate) -> Iterator[str]:
    if certificate.remark:
        yield f"Why: {UNPLAIN.sub('_', certificate.remark)}."
    if certificate.witness is not None:
        least = decimal_below(certificate.lower_bound, 4, certificate.tol)
        yield f"At x = {exact_hex(certificate.witness)} it is at least {least}."
    yield (
        "sinrelu verify, given N as .npz, .json or .onnx, looks for a proof, with --budget for a "
        "longer one; the sha256 tells that it is of this network."
    )


def _evaluation(certificate: Certificate) -> Iterator[str]:
    error = Fraction(certificate.evaluation_error)
    yield (
        f"Proved: at every double x there, what this file computes is within "
        f"{decimal_above(error, 3)} of N(x), whatever the order of summation, with or without "
        f"fused multiply-add, rounding being to nearest, and to subnormals where it comes to that."
    )
    if math.isfinite(certificate.sup_error):
        bound = decimal_above(error + Fraction(certificate.sup_error), limit=certificate.tol)
        yield f"So it is within {bound} of {certificate.function} x."


def _usage(function: str) -> Iterator[str]:
    yield f"    cc -O3 -march=native -ffp-contract=off -c {function}.c"
    yield (
        "gives the bits of sinrelu's evaluate_float64, for one x and for many. Without "
        "-ffp-contract=off compilers may fuse multiplications with additions: other bits, which "
        "whatever is proved above covers as well."
    )


def _comment(paragraphs: Iterable[str]) -> str:
    filled = ("\n".join(f" * {line}" for line in wrap(text, WIDTH)) for text in paragraphs)
    return "\n *\n".join(filled)
