"""Numbers from arrays; nothing here knows models or methods."""
