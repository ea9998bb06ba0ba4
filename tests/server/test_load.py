import grpc
import pytest

from melisma.orca.v1.load_report_pb2 import LoadReport
from melisma.v1 import music_pb2, music_pb2_grpc
from server.depth import Depth
from server.errors import Overloaded
from server.load import TRAILER_KEY, LoadReports
from tests.edge import details_of, edge
from tests.fake_runner import FakeRunner
from tests.fakes import ManualClock


def test_the_bytes_are_those_of_orca() -> None:
    """Fields by hand, as xds.data.orca.v3 numbers them: 6 and 9 are doubles, 8 a map of strings to doubles."""
    report = LoadReport(application_utilization=1.5, rps_fractional=2.0, named_metrics={"q": 1.0})
    entry = b"\x0a\x01q\x11\x00\x00\x00\x00\x00\x00\xf0?"
    wire = b"1\x00\x00\x00\x00\x00\x00\x00@" + b"B" + bytes([len(entry)]) + entry + b"I\x00\x00\x00\x00\x00\x00\xf8?"
    assert report.SerializeToString(deterministic=True) == wire


def report_of(reports: LoadReports, *, song: bool) -> LoadReport:
    ((key, value),) = reports.trailers(song=song)
    assert key == TRAILER_KEY
    return LoadReport.FromString(value)


def test_the_report_counts_what_is_here_and_what_has_ended() -> None:
    clock = ManualClock(100.0)
    depths = {"studio": Depth(waiting_songs=3, running_songs=4), "fake": Depth(running_songs=1)}
    reports = LoadReports(lambda: depths, 4, clock)
    clock.now = 130.0
    for _ in range(59):
        reports.trailers(song=True)
    reports.trailers(song=False)
    found = report_of(reports, song=True)
    assert found.application_utilization == pytest.approx(2.0)
    assert dict(found.named_metrics) == {"queue_songs": 3.0, "running_songs": 5.0}
    assert found.rps_fractional == pytest.approx(2.0)


def test_an_idle_server_has_some_weight() -> None:
    assert report_of(LoadReports(dict, 4, ManualClock()), song=False).rps_fractional > 0


def told(*, song: bool) -> tuple[tuple[str, bytes], ...]:
    """In the place of the real trailer, which gRPC's own clients keep to themselves."""
    return (("x-told-bin", b"song" if song else b"question"),)


async def test_every_call_ends_with_a_report_whatever_its_status() -> None:
    request = music_pb2.GenerateRequest(prompt="pop")
    async with edge(FakeRunner(), trailers=told) as channel:
        stub = music_pb2_grpc.MusicServiceStub(channel)
        song = stub.Generate(request)
        async for _ in song:
            pass
        question = stub.ListEngines(music_pb2.ListEnginesRequest())
        await question
        assert dict(await song.trailing_metadata())["x-told-bin"] == b"song"
        assert dict(await question.trailing_metadata())["x-told-bin"] == b"question"
    async with edge(FakeRunner(error=Overloaded("full", 3.0)), trailers=told) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as error:
            async for _ in music_pb2_grpc.MusicServiceStub(channel).Generate(request):
                pass
    assert dict(error.value.trailing_metadata())["x-told-bin"] == b"song"
    assert details_of(error.value)["RetryInfo"].retry_delay.seconds == 3
