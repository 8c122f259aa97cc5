"""Bytes of any file type -> rows, one at a time, with where each came from."""
