import io

from rich.console import Console

from melisma_client.errors import FieldViolation, InvalidRequest
from melisma_client.terminal.exits import Exit, explain


def test_fields_are_told_by_the_names_that_commands_have_for_them() -> None:
    names = {"song_id": "SONG", "name": "ENGINE", "byte_offset": "--byte-offset", "duration_seconds": "--duration"}
    violations = tuple(FieldViolation(field, f"is wrong: {field}") for field in names)
    told = io.StringIO()
    assert explain(Console(file=told), InvalidRequest("bad", violations), lambda: None) == Exit.WRONG_REQUEST
    lines = [f"  {name}: is wrong: {field}" for field, name in names.items()]
    assert told.getvalue().splitlines() == ["the request is invalid", *lines]
