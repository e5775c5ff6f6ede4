"""How good a codec is, by measures that need no judge model."""
