"""Topics of a dataset: their names, a map, and how a subset covers them."""
