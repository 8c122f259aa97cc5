"""Compute entry points: load, call curation, store."""
