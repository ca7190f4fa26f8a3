"""What `sinrelu COMMAND --help` says at the end; examples first of all."""

TOP_EPILOG = """\b
Examples:
  sinrelu build                        write sin.npz, a plain MLP, error below 1e-12
  sinrelu verify sin.npz               recount and check it
  sinrelu plot sin.npz -o error.png    draw its error
  sinrelu compare                      what every construction spends
  sinrelu eval sin.npz pi/6 0.5        its exact value at a point

\b
Exit status: 0 fine, 1 refuted or too many connections, 2 bad usage or file,
3 inconclusive."""

BUILD_EPILOG = """\b
Examples:
  sinrelu build --wiring skip -o small.npz     fewest connections
  sinrelu build --tol 1e-9 -o rough.json       a file for people to read
  sinrelu build --max-connections 100          the least error that 100 allow
  sinrelu build --function cos --domain -100 100
  sinrelu build --domain -1000pi 1000pi --wiring skip
  sinrelu build --tol 1e-100                   weights of as many bits as it takes

Weights of more than 53 bits, below 1e-14, go to .json only. Constructions: fold-reflect,
the smallest, for any domain; chebyshev, double-angle, taylor, for sin on [−π, π]."""

VERIFY_EPILOG = """Connections are nonzero weights, however small; everything is recounted on the
graph, and what the file says about itself is not believed.

\b
Verdicts (the first word of the last line, "verdict" in --json):
  proved        the bound holds for every real x of the domain
  refuted       exact arithmetic finds an x, the witness, with a larger error
  inconclusive  neither; a remark says why
  sampled-ok    only with --sampled: exact arithmetic has seen no larger error,
                having looked where float64 is worst

\b
Examples:
  sinrelu verify sin.npz --sampled
  sinrelu verify sin.npz --json
  sinrelu verify sin.npz --tol 1e-9 --max-connections 500 --plot error.svg
  sinrelu verify cos.npz --function cos --domain -100 100
  sinrelu verify wide.npz --domain -1000pi 1000pi --sampled
  sinrelu verify sin.json --tol 1e-100

\b
Wide domains have many pieces: --budget allows a longer proof, --sampled none.
Weights of more than 53 bits are judged in exact arithmetic; what is proved then
is the induction of a fold-reflect plan that the file names, for its own weights.

\b
Exit status: 0 proved (or sampled-ok) and within the limit, 1 refuted or over
the limit, 2 bad usage or file, 3 inconclusive."""

RECHECK_EPILOG = """\b
Example:
  sinrelu verify sin.npz --certificate sin.proof
  sinrelu recheck sin.proof sin.npz

\b
Exit status: 0 the certificate stands, 1 it does not, 2 bad usage or file."""

EVAL_EPILOG = """X is a decimal number (0.5), a hexadecimal float (0x1.8p-1, taken exactly) or a
multiple of pi (pi/2, -3*pi/4, 2pi/3). The network is evaluated at the float64 nearest to a decimal
number or a multiple of pi; the output says which.

\b
Examples:
  sinrelu eval sin.npz pi/6 0.5 -1e-3 --digits 30
  sinrelu eval cos.npz 10pi --function cos --domain -100 100"""

COMPARE_EPILOG = """\b
Examples:
  sinrelu compare                                  everything at 1e-12
  sinrelu compare --tol 1e-3 --tol 1e-6 --prove    proved as well as sampled
  sinrelu compare --constructions fold-reflect,taylor --markdown

\b
Its --csv is what `sinrelu plot table.csv --kind scaling` draws."""

PLOT_EPILOG = """\b
Kinds:
  error    the error over the whole domain, and zooms down to single pieces
  network  the graph: levels down on the left and up on the right, or layers
  units    what each unit computes over x
  pieces   where the breakpoints are, and where the fewest would be
  scaling  connections against digits; FILE is a table of `sinrelu compare --csv`

\b
Examples:
  sinrelu plot sin.npz --tol 1e-12 -o error.svg
  sinrelu plot cos.npz --function cos --domain -100 100 -o error.png
  sinrelu plot sin.npz --kind network -o network.pdf"""
