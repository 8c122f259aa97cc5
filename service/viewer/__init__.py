"""The read side: a dataset's pairs as rows, in pages, in streams and as files."""
