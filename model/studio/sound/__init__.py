"""Renders the notes of an arrangement to stereo sound: sampled instruments, effects, reverb and mix."""
