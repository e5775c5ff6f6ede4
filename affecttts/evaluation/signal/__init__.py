"""Measures of one signal."""
