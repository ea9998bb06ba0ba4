"""Tests of error messages for operators who set up a Ray cluster."""

import sys
from pathlib import Path

import pytest

from server.workers.ray.joining import check_token, reason
from server.workers.ray.pool import driver_process
from server.workers.restarting_pool import PoolUnusable
from tests.support.table import table

TOKEN = "0123456789abcdef0123456789abcdef"


@table(
    ("said", "advice"),
    [
        ("Version mismatch: The cluster was started with Ray: 2.9", "run the same image on all nodes"),
        ("Authentication token is missing", "MELISMA_POOL__RAY_TOKEN_FILE must have the token of the cluster"),
        ("This node has an IP address of 1.2.3.4, and Ray expects this", "run 'ray start --address"),
        ("[Errno 111] Connection refused", "check MELISMA_POOL__RAY_ADDRESS"),
    ],
)
def test_an_error_says_what_to_do(said: str, advice: str) -> None:
    text = reason("head:6379", ConnectionError(said))
    assert advice in text
    assert said in text


def test_a_cluster_without_a_proper_token_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "token"
    with pytest.raises(PoolUnusable, match="cannot be read"):
        check_token(str(file))
    for content in ("", "short", f"{TOKEN} {TOKEN}", "é" * 40):
        file.write_text(content, "utf-8")
        with pytest.raises(PoolUnusable, match="openssl rand"):
            check_token(str(file))


def test_a_proper_token_is_taken(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(f"{TOKEN}\n", "ascii")
    check_token(str(tmp_path / "token"))


def test_the_extra_is_named_where_ray_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(PoolUnusable, match=r"pip install 'melisma\[ray\]'"):
        driver_process("/any")
