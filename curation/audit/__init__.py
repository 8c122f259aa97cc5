"""What every label of a set is worth, from all that is known: votes, verified answers, content."""
