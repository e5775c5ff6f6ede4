"""Codes of a corpus: encoding, storing, merging."""
