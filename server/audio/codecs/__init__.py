"""Delivery formats: encoders that take sound in windows and return whole frames."""
