"""What a plan measures, advises and says."""
