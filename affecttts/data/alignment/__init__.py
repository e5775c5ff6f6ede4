"""Phone durations from audio and transcripts: forced alignment."""
