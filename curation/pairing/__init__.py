"""Pair policies: labels -> pairs. Every module in this folder is found and offered by the API."""

from curation.pairing.catalogue import KINDS, POLICIES, POLICY, AnyPolicy, load, parse
from curation.pairing.policy import Built, BuiltPair, PairPolicy

__all__ = [
    "KINDS", "POLICIES", "POLICY", "AnyPolicy", "Built", "BuiltPair", "PairPolicy", "load", "parse",
]  # fmt: skip
