"""Peers and prefsift side by side, measured in one run."""
