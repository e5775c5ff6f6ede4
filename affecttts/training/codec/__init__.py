"""What training a codec needs."""
