"""What frozen features know: kNN, linear probes, few labels."""
