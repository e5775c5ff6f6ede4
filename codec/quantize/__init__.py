"""Codebooks and the residual quantiser."""
