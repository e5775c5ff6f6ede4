"""Emotions by name and in free words, and what a request asks of them."""
