"""Manifests, licences, corpora, checks, cached audio and codes."""
