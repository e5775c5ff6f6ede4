"""Models that judge words, voice, sound and emotion; none took part in training."""
