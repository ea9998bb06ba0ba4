"""From the engine's windows to MP3 frames: mastering, resampling, encoding."""
