"""Mastering, resampling and encoding: from the engine's windows to encoded frames."""
