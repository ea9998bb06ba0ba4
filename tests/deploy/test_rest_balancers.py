"""Tests that the balancer configurations are valid without their gRPC parts, for services that offer only REST."""

import re
from pathlib import Path

import pytest
import yaml

from tests.deploy.tools import DEPLOY, output_of, tool

pytestmark = pytest.mark.deploy

BALANCERS = DEPLOY / "balancers"
HOSTS = {"melisma-1:": "127.0.0.1:", "melisma-2:": "localhost:"}


def without(text: str, *parts: str) -> str:
    """Return the text of a balancer configuration without its gRPC parts, and with host names that can be resolved
    here. Each of `parts` is a regular expression, which must match exactly once.
    """
    for part in parts:
        text, count = re.subn(part, "", text, flags=re.DOTALL | re.MULTILINE)
        assert count == 1, part
    for name, known in HOSTS.items():
        text = text.replace(name, known)
    return text


def test_envoy(tmp_path: Path) -> None:
    config = yaml.safe_load((BALANCERS / "envoy.yaml").read_text("utf-8"))
    for kind, name in (("listeners", "rest"), ("clusters", "melisma-rest")):
        config["static_resources"][kind] = [one for one in config["static_resources"][kind] if one["name"] == name]
        assert len(config["static_resources"][kind]) == 1
    file = tmp_path / "envoy.yaml"
    file.write_text(yaml.safe_dump(config), "utf-8")
    output_of(tool("envoy"), "--mode", "validate", "-c", file)


def test_nginx(tmp_path: Path) -> None:
    text = (BALANCERS / "nginx.conf").read_text("utf-8").replace("/tmp/", f"{tmp_path}/")
    own = without(text, r"^    upstream melisma \{.*?^    \}\n", r"^    server \{\n        listen 50051;.*?^    \}\n")
    assert "grpc_pass" not in own
    file = tmp_path / "nginx.conf"
    file.write_text(own, "utf-8")
    output_of(tool("nginx"), "-t", "-p", tmp_path, "-c", file, "-e", tmp_path / "errors")


def test_haproxy(tmp_path: Path) -> None:
    text = (BALANCERS / "haproxy.cfg").read_text("utf-8")
    file = tmp_path / "haproxy.cfg"
    file.write_text(without(text, r"^frontend grpc\n.*?(?=^frontend rest)"), "utf-8")
    assert "proto h2" not in file.read_text("utf-8")
    output_of(tool("haproxy"), "-c", "-f", file)
