#!/usr/bin/env python3
"""Prove a network's bound on a dask cluster, and compare with threads on this machine.

    python -m pip install distributed
    python scripts/prove_on_dask.py [--tol 1e-9] [--workers 2]

``certify`` takes any concurrent.futures.Executor; dask's client offers that interface, so the same
three lines work on a cluster of many machines. The certificates must be equal.
"""

from __future__ import annotations

import argparse
import sys
import time

import sinrelu
from sinrelu.certify import Certificate, certify


def on_cluster(network: sinrelu.Network, tol: float, workers: int) -> Certificate:
    """Prove on a local cluster of worker processes."""
    from dask.distributed import Client, LocalCluster

    with (
        LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        return certify(network, tol, executor=client.get_executor())


def main() -> int:
    """Run both and compare."""
    parser = argparse.ArgumentParser(description="Prove a network's bound on a dask cluster.")
    parser.add_argument("--tol", type=float, default=1e-9, help="tolerance (default 1e-9)")
    parser.add_argument("--workers", type=int, default=2, help="worker processes (default 2)")
    options = parser.parse_args()
    network = sinrelu.build(tol=options.tol)
    try:
        begin = time.perf_counter()
        remote = on_cluster(network, options.tol, options.workers)
    except ImportError:
        print("distributed is not installed: python -m pip install distributed", file=sys.stderr)
        return 2
    middle = time.perf_counter()
    local = certify(network, options.tol)
    end = time.perf_counter()
    print(f"dask, {options.workers} workers  {middle - begin:6.2f} s with the cluster's start")
    print(f"threads          {end - middle:6.2f} s")
    print(f"{remote.verdict}: sup error {remote.sup_error} over {remote.cells} cells")
    print("the certificates are equal" if remote == local else "the certificates DIFFER")
    return 0 if remote == local else 1


if __name__ == "__main__":
    sys.exit(main())
