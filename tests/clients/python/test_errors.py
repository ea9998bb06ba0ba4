from collections.abc import Iterator

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, RetryInfo

import melisma_client
from melisma.v1.music_pb2 import GenerateResponse
from melisma_client import (
    NO_RETRY,
    Cancelled,
    Client,
    ConnectionLost,
    DeadlineExceeded,
    DeadlineTooShort,
    FieldViolation,
    InvalidRequest,
    MelismaError,
    NotFound,
    NotReady,
    OutOfRange,
    Overloaded,
    PermissionDenied,
    RequestIdReused,
    ServerFault,
    SongRequest,
    Unauthenticated,
    Unavailable,
)
from tests.clients.python.fakes import FakeMusic, refuses

KINDS = {
    grpc.StatusCode.ALREADY_EXISTS: RequestIdReused,
    grpc.StatusCode.OUT_OF_RANGE: OutOfRange,
    grpc.StatusCode.CANCELLED: Cancelled,
    grpc.StatusCode.DEADLINE_EXCEEDED: DeadlineExceeded,
    grpc.StatusCode.FAILED_PRECONDITION: NotReady,
    grpc.StatusCode.INVALID_ARGUMENT: InvalidRequest,
    grpc.StatusCode.NOT_FOUND: NotFound,
    grpc.StatusCode.PERMISSION_DENIED: PermissionDenied,
    grpc.StatusCode.RESOURCE_EXHAUSTED: Overloaded,
    grpc.StatusCode.UNAUTHENTICATED: Unauthenticated,
    grpc.StatusCode.UNAVAILABLE: Unavailable,
}


def failure_of(address: str) -> MelismaError:
    with Client(address, retry=NO_RETRY) as client, pytest.raises(MelismaError) as caught:
        list(client.generate(SongRequest(prompt="pop")))
    return caught.value


@pytest.mark.parametrize("code", [code for code in grpc.StatusCode if code is not grpc.StatusCode.OK])
def test_every_status_becomes_its_error(code: grpc.StatusCode, music: FakeMusic, address: str) -> None:
    music.acts = [refuses(code, "because")]
    error = failure_of(address)
    assert (type(error), str(error)) == (KINDS.get(code, ServerFault), "because")


@pytest.mark.parametrize("code", [grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN, grpc.StatusCode.CANCELLED])
def test_a_status_without_details_comes_from_the_way(code: grpc.StatusCode, music: FakeMusic, address: str) -> None:
    def breaks(context: grpc.ServicerContext) -> Iterator[GenerateResponse]:
        context.abort(code, "Received RST_STREAM with error code 2")

    music.acts = [breaks]
    error = failure_of(address)
    assert type(error) is ConnectionLost
    assert str(error) == "the connection was lost: Received RST_STREAM with error code 2"


@pytest.mark.parametrize("name", ["MADE_ELSEWHERE", "LISTENER_STALLED"])
def test_a_song_that_can_be_heard_further_is_sought_like_one_behind_a_lost_connection(
    music: FakeMusic, address: str, name: str
) -> None:
    reason = ErrorInfo(reason=name, domain="melisma.v1")
    music.acts = [refuses(grpc.StatusCode.UNAVAILABLE, "listen at another one", reason)]
    error = failure_of(address)
    assert (type(error), str(error)) == (ConnectionLost, "listen at another one")


def test_what_a_balancer_refuses_is_no_lost_connection(music: FakeMusic, address: str) -> None:
    def refuses_by_http(context: grpc.ServicerContext) -> Iterator[GenerateResponse]:
        context.abort(grpc.StatusCode.UNKNOWN, "Received http2 header with status: 413")

    music.acts = [refuses_by_http]
    assert type(failure_of(address)) is ServerFault


def test_violations_name_the_fields(music: FakeMusic, address: str) -> None:
    violation = BadRequest.FieldViolation(field="seed", description="too large")
    details = BadRequest(field_violations=[violation])
    music.acts = [refuses(grpc.StatusCode.INVALID_ARGUMENT, "bad", ErrorInfo(), details)]
    error = failure_of(address)
    assert isinstance(error, InvalidRequest)
    assert error.violations == (FieldViolation("seed", "too large"),)


def test_the_servers_advice_when_to_come_back_is_kept(music: FakeMusic, address: str) -> None:
    advice = RetryInfo(retry_delay=Duration(seconds=1, nanos=500_000_000))
    music.acts = [refuses(grpc.StatusCode.RESOURCE_EXHAUSTED, "full", advice)]
    error = failure_of(address)
    assert isinstance(error, Overloaded)
    assert error.retry_after_seconds == 1.5


def test_a_deadline_that_cannot_be_met_is_an_error_of_its_own(music: FakeMusic, address: str) -> None:
    reason = ErrorInfo(reason="DEADLINE_CANNOT_BE_MET", domain="melisma.v1")
    advice = RetryInfo(retry_delay=Duration(seconds=2))
    music.acts = [refuses(grpc.StatusCode.RESOURCE_EXHAUSTED, "too short", reason, advice)]
    error = failure_of(address)
    assert isinstance(error, DeadlineTooShort)
    assert error.retry_after_seconds == 2


def test_every_error_can_be_imported_from_the_package() -> None:
    kinds = {kind for kind in vars(melisma_client.errors).values() if isinstance(kind, type)}
    assert {kind.__name__ for kind in kinds if issubclass(kind, MelismaError)} <= set(melisma_client.__all__)
