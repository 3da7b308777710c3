"""Models whose last step is linear in what they learned, so that forgetting is a subtraction."""
