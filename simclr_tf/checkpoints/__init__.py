"""What is trained, kept in files: ours and the official ones."""
