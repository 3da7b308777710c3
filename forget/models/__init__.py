"""Networks as published, and their weights."""
