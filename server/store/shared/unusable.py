"""The error that ends the start of a server with an unusable shared store, in a module that imports no libraries."""


class SharedStoreUnusable(RuntimeError):
    """The shared store cannot be used; the text gives the reason and what to set."""
