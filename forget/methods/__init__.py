"""Unlearning algorithms, one per file, under one contract."""
