"""Which pairs a human should look at, who should judge them, and what a verdict changes."""
