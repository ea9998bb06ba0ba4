"""Sampled instruments, reverb and mix: renders the notes of an arrangement to stereo sound."""
