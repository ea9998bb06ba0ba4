"""Command-line options of the commands, in groups that are declared as dataclasses."""
