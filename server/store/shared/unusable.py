"""The error that ends a server's start; imports no libraries, so that servers with another store can import it, too."""


class SharedStoreUnusable(RuntimeError):
    """The shared store cannot be used; the text says why, and what to set."""
