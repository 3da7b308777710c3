"""Runs on disk: what was set, what was measured and what came out."""
