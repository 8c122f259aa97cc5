"""Everything that computes on torch or faiss; the only place that may import them."""
