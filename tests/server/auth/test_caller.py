import pytest

from server.auth.caller import ANONYMOUS, caller_of
from server.errors import InvalidRequest
from tests.support.table import table


@table(
    ("metadata", "caller"),
    [
        ((("user-agent", "x"), ("x-caller", "radio one")), "radio one"),
        ((("x-caller", "  radio "),), "radio"),
        ((("x-caller", "a" * 64 + " "),), "a" * 64),
        ((("x-caller", b"radio"),), "radio"),
        ((("x-caller", " "),), ANONYMOUS),
        ((("user-agent", "x"),), ANONYMOUS),
        ((), ANONYMOUS),
        (None, ANONYMOUS),
    ],
)
def test_a_caller_is_who_the_metadata_names(metadata: tuple[tuple[str, str | bytes], ...], caller: str) -> None:
    assert caller_of(metadata) == caller


@table("names", [["a" * 65], ["电台"], ["a\tb"], ["a\x7f"], [b"\xff"], ["radio", "radio"]])
def test_a_name_that_cannot_be_one_is_refused(names: list[str | bytes]) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        caller_of([("x-caller", name) for name in names])
    assert [violation.field for violation in refusal.value.violations] == ["x-caller"]
