"""Random views: sample every choice, then apply."""
