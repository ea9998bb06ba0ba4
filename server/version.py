"""The version of Melisma, as the server and its packages report it."""

VERSION = "0.1.0"
