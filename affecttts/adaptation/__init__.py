"""LoRA voices: from recordings of a speaker to an adapter of the token LM, and the proof that it
took.

    recordings -> checks, clips, transcripts, alignment -> LoRA training with emotion replay ->
    voice folder -> self-test
"""
