"""Converts the windows of sound from an engine to encoded frames: mastering, resampling and encoding."""
