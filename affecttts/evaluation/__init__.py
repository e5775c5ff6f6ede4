"""How good codecs, speech and tokens are: measures, declared judges, reports."""
