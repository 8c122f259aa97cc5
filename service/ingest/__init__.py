"""Rows -> records -> stored prompts, responses, labels and pairs."""
