import pytest

from tests.support.encoders.kinds import EncoderKind, InProcessEncoders, ProcessEncoders


@pytest.fixture(params=[ProcessEncoders(), InProcessEncoders()], ids=["processes", "in process"])
def kind(request: pytest.FixtureRequest) -> EncoderKind:
    made: EncoderKind = request.param
    return made
