"""What training costs, computed before it is paid."""
