"""What ablations and the preset `paper` choose in place of default parts, see codec/parts.py."""
