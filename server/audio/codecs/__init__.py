"""Delivery formats: encoders that take sound piece by piece and give back whole frames."""
