"""What a checkpoint is worth, from a `Config` to results."""
