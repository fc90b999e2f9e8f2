"""What a checkpoint scores, on features that stay as they are."""
