"""The command `melisma`, run in this process."""

from pathlib import Path

from typer.testing import CliRunner, Result

from melisma_client.cli import app


def melisma(*arguments: str, address: str) -> Result:
    return CliRunner().invoke(app, [*arguments, "--server", address])


def generate(address: str, output: Path, *arguments: str) -> Result:
    return melisma("generate", "--prompt", "pop", "--output", str(output), *arguments, address=address)


def unboxed(text: str) -> str:
    """What a box on a terminal says, without the box."""
    return " ".join(text.replace("│", " ").split())
