"""Authenticates calls by their API key."""

from collections.abc import Callable, Iterable

from server.auth.api_keys import ApiKey, Scope
from server.auth.caller import authenticated
from server.auth.key_life import key_expires_at
from server.errors import PermissionDenied, ServiceError, Unauthenticated

AUTHORIZATION = "authorization"
_SCHEME = "bearer "


class Authenticator:
    """Identifies the caller of a call by the API key in the call's metadata."""

    def __init__(self, find: Callable[[str], ApiKey | None], refused: Callable[[ServiceError], None]) -> None:
        """Set up the authenticator. `find` returns the entry of an API key, or `None` for an invalid key; `refused` is
        called with the error of every refused call.
        """
        self._find = find
        self._refused = refused

    def authenticate(self, metadata: Iterable[tuple[str, str | bytes]] | None, scope: Scope | None) -> None:
        """Check the API key in a call's metadata, and set its holder as the caller of the present call. If `scope` is
        `None`, any valid key suffices.

        Raises:
            Unauthenticated: no valid key was sent.
            PermissionDenied: the key lacks the scope.
        """
        try:
            key = self._key(metadata, scope)
        except ServiceError as error:
            self._refused(error)
            raise
        authenticated.set(key.name)
        key_expires_at.set(key.expires_at)

    def _key(self, metadata: Iterable[tuple[str, str | bytes]] | None, scope: Scope | None) -> ApiKey:
        key = self._find(_secret(metadata))
        if key is None:
            raise Unauthenticated(
                "the server does not know this API key, or its operator has removed it: send a valid one"
            )
        if scope is not None and scope not in key.scopes:
            raise PermissionDenied(
                f"the API key lacks the scope {scope.value!r}: use another key, or ask the operator of the server to "
                "add the scope"
            )
        return key


def _secret(metadata: Iterable[tuple[str, str | bytes]] | None) -> str:
    values = [value for name, value in metadata or () if name == AUTHORIZATION]
    if len(values) == 1 and isinstance(value := values[0], str) and value.lower().startswith(_SCHEME):
        return value[len(_SCHEME) :].strip()
    raise Unauthenticated("an API key is required: send 'Authorization: Bearer KEY'")
