"""Contrastive and supervised losses."""
