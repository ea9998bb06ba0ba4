import asyncio

import pytest

from server.api.open_calls import LAST_BYTE_GRACE_SECONDS, OpenCalls
from server.errors import ListenerStalled


async def test_none_is_open_before_the_first_call_and_after_the_last() -> None:
    calls = OpenCalls()
    await calls.none()
    with calls.one():
        with calls.one():
            pass
        waiting = asyncio.ensure_future(calls.none())
        await asyncio.sleep(0)
        assert not waiting.done()
    await waiting


async def test_only_while_draining_a_call_takes_its_time_to_end() -> None:
    calls, loop = OpenCalls(), asyncio.get_running_loop()
    ended = asyncio.ensure_future(calls.before_end())
    await asyncio.sleep(0)
    assert ended.done()
    calls.start_draining()
    began_at = loop.time()
    await calls.before_end()
    assert loop.time() - began_at >= LAST_BYTE_GRACE_SECONDS


async def test_a_client_that_takes_nothing_for_too_long_is_let_go_of() -> None:
    calls = OpenCalls(stall_seconds=0.01)
    await calls.taken(asyncio.sleep(0))
    with pytest.raises(ListenerStalled, match=r"for 0\.01 s: call Listen again, from the next byte"):
        await calls.taken(asyncio.sleep(60))
    calls.start_draining()  # nothing is left of either


async def test_patience_is_short_once_connections_are_to_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.api.open_calls.DRAINING_STALL_SECONDS", 0.05)
    calls, patient, hasty = OpenCalls(stall_seconds=60), asyncio.sleep(60), OpenCalls(stall_seconds=0.01)
    before = asyncio.ensure_future(calls.taken(patient))
    await asyncio.sleep(0)
    async with asyncio.timeout(10):
        for one in (calls, hasty):
            one.start_draining()
        with pytest.raises(ListenerStalled, match=r"0\.05 s"):
            await before
        with pytest.raises(ListenerStalled, match=r"0\.05 s"):
            await calls.taken(asyncio.sleep(60))
        with pytest.raises(ListenerStalled, match=r"0\.01 s"):
            await hasty.taken(asyncio.sleep(60))


async def test_what_goes_wrong_in_sending_is_told_as_it_is() -> None:
    async def late() -> None:
        raise TimeoutError("its own")

    with pytest.raises(TimeoutError, match="its own"):
        await OpenCalls().taken(late())
