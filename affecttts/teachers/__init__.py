"""Frozen teachers of the codec's modules: features of emotion and content for every codec frame."""
