"""Ask Marabou one question; runs in an environment that has maraboupy, and needs nothing of ours.

Usage: python scripts/verifier_marabou.py ONNX VNNLIB TIMEOUT

Prints its answer, and after ``sat`` its point as the competitions write it. All options have the
defaults that ``maraboupy.Marabou.createOptions`` documents, but for the time limit in seconds and
the verbosity, which is none.
"""

import os
import sys
import warnings


def main(model, question, timeout):
    """Print the answer, on what was stdout; what the library prints goes to stderr."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    warnings.simplefilter("ignore")  # of readers of other formats, which are not installed
    from maraboupy import Marabou

    network = Marabou.read_onnx(model)
    options = Marabou.createOptions(verbosity=0, timeoutInSeconds=max(1, int(float(timeout))))
    answer, values, _ = network.solve(verbose=False, options=options, propertyFilename=question)
    print(answer.lower(), file=answers)
    if values:
        x, y = (values[found[0].item(0)] for found in (network.inputVars, network.outputVars))
        print(f"((X_0 {x!r})\n(Y_0 {y!r}))", file=answers)
    answers.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
