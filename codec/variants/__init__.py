"""Parts that ablations and the preset `paper` choose instead of the default, see codec/parts.py."""
