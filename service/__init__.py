"""HTTP and storage: what is known about the data."""
