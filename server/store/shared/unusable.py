"""The error that ends the start of a server with an unusable shared store. It imports no libraries, so that servers
with another store can import it, too.
"""


class SharedStoreUnusable(RuntimeError):
    """The shared store cannot be used; the text gives the reason and what to set."""
