"""Damaged files, made at random but the same for the same seed; `python -m tests.fuzz TARGET --seconds N`."""
