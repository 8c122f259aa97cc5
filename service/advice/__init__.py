"""Which recipe to use on some files: measured, within a time."""
