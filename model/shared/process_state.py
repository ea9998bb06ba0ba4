"""The lock for process-wide state of libraries, such as torch's settings."""

import threading

process_state = threading.RLock()
"""Lock to hold while a loading engine changes process-wide state of a library, or depends on it: torch's default type
and device, the initialisers of weights. Engines of one worker are loaded at the same time in threads; reading files and
copying weights to a device need no lock.
"""
