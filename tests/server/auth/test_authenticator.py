from collections.abc import Iterable

import pytest

from server.auth.api_keys import ApiKey, Scope
from server.auth.authenticator import Authenticator
from server.auth.caller import caller_of
from server.errors import PermissionDenied, ServiceError, Unauthenticated

KEYS = {
    "good": ApiKey(name="games", sha256="0" * 64),
    "weak": ApiKey(name="viewer", sha256="1" * 64, scopes=frozenset({Scope.ENGINES})),
}


def refusal(metadata: Iterable[tuple[str, str | bytes]] | None, scope: Scope | None = Scope.GENERATE) -> ServiceError:
    """Return the error with which the authenticator refuses a call with this metadata; fails unless its callback got
    the same error, exactly once.
    """
    reported: list[ServiceError] = []
    with pytest.raises(ServiceError) as error:
        Authenticator(KEYS.get, reported.append).authenticate(metadata, scope)
    assert reported == [error.value]
    return error.value


@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
@pytest.mark.parametrize("scope", [Scope.GENERATE, None])
async def test_the_holder_of_a_known_key_is_the_caller(scheme: str, scope: Scope | None) -> None:
    reported: list[ServiceError] = []
    Authenticator(KEYS.get, reported.append).authenticate([("authorization", f"{scheme} good")], scope)
    assert (caller_of([("x-caller", "somebody else")]), reported) == ("games", [])


@pytest.mark.parametrize(
    "metadata",
    [
        None,
        [],
        [("authorization", "Bearer unknown")],
        [("authorization", "good")],
        [("authorization", b"Bearer good")],
        [("authorization", "Bearer good"), ("authorization", "Bearer good")],
    ],
)
async def test_without_one_known_key_the_call_is_refused(metadata: list[tuple[str, str | bytes]] | None) -> None:
    assert isinstance(refusal(metadata), Unauthenticated)


async def test_a_key_without_the_scope_is_refused() -> None:
    assert isinstance(refusal([("authorization", "Bearer weak")]), PermissionDenied)
    Authenticator(KEYS.get, lambda _: None).authenticate([("authorization", "Bearer weak")], Scope.ENGINES)
