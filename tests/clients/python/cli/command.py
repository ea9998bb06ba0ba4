"""Runs the command `melisma` in the process of the tests."""

from pathlib import Path

from typer.testing import CliRunner, Result

from melisma_client.cli import app


def melisma(*arguments: str, address: str) -> Result:
    return CliRunner().invoke(app, [*arguments, "--server", address])


def generate(address: str, output: Path, *arguments: str) -> Result:
    return melisma("generate", "--prompt", "pop", "--output", str(output), *arguments, address=address)


def unboxed(text: str) -> str:
    """Return the text in a box of the terminal as one line, without the box."""
    return " ".join(text.replace("│", " ").split())
