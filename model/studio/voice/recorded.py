"""Path of the folder with the data files of the recorded voice."""

from pathlib import Path

SHIPPED = Path(__file__).parent / "recordings"
TABLE_NAME = "voice.json"
