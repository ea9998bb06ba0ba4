"""A lock for the state that libraries keep for the whole process."""

import threading

process_state = threading.RLock()
"""Held while an engine that is being loaded changes state that a library keeps for the whole process, or makes what
depends on such state: torch's default type and device, the initialisers of weights. Engines of one worker are loaded
beside each other, each in a thread; reading files and copying weights to a device need no lock."""
