"""Tests of request bodies in the forms of other services: each makes a song, or is refused with field, reason and
remedy.
"""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from model.studio.info import INFO
from server.checking.local_checker import LocalChecker
from server.workers.worker_spec import EngineSpec
from tests.support.edge import songs_of
from tests.support.fake_runner import FakeRunner
from tests.support.rest import MUSIC, Rest
from tests.support.rest_edge import ask, rest_of

pytestmark = pytest.mark.asyncio(loop_scope="module")

ACE_STEP = (
    '{"prompt":"pop","lyrics":"春天","audio_duration":30,"infer_step":27,"guidance_scale":15,"scheduler_type":"euler",'
    '"cfg_type":"apg","omega_scale":10,"manual_seeds":"42","format":"mp3"}'
)
SONGS = [
    '{"prompt":"pop","duration":0}',
    '{"prompt":"pop","lyrics":null,"duration":15}',
    '{"prompt":null,"lyrics":"春天","duration":15}',
    '{"prompt":"pop","lyrics":"[inst]","duration":15}',
    '{"prompt":"pop","lyrics":"[instrumental]","duration":15}',
    '{"prompt":"pop","duration":15,"seed":42.0}',
    '{"prompt":"pop","duration":15,"voice":null}',
    '{"prompt":"pop\\u0000x","duration":15}',
    '{"prompt":"pop","audio":{"format":null,"bitrate_kbps":null},"stems":null,"output_format":null,"request_id":null}',
    '\ufeff{"prompt":"pop"}',
]
REFUSED: list[tuple[str, dict[str, str]]] = [
    (
        ACE_STEP,
        {
            "audio_duration": "use duration",
            "infer_step": "use steps",
            "scheduler_type": "use ace_step.sampler",
            "cfg_type": "GET /openapi.json lists the fields",
            "omega_scale": "use ace_step.omega",
            "manual_seeds": "use seed",
            "format": "use output_format",
        },
    ),
    (
        '{"model":"studio","input":"春天","voice":"female","response_format":"mp3"}',
        {"model": "use engine", "input": "use lyrics", "response_format": "use output_format"},
    ),
    ('{"prompt":"pop","make_instrumental":true,"duration":15}', {"make_instrumental": "leave lyrics out"}),
    ('[{"prompt":"pop"}]', {"request": 'must be a JSON object, such as {"prompt": "pop"}'}),
    ("null", {"request": "must be a JSON object"}),
    ("", {"request": "is not valid JSON"}),
    ("{'prompt':'pop','duration':15}", {"request": "line 1, column 2); put names and strings in double quotes"}),
    ('{"prompt":"pop","duration":NaN}', {"request": "no number NaN"}),
    ('{"prompt":"   ","lyrics":"\\n \\n"}', {"prompt": "must not both be empty"}),
    ("{}", {"prompt": "must not both be empty"}),
    ('{"prompt":"pop","prompt":"rock","duration":15}', {"prompt": "given twice: leave one of them out"}),
    ('{"prompt":"pop","audio":{"bitrate_kbps":64,"bitrate_kbps":96}}', {"bitrate_kbps": "given twice"}),
    ('{"prompt":"pop","duration":-1}', {"duration": "must be 0 or in the range [3, 600]"}),
    ('{"prompt":"pop","duration":"15"}', {"duration": "must be a number, without quotes"}),
    ('{"prompt":"pop","duration":true}', {"duration": "must be a number"}),
    ('{"prompt":"pop","duration":15,"seed":"42"}', {"seed": "must be an integer, without quotes"}),
    (
        '{"prompt":"pop","lyrics":"春天\\u0001\\u0007\\u001b[31m夏天","duration":15}',
        {"lyrics": "save the lyrics as UTF-8"},
    ),
    ('{"prompt":"pop \\ud83d","duration":15}', {"prompt": "one half of a surrogate pair"}),
    ('{"prompt":"pop","duration":15,"voice":"robot"}', {"voice": "must be one of female, male"}),
    ('{"prompt":"pop","duration":15,"voice":"Female"}', {"voice": "must be 'female', in lower case"}),
    ('{"prompt":"pop","duration":15,"output_format":"wav"}', {"output_format": "must be 'mp3'"}),
    ('{"prompt":"pop","duration":15,"nothing":null}', {"nothing": "is not a field"}),
]


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def rest() -> AsyncIterator[Rest]:
    """Fixture: a client of REST whose requests are checked by the engine studio."""
    checker = LocalChecker((EngineSpec("studio"),))
    runner = FakeRunner(info=INFO)
    async with checker.running(), songs_of(runner, checker=checker, engine="studio") as songs, rest_of(songs) as rest:
        yield rest


@pytest.mark.parametrize(
    ("fields", "field"),
    [({"key": "H"}, "key"), ({"language": "fr"}, "language"), ({"lyrics": "Привет"}, "lyrics")],
)
@pytest.mark.parametrize("headers", [{"Prefer": "respond-async"}, {"Accept": "audio/mpeg"}, {}], ids=str)
async def test_what_the_engine_refuses_is_refused_before_the_song_is_accepted(
    rest: Rest, fields: dict[str, str], field: str, headers: dict[str, str]
) -> None:
    answer = await ask(rest, "POST", f"{MUSIC}/generate", {"prompt": "pop", **fields}, **headers)
    assert (answer.status, answer.json["reason"]) == (400, "INVALID_REQUEST")
    assert [one["field"] for one in answer.json["violations"]] == [field]
    assert (await ask(rest, "GET", MUSIC)).json["songs"] == []


async def test_each_is_a_song_or_is_refused_with_what_to_do(rest: Rest) -> None:
    wrong = []
    for body in SONGS:
        answer = await ask(rest, "POST", f"{MUSIC}/generate", body.encode())
        if answer.status != 200 or answer.json["status"] != "completed":
            wrong.append((body, answer.data.decode()))
    for body, advice in REFUSED:
        answer = await ask(rest, "POST", f"{MUSIC}/generate", body.encode())
        told = {one["field"]: one["description"] for one in answer.json.get("violations", [])}
        fits = told.keys() == advice.keys() and all(text in told[name] for name, text in advice.items())
        if not fits or (answer.status, answer.json["reason"]) != (400, "INVALID_REQUEST"):
            wrong.append((body, answer.data.decode()))
    assert wrong == []
