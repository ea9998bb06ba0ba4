from typing import Any

import pytest

from server.settings.groups import Device, Limits, Rest, Threads
from server.settings.roles import without_effect
from server.settings.settings import Settings
from server.settings.store import Store

SHARED = Store(kind="shared", directory="valkey://host", objects="memory://")


@pytest.mark.parametrize("role", ["frontend", "generator"])
def test_a_role_needs_a_store_that_others_share(role: str) -> None:
    with pytest.raises(ValueError, match=f"MELISMA_ROLE={role} is for servers that share a store: set MELISMA_STORE__"):
        Settings(role=role)  # type: ignore[arg-type]
    assert Settings(role=role, store=SHARED).takes_calls == (role == "frontend")  # type: ignore[arg-type]
    assert Settings(role=role, store=SHARED).makes_songs == (role == "generator")  # type: ignore[arg-type]


def test_what_is_set_for_another_role_is_named() -> None:
    given: dict[str, Any] = {
        "devices": (Device(device="cuda:0"),),
        "threads": Threads(encoders=3),
        "limits": Limits(running_songs=4, queued_songs=8, heartbeat_seconds=2.0),
        "rest": Rest(enabled=not Rest().enabled),
        "store": SHARED.model_copy(update={"cold_start_seconds": 9.0}),
    }
    assert without_effect(Settings(role="frontend", **given)) == (
        "MELISMA_DEVICES",
        "MELISMA_THREADS__ENCODERS",
        "MELISMA_LIMITS__RUNNING_SONGS",
    )
    assert without_effect(Settings(role="generator", **given)) == (
        "MELISMA_REST__ENABLED",
        "MELISMA_LIMITS__QUEUED_SONGS",
        "MELISMA_STORE__COLD_START_SECONDS",
    )
    assert without_effect(Settings(role="all", store=SHARED)) == ()
