"""What is left of a data set above a threshold, for all thresholds at once."""
