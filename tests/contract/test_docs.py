"""Tests that generated documentation is up to date, that its links have targets, and that the README is short."""

import re
import runpy
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LINK = re.compile(r"\]\((?!https?://)([^)#\s]*)(?:#([^)\s]*))?\)")
MAX_README_LINES = 150


def documents() -> list[Path]:
    """Return the paths of all Markdown files of the repository."""
    names = subprocess.run(["git", "ls-files", "*.md"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / name for name in names.splitlines() if (ROOT / name).is_file()]


def anchors(text: str) -> set[str]:
    """Return the link anchors of the headings of a Markdown text."""
    headings = re.findall(r"^#+ (.*)$", re.sub(r"```.*?```", "", text, flags=re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_generated_tables_are_fresh() -> None:
    """The generated files of docs/ are equal to the output of `make docs`."""
    assert runpy.run_path(str(ROOT / "docs" / "generate.py"))["stale_files"]() == []


def test_every_link_leads_somewhere() -> None:
    broken = []
    for document in documents():
        for path, anchor in LINK.findall(document.read_text("utf-8")):
            target = (document.parent / path).resolve() if path else document
            if not target.exists():
                broken.append(f"{document.relative_to(ROOT)}: {path}")
            elif anchor and target.suffix == ".md" and anchor not in anchors(target.read_text("utf-8")):
                broken.append(f"{document.relative_to(ROOT)}: {path}#{anchor}")
    assert broken == []


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text("utf-8").splitlines()) <= MAX_README_LINES
