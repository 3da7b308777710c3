"""What all methods share: the contract, its promises, and the ways to take a step."""
