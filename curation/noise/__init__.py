"""How likely a label is wrong, how many are, and what may be done about it. No label is changed."""
