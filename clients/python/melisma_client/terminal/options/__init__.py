"""Options of the commands, in groups that are declared as dataclasses."""
