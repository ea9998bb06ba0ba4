"""Tests of the lists in the song directory, one for each engine, whose lengths autoscalers read as the number of songs
that have not ended; also as a directory user with few rights.
"""

import asyncio
import re
from dataclasses import replace
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import NoPermissionError

from server.song import SongState
from server.store.whole_service import ServedEngine
from tests.support.fake_runner import FAKE_INFO
from tests.support.servers import directory_server
from tests.support.shared_stores import plan_for, replicas
from tests.support.store_kinds import Replica
from tests.support.stored_songs import waiting

GUIDE = Path(__file__).resolve().parents[4] / "docs" / "operating.md"
LENGTH = "local kind = redis.call('TYPE', KEYS[1]).ok return redis.call(kind == 'zset' and 'ZCARD' or 'LLEN', KEYS[1])"
"""Redis script with KEDA's query for the length of a key by its type; a missing key (`none`) counts as an empty
list.
"""


async def test_a_list_has_each_song_that_has_not_ended_and_goes_with_the_servers() -> None:
    async with replicas(plan_for(), "here", now_ns=1) as ((parts,), client):
        await parts.directory.announce([ServedEngine(FAKE_INFO, ["cpu"], 4)], 60.0)
        await waiting(Replica(parts.store, parts.directory), 1)
        assert await parts.directory.demand(["other"], 30.0) == {"fake": 1, "other": 1}
        assert await client.lrange("m:demand:fake", 0, -1) == [b"song-1"]
        assert 25 <= await client.ttl("m:demand:fake") <= 30
        claim = await parts.directory.cancel("song-1")
        assert claim is not None
        ended = replace(claim.song, state=SongState.CANCELLED, ended_ns=1)
        await parts.store.end(ended, lease=claim.lease, at=claim.extent)
        await parts.directory.demand([], 30.0)
        # `other` is not missing any more, nor known: its list runs out by itself.
        assert await client.exists("m:demand:fake") == 0


async def test_servers_are_told_once_that_another_begins_or_ceases_to_serve_an_engine() -> None:
    served = [ServedEngine(FAKE_INFO, ["cpu"], 4)]
    async with replicas(plan_for(), "here", now_ns=1) as ((parts,), client), client.pubsub() as messages:
        await messages.subscribe("m:wake")
        for engines in (served, served, [], [], served):
            await parts.directory.announce(engines, 60.0)
        told = 0
        while await messages.get_message(ignore_subscribe_messages=False, timeout=0.2):
            told += 1
        assert told == 1 + 3


def test_the_user_of_the_guide_reads_lengths_and_nothing_else() -> None:
    (rights,) = re.findall(r"^user keda on >PASSWORD (.*)$", GUIDE.read_text("utf-8"), re.MULTILINE)
    url = directory_server().url
    with Redis.from_url(url) as administrator:
        administrator.rpush("m:demand:studio", "song-1", "song-2")
        administrator.set("m:song:song-1", "personal")
        administrator.acl_setuser("keda", enabled=True, reset=True, passwords=["+secret"])
        administrator.execute_command("ACL", "SETUSER", "keda", *rights.split())
        try:
            with Redis.from_url(url, username="keda", password="secret", db=0) as keda:
                assert keda.ping()
                assert [keda.eval(LENGTH, 1, f"m:demand:{engine}") for engine in ("studio", "none")] == [2, 0]
                for refused in (("GET", "m:song:song-1"), ("LRANGE", "m:demand:studio", 0, -1)):
                    with pytest.raises(NoPermissionError):
                        keda.execute_command(*refused)
        finally:
            administrator.acl_deluser("keda")
            administrator.delete("m:demand:studio", "m:song:song-1")


async def test_what_has_changed_between_two_waits_is_not_missed() -> None:
    async with replicas(plan_for(), "here", "there", now_ns=1) as ((here, there), _):
        await here.directory.wait(0.0)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await here.directory.wait(9.0)
        await there.directory.announce([ServedEngine(FAKE_INFO, ["cpu"], 4)], 60.0)
        await asyncio.sleep(0.2)
        async with asyncio.timeout(0.5):
            await here.directory.wait(9.0)
