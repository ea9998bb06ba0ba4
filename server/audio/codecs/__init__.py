"""Delivery formats (codecs): encoders that take sound in windows and return whole frames."""
