"""Where photographs and their labels come from."""
