"""What training the language model needs."""
