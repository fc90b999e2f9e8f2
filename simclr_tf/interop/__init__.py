"""Checkpoints of every kind, read into our models."""
