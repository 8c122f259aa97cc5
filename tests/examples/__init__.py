"""The example data and scripts."""
