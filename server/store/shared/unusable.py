"""Defines the error for a shared store that cannot be used at the start of a server. The module imports no
libraries.
"""


class SharedStoreUnusable(RuntimeError):
    """The shared store cannot be used; the text gives the reason and what to set."""
