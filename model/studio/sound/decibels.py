"""Converts levels in decibels."""

import math


def amplitude_of(gain_db: float) -> float:
    """Return the factor on samples for a gain in dB."""
    return math.pow(10.0, gain_db / 20.0)
