"""What is fast, against what, measured side by side."""
