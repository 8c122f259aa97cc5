"""Near-duplicates of a dataset or of files: groups with their members, and repeated judgments."""
