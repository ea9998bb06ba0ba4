"""Converts the sound that an engine renders, window by window, to encoded frames: mastering, resampling and
encoding.
"""
