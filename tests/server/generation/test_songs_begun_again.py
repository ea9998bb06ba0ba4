"""Tests of songs that one server begins again under the same id, after it has lost them and claimed them again."""

from tests.support.encoders.in_process import in_process_encoders
from tests.support.runners import Song, begun, heard_more, request, running
from tests.support.sinks import ReadSink

LONG = request(seed=5, duration_seconds=40.0)


async def test_a_song_that_is_begun_again_is_whole_whatever_the_former_job_leaves_behind() -> None:
    async with running(encoders=in_process_encoders(encoders=1)) as bench:
        undisturbed = await bench.submit(LONG).sound()
        for _ in range(5):
            sink = ReadSink()
            former = Song(begun(bench.runner, "song", LONG, sink), sink)
            await heard_more([former])
            former.job.cancel()
        sink = ReadSink()
        last = Song(begun(bench.runner, "song", LONG, sink), sink)
        assert last.accepted.song_id == last.job.song_id == "song"
        assert await last.sound() == undisturbed
