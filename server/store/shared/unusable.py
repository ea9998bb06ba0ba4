"""The error that ends the start of a server; free of libraries, for a server with another store reads it, too."""


class SharedStoreUnusable(RuntimeError):
    """The shared store cannot be used; the text says why, and what to set."""
