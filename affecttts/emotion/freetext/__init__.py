"""Reads a free-text prompt as emotions, an intensity and VAD values.

Three things are read from a prompt. The names of emotions in it count most
("sad but not angry"); a classifier over its sentence embedding reads the rest
("as if you just won the lottery"); words such as "slightly" scale the
intensity. `python -m affecttts.emotion.freetext --build` refits the classifier after a
change of the phrasings in prompts/emotions.yaml.
"""

from affecttts.emotion.freetext.encoder import FreeTextEncoder, PromptReading

__all__ = ["FreeTextEncoder", "PromptReading"]
