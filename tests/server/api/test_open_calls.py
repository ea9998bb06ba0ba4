import asyncio

from server.api.open_calls import PARTING_SECONDS, OpenCalls


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


async def test_only_while_parting_a_call_takes_its_time_to_end() -> None:
    calls, loop = OpenCalls(), asyncio.get_running_loop()
    ended = asyncio.ensure_future(calls.before_end())
    await asyncio.sleep(0)
    assert ended.done()
    calls.part()
    began_at = loop.time()
    await calls.before_end()
    assert loop.time() - began_at >= PARTING_SECONDS
