"""Writes a subset as a folder that trainers load, and checks such a folder."""
