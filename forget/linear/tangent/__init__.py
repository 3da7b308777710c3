"""First-order expansion in the weights: projected gradients as features."""
