"""Runs all compiled kernels on hostile and random networks with indices checked, in about a minute.

    scripts/check_memory [RANDOM_NETWORKS]

numba checks indices where NUMBA_BOUNDSCHECK is set while kernels are compiled; so a copy of the
package, without machine code, is run in a process of its own.
"""

import os
import shutil
import subprocess
import sys
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

HERE = Path(__file__).parent.parent / "tests"
CHECKED = "NUMBA_BOUNDSCHECK"


def run_on_a_copy(count: str) -> int:
    """Copy the package and run this file on it."""
    with TemporaryDirectory() as folder:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(HERE.parent / "sinrelu", Path(folder, "sinrelu"), ignore=ignored)
        environment = os.environ | {CHECKED: "1", "PYTHONPATH": f"{folder}{os.pathsep}{HERE}"}
        command = [sys.executable, __file__, count]
        return subprocess.run(command, env=environment, check=False).returncode


def check_that_indices_are() -> None:
    """Fail if an index beyond an array is not seen."""
    from sinrelu.certify.assumptions import _examples, compute_examples
    from sinrelu.kernels import compiled

    operands, expected = _examples()
    try:
        compiled(compute_examples)(operands, np.zeros((len(expected) - 1, 64)), 64)
    except IndexError:
        return
    sys.exit("indices are not checked")


def run_all(count: int) -> None:
    """Run kernels on hostile and on so many random networks; stop at the first bad index."""
    from hostile import HOSTILE, all_results, random_networks

    from sinrelu.kernels import NUMBA

    check_that_indices_are()
    warnings.simplefilter("ignore")
    names = [*HOSTILE, *(f"random network {index}" for index in range(count))]
    networks = [*HOSTILE.values(), *random_networks(2018, count)]
    for name, network in zip(names, networks, strict=True):
        try:
            for _ in all_results(network, NUMBA, thorough=name in HOSTILE):
                pass
        except IndexError as error:
            sys.exit(f"{name}: {error}")
    print(f"{len(networks)} networks: no index beyond an array")


if __name__ == "__main__":
    asked = sys.argv[1] if len(sys.argv) > 1 else "300"
    sys.exit(run_all(int(asked)) if CHECKED in os.environ else run_on_a_copy(asked))
