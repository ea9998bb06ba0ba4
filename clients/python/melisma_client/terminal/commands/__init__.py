"""The commands of `melisma`, one module for each kind of resource."""
