"""Blocks, features and the networks of the default codec."""
