"""The training loop, its step, its records and its checkpoints."""
