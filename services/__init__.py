"""Verbs: the only code that writes. Services add and flush; the door that called them commits."""
