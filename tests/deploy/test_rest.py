"""Tests that REST responds to generated requests as its OpenAPI document says."""

import threading

import grpc
import pytest

from tests.deploy.tools import output_of, tool
from tests.support.service import running_service

pytestmark = pytest.mark.deploy

FAKE = "fake=tests.support.fakes:FakeEngine"
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)


def test_answers_are_those_that_the_document_promises() -> None:
    with running_service(FAKE) as service:
        assert service.process.stderr is not None
        threading.Thread(target=service.process.stderr.read, daemon=True).start()
        with grpc.insecure_channel(service.address) as channel:
            service.wait_serving(channel)
        output_of(
            *(tool("schemathesis"), "run", f"http://{service.http_address}/openapi.json"),
            *("--checks", ",".join(CHECKS), "--phases", "examples,coverage,fuzzing"),
            *("--max-examples", "60", "--generation-deterministic", "--request-timeout", "30", "--max-time", "60"),
            *("--suppress-health-check", "all", "--no-color"),
            timeout_seconds=200.0,
        )
