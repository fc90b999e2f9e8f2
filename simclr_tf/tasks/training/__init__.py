"""What trainings share, and what stands beside them."""
