"""What was selected and whether it helps, for people: one set of numbers, several forms."""
