"""What-if: rows, tokens, money and noise by threshold, from stored sketches."""
