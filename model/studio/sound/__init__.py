"""Sampled instruments, reverb and mix: from the notes of an arrangement to stereo sound."""
