"""LoRA voices: from recordings of a speaker to an adapter of the token LM and its self-test.

recordings -> checks, clips, transcripts, alignment -> LoRA training with emotion replay ->
voice folder -> self-test
"""
