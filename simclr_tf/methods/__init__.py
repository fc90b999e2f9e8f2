"""Training methods, from a `Config` to a finished run."""
