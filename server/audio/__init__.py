"""Mastering, resampling and encoding: converts the engine's windows to encoded frames."""
