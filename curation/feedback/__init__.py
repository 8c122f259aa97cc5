"""What users say about the answers they got, read from conversations."""
