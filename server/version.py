"""Which Melisma this is."""

VERSION = "0.1.0"
