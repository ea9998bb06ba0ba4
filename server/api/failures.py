"""Logs the errors of calls that are no caller's fault, gRPC and REST alike."""

import logging

from server.contract.status import INTERNAL, STORE_UNAVAILABLE, outcome_of

logger = logging.getLogger(__name__)


def log_failure(error: Exception) -> None:
    """Log a bug whole, and what the song store says; nothing of other errors, which their callers are told."""
    outcome = outcome_of(error)
    if outcome is INTERNAL:
        logger.error("A call failed because of a bug", exc_info=error)
    elif outcome is STORE_UNAVAILABLE:
        logger.error("a call failed: %s", error)
