"""Encoder, heads, and the whole model."""
