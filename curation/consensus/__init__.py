"""From the votes of several annotators to P(a better than b), and how far each can be trusted."""

from curation.consensus.votes import Consensus, Votes

__all__ = ["Consensus", "Votes"]
