"""Tests of the options that only one engine has, from the request message to the engine."""

import math
from dataclasses import fields, replace
from typing import Any

import pytest

from melisma.v1 import music_pb2
from model.ace_step.options import AceStepOptions, Sampler
from model.registry import ENGINES, options_class
from model.shared.generation_mode import GenerationMode
from model.song import Control, SongParams
from server.contract.engine_options import ONEOF, option_paths
from server.contract.requests import TASKS, song_request
from server.contract.resources import engine_message
from server.errors import InvalidRequest
from server.song import SongRequest
from tests.support.fake_runner import FAKE_INFO
from tests.support.table import table

ACE_STEP = replace(FAKE_INFO, name="ace_step", controls=frozenset(Control), loras=("rap",))
KNOWN = {"ace_step": ACE_STEP, "fake": FAKE_INFO}
MEMBERS: list[Any] = list(music_pb2.GenerateRequest.DESCRIPTOR.oneofs_by_name[ONEOF].fields)


def request(engine: str = "ace_step", default: str = "fake", **others: Any) -> SongRequest:
    options = others.pop("options", None)
    message = music_pb2.GenerateRequest(prompt="pop", engine=engine, ace_step=options, **others)
    return song_request(message, KNOWN, default)


def params(**options: Any) -> SongParams:
    return request(options=music_pb2.AceStepOptions(**options)).params


def violations(**options: Any) -> list[str]:
    with pytest.raises(InvalidRequest) as refusal:
        params(**options)
    return [violation.field for violation in refusal.value.violations]


def test_options_that_are_set_arrive() -> None:
    mode, sampler = music_pb2.GENERATION_MODE_SECTIONED, music_pb2.SAMPLER_HEUN
    given = params(mode=mode, sampler=sampler, omega=0.0, lora="rap", lora_weight=0.0)
    assert given.options == AceStepOptions(GenerationMode.SECTIONED, Sampler.HEUN, 0.0, "rap", 0.0)


def test_options_that_are_unset_keep_their_defaults() -> None:
    assert params().options == AceStepOptions(None, None, None, None, 1.0)
    assert request().params.options is None


@pytest.mark.parametrize("number", [one.number for one in music_pb2.Sampler.DESCRIPTOR.values if one.number])
def test_every_sampler_arrives(number: int) -> None:
    name = music_pb2.Sampler.Name(number).removeprefix("SAMPLER_")  # type: ignore[arg-type]
    assert params(sampler=number).options == AceStepOptions(sampler=Sampler[name])


@table(
    ("options", "field"),
    [
        ({"mode": 9}, "ace_step.mode"),
        ({"sampler": 9}, "ace_step.sampler"),
        ({"omega": 101.0}, "ace_step.omega"),
        ({"omega": math.nan}, "ace_step.omega"),
        ({"omega": -math.inf}, "ace_step.omega"),
        ({"lora": "jazz"}, "ace_step.lora"),
        ({"lora": "r" * 65}, "ace_step.lora"),
        ({"lora": "rap", "lora_weight": -1.0}, "ace_step.lora_weight"),
        ({"lora": "rap", "lora_weight": 2.5}, "ace_step.lora_weight"),
        ({"lora_weight": 1.0}, "ace_step"),
    ],
)
def test_an_option_out_of_range_is_named(options: dict[str, Any], field: str) -> None:
    assert violations(**options) == [field]


@table(
    ("options", "field"),
    [
        ({"mode": 9}, "mode"),
        ({"shift": 0.5}, "shift"),
        ({"shift": math.nan}, "shift"),
        ({"guidance_start": 1.5}, "guidance_start"),
        ({"guidance_end": -0.1}, "guidance_end"),
        ({"guidance_start": 0.5, "guidance_end": 0.4}, ""),
        ({"lora": "jazz"}, "lora"),
        ({"lora": "rap", "lora_weight": 2.5}, "lora_weight"),
        ({"lora_weight": 1.0}, ""),
    ],
)
def test_an_option_of_ace_step_15_out_of_range_is_named(options: dict[str, Any], field: str) -> None:
    message = music_pb2.GenerateRequest(prompt="pop", ace_step_15=music_pb2.AceStep15Options(**options))
    with pytest.raises(InvalidRequest) as refusal:
        song_request(message, {"ace_step_15": replace(ACE_STEP, name="ace_step_15")}, "fake")
    assert [one.field for one in refusal.value.violations] == [f"ace_step_15.{field}".rstrip(".")]


def test_options_of_another_engine_are_refused() -> None:
    with pytest.raises(
        InvalidRequest, match="options of engine 'ace_step', but the request names engine 'fake'"
    ) as refusal:
        request("fake", options=music_pb2.AceStepOptions())
    assert [violation.field for violation in refusal.value.violations] == ["engine_options"]


def test_options_choose_the_engine_where_none_is_named() -> None:
    assert request("", options=music_pb2.AceStepOptions()).engine == "ace_step"
    assert request("").engine == "fake"


def test_options_choose_an_engine_that_the_server_lacks() -> None:
    message = music_pb2.GenerateRequest(prompt="pop", ace_step=music_pb2.AceStepOptions(omega=1.0))
    chosen = song_request(message, {"fake": FAKE_INFO}, "fake")
    assert (chosen.engine, chosen.params.options) == ("ace_step", AceStepOptions(omega=1.0))


@pytest.mark.parametrize("member", MEMBERS, ids=lambda member: str(member.name))
def test_contract_and_engine_have_the_same_options(member: Any) -> None:
    assert [option.name for option in member.message_type.fields] == [one.name for one in fields(options_of(member))]
    options_of(member)()


def options_of(member: Any) -> Any:
    return options_class(member.name)


def test_every_engine_with_options_has_a_member_of_its_name() -> None:
    assert {name for name, entry in ENGINES.items() if entry.options} == {member.name for member in MEMBERS}


@table("name", TASKS)
def test_contract_and_model_have_the_same_fields_of_a_task(name: str) -> None:
    message: Any = music_pb2.GenerateRequest.DESCRIPTOR.fields_by_name[name].message_type
    assert {field.name for field in message.fields} == {one.name for one in fields(TASKS[name])}


def test_every_task_has_a_value() -> None:
    assert set(TASKS) == {one.name for one in music_pb2.GenerateRequest.DESCRIPTOR.oneofs_by_name["task"].fields}


def test_engines_list_their_options_among_their_controls() -> None:
    paths = ["ace_step.mode", "ace_step.sampler", "ace_step.omega", "ace_step.lora", "ace_step.lora_weight"]
    assert list(engine_message("ace_step", ACE_STEP, ("cpu",), ready=True).controls)[-len(paths) :] == paths
    assert not any("." in control for control in engine_message("fake", FAKE_INFO, ("cpu",), ready=True).controls)
    assert option_paths("studio") == []
