"""The version of Melisma."""

VERSION = "0.1.0"
