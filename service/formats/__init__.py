"""Data layouts, one file each: recognises it, reads it, writes it."""
