"""Where the recorded voice lies."""

from pathlib import Path

SHIPPED = Path(__file__).parent / "recordings"
TABLE_NAME = "voice.json"
