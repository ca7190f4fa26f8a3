"""What an observer of a network's nodes has seen, as ``verify`` has it before it takes a sample."""

from fractions import Fraction
from typing import Any

from sinrelu.certify.claim import Claim
from sinrelu.certify.prover import Plan, prove
from sinrelu.certify.survey import Survey
from sinrelu.network import Network
from sinrelu.target import DEFAULT, Target
from sinrelu.verification.sampling import Observer


def surveyed(network: Network, target: Target = DEFAULT, **plan: Any) -> Survey:
    """Find all nodes, and show them to an observer; nothing is bounded."""
    claim = Claim.of(network, Fraction(1, 10**12), target.cover, target.inner, target.function)
    plan = {"observer": Observer(network, target), "judged": False} | plan
    return prove(claim, Plan(**plan))[1]
