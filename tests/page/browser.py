"""Chromium on the preview page, and what it must never do meanwhile: complain, break the policy, go elsewhere."""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.support.requirements import needed, not_tried
from tests.support.rest import Rest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    " --disable-component-update --disable-sync"
)
TIMEOUT_MS = 60_000
BROKEN_OFF = "ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_CONTENT_LENGTH_MISMATCH|status of 409"
"""What the browser says of the sound of a song that was cancelled or has failed."""
DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 360, "height": 740}

LYRICS = "[verse]\n春天醒来花就开\n夜色很安静\n[chorus]\n我们一起唱\n唱到天明亮"
LONG_LYRICS = "\n".join([LYRICS.replace("[verse]", f"[verse {number}]") for number in range(1, 9)])

_CALLER = "() => localStorage.getItem('melisma.caller')"
_LENGTH = "([box, n]) => { box.value = n; box.dispatchEvent(new Event('input', { bubbles: true })); }"
_WATCH = "addEventListener('securitypolicyviolation', (event) => console.error(`policy: ${event.violatedDirective}`));"


@dataclass
class Tab:
    """One tab on the page of the server at `address`."""

    page: Any
    address: str
    complaints: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)

    def ask_for(self, *, prompt: str = "流行，钢琴", lyrics: str = LYRICS, seconds: int | None = None) -> None:
        """Fill the form in and generate."""
        self.page.fill("#prompt", prompt)
        self.page.fill("#lyrics", lyrics)
        self.page.set_checked("#duration-auto", seconds is None)
        if seconds is not None:
            self.page.evaluate(_LENGTH, [self.page.query_selector("#duration"), str(seconds)])
        self.page.click("#generate")

    def until(self, condition: str, *values: Any) -> Any:
        """Wait for a condition in the page; what it gives."""
        return self.page.wait_for_function(condition, arg=list(values), timeout=TIMEOUT_MS).json_value()

    def begun(self) -> str:
        """Return the name of the song, once the page has it."""
        self.page.wait_for_url(re.compile(r"#song-"), timeout=TIMEOUT_MS)
        return str(self.page.url.partition("#")[2])

    def played(self, seconds: float) -> float:
        """Wait until the audio element has gone so far; where it is."""
        return float(self.until("([s]) => { const now = audio.currentTime; return now > s && now; }", seconds))

    def state(self, *wanted: str) -> str:
        """Wait until the page says that the song is so."""
        return str(
            self.until("(all) => all.find((one) => one === document.querySelector('#playing').dataset.state)", *wanted)
        )

    def rest(self) -> Rest:
        """Return a caller who has the songs of this tab."""
        return Rest(self.address, {"X-Caller": self.page.evaluate(_CALLER)})

    def text(self, selector: str) -> str:
        """What is written there."""
        return str(self.page.text_content(selector))

    def excuse(self, pattern: str) -> None:
        """Take note that the browser complains about an answer that this test provokes."""
        self.complaints = [complaint for complaint in self.complaints if not re.search(pattern, complaint)]


@contextmanager
def browsing() -> Iterator[Any]:
    """Context manager with a browser with a new empty profile; without it, or what drives it, see `not_tried`."""
    playwright = needed("playwright.sync_api", "pip install playwright")
    if CHROMIUM is None:
        not_tried("needs Chromium: apt install chromium")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS.split())
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def tab(browser: Any, address: str, *, engines: bool = True, **context: Any) -> Iterator[Tab]:
    """Context manager with a tab on the page, once it has the `engines`; at the end the browser may have complained
    about nothing.
    """
    given = {"locale": "zh-CN", "viewport": DESKTOP, **context}
    opened = browser.new_context(**given)
    try:
        opened.add_init_script(_WATCH)
        page = opened.new_page()
        page.set_default_timeout(TIMEOUT_MS)
        found = Tab(page, address)
        page.on(
            "console", lambda told: found.complaints.append(told.text) if told.type in ("error", "warning") else None
        )
        page.on("pageerror", lambda error: found.complaints.append(str(error)))
        page.on("request", lambda asked: None if _is_own(asked.url, address) else found.elsewhere.append(asked.url))
        page.goto(f"http://{address}/")
        if engines:
            found.until("() => document.querySelector('#engine').value")
        yield found
        assert not found.complaints, found.complaints
        assert not found.elsewhere, found.elsewhere
    finally:
        opened.close()


def _is_own(url: str, address: str) -> bool:
    return url.startswith((f"http://{address}/", f"blob:http://{address}/"))
