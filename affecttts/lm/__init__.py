"""The token language model: layout, sequence, sampling."""
