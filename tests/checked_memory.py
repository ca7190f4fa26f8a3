"""Runs every compiled kernel on hostile and on random networks; a process of its own has it.

numba checks all indices where NUMBA_BOUNDSCHECK is set when kernels are compiled, so the package
has to be a copy without machine code.
"""

import sys

from hostile import HOSTILE, all_results, random_networks

from sinrelu.kernels import NUMBA


def main(count: int) -> None:
    names = [*HOSTILE, *(f"random network {index}" for index in range(count))]
    networks = [*HOSTILE.values(), *random_networks(2018, count)]
    for name, network in zip(names, networks, strict=True):
        try:
            for _ in all_results(network, NUMBA, thorough=name in HOSTILE):
                pass
        except IndexError as error:
            sys.exit(f"{name}: {error}")
    print(len(networks))


if __name__ == "__main__":
    main(int(sys.argv[1]))
