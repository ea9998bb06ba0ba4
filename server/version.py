"""The version number of Melisma."""

VERSION = "0.1.0"
