"""Copies in a data set, what they spoil, and splits that are clean of them (forget.hygiene)."""
