"""Explains to operators why a process cannot join a Ray cluster, and checks the token for joining."""

from pathlib import Path

from server.workers.restarting_pool import PoolUnusable

_WAYS = (
    (
        ("version mismatch",),
        "its version of Ray or Python differs from that of this server: run the same image on all nodes, head included",
    ),
    (
        ("authentication", "unauthenticated", "token", "unauthorized"),
        "it does not admit this server: MELISMA_POOL__RAY_TOKEN_FILE must have the token of the cluster",
    ),
    (
        ("raylet", "node ip", "can't find a `node_ip_address", "this node has an ip"),
        "this computer is no node of it: run 'ray start --address HOST:PORT --num-cpus 0' here before the server",
    ),
)
_OTHERWISE = (
    "it does not answer: check MELISMA_POOL__RAY_ADDRESS, that the head is running, that a network policy lets this "
    "server in, and that MELISMA_POOL__RAY_TOKEN_FILE has the cluster's token"
)

_MIN_TOKEN_CHARACTERS = 32


class CannotJoin(Exception):
    """The cluster cannot be joined; the text says what to do."""


def reason(address: str, error: Exception) -> str:
    """Return the text of an error: why the cluster at `address` could not be joined and what to do, judged by an error
    of Ray.
    """
    said = " ".join(str(error).split())
    way = next((text for signs, text in _WAYS if any(sign in said.lower() for sign in signs)), _OTHERWISE)
    return f"the Ray cluster at {address} cannot be joined; {way} ({type(error).__name__}: {said[:300]})"


def check_token(file: str) -> None:
    """Check that a file contains a token with which a process can join a cluster.

    Raises:
        PoolUnusable: the file cannot be read or has no such token.
    """
    make = "write the cluster's token into it, such as one that 'openssl rand -hex 32' makes"
    try:
        token = Path(file).read_text("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise PoolUnusable(f"MELISMA_POOL__RAY_TOKEN_FILE: {file} cannot be read ({error}): {make}") from error
    if len(token) < _MIN_TOKEN_CHARACTERS or token.split() != [token]:
        raise PoolUnusable(
            f"MELISMA_POOL__RAY_TOKEN_FILE: {file} must have one token of at least {_MIN_TOKEN_CHARACTERS} "
            f"characters: {make}"
        )
