"""What differs between two subsets or two exports: pairs, labels, scores, distributions."""
