"""What a configuration means: parts, directories, checkpoints, numbers."""
