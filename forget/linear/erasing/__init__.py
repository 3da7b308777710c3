"""In-place editing as in the literature, for comparison: suppression, never a guarantee."""
