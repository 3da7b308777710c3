"""What forgetting costs on MUFAC: networks, linearizations, their price, and approximate steps."""
