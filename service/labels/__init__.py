"""What is stored of labels: read back, made into pairs, taken away again."""
