"""What training the speaker encoder needs."""
