"""Intervals, comparisons and chance."""
