"""From the engine's windows to encoded frames: mastering, resampling, encoding."""
