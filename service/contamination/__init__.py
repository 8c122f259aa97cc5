"""What pairs repeat of benchmarks that the user names, with the evidence."""
