"""What forgetting does on a face network from elsewhere: the network, and who leaves it."""
