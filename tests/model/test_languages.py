"""Tests of matching language tags with the languages that an engine sings."""

from model.shared.languages import language_among
from tests.support.table import table


@table(
    ("tag", "found"),
    [
        ("zh", "zh"),
        ("ZH", "zh"),
        ("zh-CN", "zh"),
        ("zh-Hant-TW", "zh"),
        ("cmn-Hans", "zh"),
        ("en_US", "en"),
        ("eng", "en"),
        ("pt-BR", "pt-BR"),
        ("pt-br-x-sung", "pt-BR"),
        ("pt", None),
        ("yue", None),
        ("zha", None),
        ("xzh", None),
        ("", None),
        ("-zh", None),
    ],
)
def test_a_tag_means_the_nearest_language_that_there_is(tag: str, found: str | None) -> None:
    own = ("zh", "en", "pt-BR")
    assert language_among(tag, own) == found
