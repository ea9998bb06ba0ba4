"""Logs the errors of gRPC and REST calls that are faults of the server, not of the caller."""

import logging

from server.contract.status import INTERNAL, STORE_UNAVAILABLE, outcome_of

logger = logging.getLogger(__name__)


def log_failure(error: Exception) -> None:
    """Log an unexpected error (a bug) with its traceback, or an error of the song store with its text. Other errors are
    only sent to the caller.
    """
    outcome = outcome_of(error)
    if outcome is INTERNAL:
        logger.error(
            "a call failed because of a bug of the server: please report it with this traceback", exc_info=error
        )
    elif outcome is STORE_UNAVAILABLE:
        logger.error("a call failed because the song store did not answer; the caller is asked to try again: %s", error)
