"""Text and emotion in, speech out: requests, models, voices."""
