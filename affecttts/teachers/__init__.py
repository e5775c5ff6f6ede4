"""Frozen teachers of the codec's modules: they say what emotion and what content every codec frame
holds.
"""
