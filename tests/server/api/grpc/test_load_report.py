from typing import Any

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration

from melisma.orca.v1.load_report_pb2 import LoadReport, LoadReportRequest
from melisma.v1 import music_pb2, music_pb2_grpc
from server.api.grpc.load_report import ORCA_SERVICE, TRAILER_KEY, LoadReports
from server.errors import Overloaded
from server.scheduling.queue_depth import QueueDepth
from tests.support.edge import details_of, edge
from tests.support.fake_runner import FakeRunner


def test_the_bytes_are_those_of_orca() -> None:
    """The expected bytes follow the field numbers of xds.data.orca.v3: 6 and 9 are doubles, 8 is a map of strings to
    doubles.
    """
    report = LoadReport(application_utilization=1.5, rps_fractional=2.0, named_metrics={"q": 1.0})
    entry = b"\x0a\x01q\x11\x00\x00\x00\x00\x00\x00\xf0?"
    wire = b"1\x00\x00\x00\x00\x00\x00\x00@" + b"B" + bytes([len(entry)]) + entry + b"I\x00\x00\x00\x00\x00\x00\xf8?"
    assert report.SerializeToString(deterministic=True) == wire


def report_of(reports: LoadReports) -> LoadReport:
    ((key, value),) = reports.trailers()
    assert key == TRAILER_KEY
    return LoadReport.FromString(value)


def weight_of(report: LoadReport) -> int:
    """Return the weight that Envoy and gRPC compute from a load report."""
    return int(report.rps_fractional / report.application_utilization)


def test_the_report_counts_what_is_here() -> None:
    depths = {"studio": QueueDepth(waiting_songs=3, running_songs=4), "fake": QueueDepth(running_songs=1)}
    found = report_of(LoadReports(lambda: depths, lambda: 4))
    assert found.application_utilization == pytest.approx(2.25)
    assert dict(found.named_metrics) == {"queue_songs": 3.0, "running_songs": 5.0}


def test_a_server_weighs_as_it_has_room() -> None:
    def weight(songs: int, slots: int) -> int:
        return weight_of(report_of(LoadReports(lambda: {"studio": QueueDepth(running_songs=songs)}, lambda: slots)))

    assert weight(0, 4) == 4 * weight(3, 4)
    assert weight(7, 8) == weight(3, 4)
    assert weight(96, 32) > weight(97, 32) > 0


def test_a_server_that_makes_no_songs_itself_weighs_as_the_service_does() -> None:
    loads: list[tuple[int, int] | None] = [(5, 8)]
    reports = LoadReports(lambda: {"studio": QueueDepth()}, lambda: 0, lambda: loads[-1])
    assert report_of(reports).application_utilization == pytest.approx(6 / 8)
    assert dict(report_of(reports).named_metrics) == {"queue_songs": 0.0, "running_songs": 0.0}
    loads.append(None)
    assert report_of(reports).application_utilization == 1.0


def told() -> tuple[tuple[str, bytes], ...]:
    """Return trailing metadata that stands in for the load report, whose real key gRPC's own clients hide from the
    application.
    """
    return (("x-told-bin", b"told"),)


async def test_every_call_ends_with_a_report_whatever_its_status() -> None:
    request = music_pb2.GenerateRequest(prompt="pop")
    async with edge(FakeRunner(), trailers=told) as channel:
        stub = music_pb2_grpc.MusicServiceStub(channel)
        song = stub.Generate(request)
        async for _ in song:
            pass
        question = stub.ListEngines(music_pb2.ListEnginesRequest())
        await question
        assert dict(await song.trailing_metadata())["x-told-bin"] == b"told"
        assert dict(await question.trailing_metadata())["x-told-bin"] == b"told"
    async with edge(FakeRunner(error=Overloaded("full", 3.0)), trailers=told) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as error:
            async for _ in music_pb2_grpc.MusicServiceStub(channel).Generate(request):
                pass
    assert dict(error.value.trailing_metadata())["x-told-bin"] == b"told"
    assert details_of(error.value)["RetryInfo"].retry_delay.seconds == 3


async def test_a_balancer_may_ask_for_reports_now_and_then() -> None:
    """The request is that of Envoy: ORCA's own service name, and a Duration in field 1."""
    server, depths = grpc.aio.server(), {"studio": QueueDepth(running_songs=1)}
    server.add_generic_rpc_handlers((LoadReports(lambda: depths, lambda: 4).handler(),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        ask: Any = channel.unary_stream("/xds.service.orca.v3.OpenRcaService/StreamCoreMetrics")
        reports = ask(b"\x0a\x02\x08\x01")
        assert LoadReport.FromString(await reports.read()).application_utilization == pytest.approx(0.5)
        depths["studio"] = QueueDepth(running_songs=3)
        assert LoadReport.FromString(await reports.read()).application_utilization == pytest.approx(1.0)
        reports.cancel()
    await server.stop(0)


@pytest.mark.parametrize("seconds", [0, -(2**63), 2**63 - 1])
async def test_a_balancer_may_ask_for_reports_at_any_interval(seconds: int) -> None:
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((LoadReports(dict, lambda: 4).handler(),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    request = LoadReportRequest(report_interval=Duration(seconds=seconds, nanos=2**31 - 1))
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        ask: Any = channel.unary_stream(f"/{ORCA_SERVICE}/StreamCoreMetrics")
        reports = ask(request.SerializeToString())
        assert LoadReport.FromString(await reports.read()).application_utilization == pytest.approx(0.25)
        reports.cancel()
    await server.stop(0)
