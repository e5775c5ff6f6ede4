"""What all training shares: configs, checkpoints, optimisers, tracking."""
