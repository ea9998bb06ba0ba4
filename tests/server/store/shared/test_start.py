"""Tests of the start of a server with an unusable shared store: the error names the setting to correct."""

import logging
from collections.abc import Callable
from pathlib import Path

import pytest
from redis.asyncio import Redis

from server.store.shared.addresses import DirectoryAddress
from server.store.shared.connection import DirectoryAccess
from server.store.shared.inspection import VERSION_KEY
from server.store.shared.service import SharedStorePlan, shared_store
from server.store.shared.unusable import SharedStoreUnusable
from tests.support.servers import DirectoryServer, free_port
from tests.support.shared_stores import plan_for

pytestmark = pytest.mark.shared


async def start(plan: SharedStorePlan) -> None:
    async with shared_store(plan):
        pass


async def refusal(plan: SharedStorePlan) -> str:
    with pytest.raises(SharedStoreUnusable) as refused:
        await start(plan)
    return str(refused.value)


def access(server: DirectoryServer, user: str = "", password_file: Path | None = None) -> SharedStorePlan:
    address = DirectoryAddress((("127.0.0.1", server.port),), user=user)
    return SharedStorePlan(DirectoryAccess(address, password_file), plan_for().objects)


async def test_a_directory_that_drops_songs_when_it_is_full_is_refused(
    own_server: Callable[..., DirectoryServer],
) -> None:
    said = await refusal(access(own_server("--maxmemory", "50mb", "--maxmemory-policy", "allkeys-lru")))
    assert "allkeys-lru" in said
    assert "set its maxmemory-policy to noeviction" in said


async def test_a_wrong_password_is_told_with_the_settings_that_have_it(
    own_server: Callable[..., DirectoryServer], tmp_path: Path
) -> None:
    server, file = own_server("--requirepass", "right"), tmp_path / "password"
    file.write_text("right\n")
    await start(access(server, password_file=file))
    file.write_text("wrong")
    for plan in (access(server, password_file=file), access(server)):
        said = await refusal(plan)
        assert "MELISMA_STORE__DIRECTORY_PASSWORD_FILE" in said
        assert "right" not in said
    said = await refusal(access(server, password_file=tmp_path / "none"))
    assert "MELISMA_STORE__DIRECTORY_PASSWORD_FILE" in said


async def test_a_user_who_may_do_little_more_than_scripts_is_enough_but_cannot_tell_how_the_server_is_set(
    own_server: Callable[..., DirectoryServer], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server, file = own_server(), tmp_path / "password"
    file.write_text("secret")
    async with Redis.from_url(server.url) as admin:
        await admin.execute_command("ACL", "SETUSER", "songs", "on", ">secret", "~m:*", "&m:*", "+@all", "-@dangerous")
    with caplog.at_level(logging.WARNING):
        await start(access(server, "songs", file))
    assert "maxmemory-policy is noeviction" in caplog.text


async def test_a_directory_that_is_not_there_is_told_with_the_setting() -> None:
    said = await refusal(plan_for(f"redis://127.0.0.1:{free_port()}", outage_seconds=0.1))
    assert "cannot be reached" in said
    assert "MELISMA_STORE__DIRECTORY" in said


async def test_a_directory_of_a_newer_version_is_refused(client: Redis) -> None:
    await client.set(VERSION_KEY, 99)
    assert "newer version" in await refusal(plan_for())


async def test_objects_that_are_not_there_are_told_with_the_setting(client: Redis, tmp_path: Path) -> None:
    (tmp_path / "objects").write_text("a file in the place of the folder")
    said = await refusal(plan_for(objects=f"file://{tmp_path}/objects"))
    assert "MELISMA_STORE__OBJECTS" in said
