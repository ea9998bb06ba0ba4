"""Opens the preview page in Chromium, and records console errors, violations of the content security policy, and
requests to other hosts.
"""

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
"""Pattern of the browser's error messages about the sound of a cancelled or failed song."""
DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 360, "height": 740}

LYRICS = "[verse]\n春天醒来花就开\n夜色很安静\n[chorus]\n我们一起唱\n唱到天明亮"
LONG_LYRICS = "\n".join([LYRICS.replace("[verse]", f"[verse {number}]") for number in range(1, 9)])

_CALLER = "() => localStorage.getItem('melisma.caller')"
_LENGTH = "([box, n]) => { box.value = n; box.dispatchEvent(new Event('input', { bubbles: true })); }"
_WATCH = "addEventListener('securitypolicyviolation', (event) => console.error(`policy: ${event.violatedDirective}`));"


@dataclass
class Tab:
    """A browser tab with the page of the server at `address`."""

    page: Any
    address: str
    complaints: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)

    def ask_for(self, *, prompt: str = "流行，钢琴", lyrics: str = LYRICS, seconds: int | None = None) -> None:
        """Fill in the form, and click the button that generates the song."""
        self.page.fill("#prompt", prompt)
        self.page.fill("#lyrics", lyrics)
        self.page.set_checked("#duration-auto", seconds is None)
        if seconds is not None:
            self.page.evaluate(_LENGTH, [self.page.query_selector("#duration"), str(seconds)])
        self.page.click("#generate")

    def until(self, condition: str, *values: Any) -> Any:
        """Wait until a JavaScript condition, a function of `values`, is true in the page, and return its value."""
        return self.page.wait_for_function(condition, arg=list(values), timeout=TIMEOUT_MS).json_value()

    def begun(self) -> str:
        """Wait until the page's URL has the id of the song, and return the id."""
        self.page.wait_for_url(re.compile(r"#song-"), timeout=TIMEOUT_MS)
        return str(self.page.url.partition("#")[2])

    def played(self, seconds: float) -> float:
        """Wait until the audio element has played more than `seconds`, and return its position in seconds."""
        return float(self.until("([s]) => { const now = audio.currentTime; return now > s && now; }", seconds))

    def state(self, *wanted: str) -> str:
        """Wait until the page shows one of the states `wanted` of the song, and return the state."""
        return str(
            self.until("(all) => all.find((one) => one === document.querySelector('#playing').dataset.state)", *wanted)
        )

    def rest(self) -> Rest:
        """Return a REST client that calls as the same caller as this tab (header X-Caller)."""
        return Rest(self.address, {"X-Caller": self.page.evaluate(_CALLER)})

    def text(self, selector: str) -> str:
        """Return the text of the element that a CSS selector selects."""
        return str(self.page.text_content(selector))

    def excuse(self, pattern: str) -> None:
        """Remove recorded console errors that match a pattern: errors that the test provokes on purpose."""
        self.complaints = [complaint for complaint in self.complaints if not re.search(pattern, complaint)]


@contextmanager
def browsing() -> Iterator[Any]:
    """Context manager with a running Chromium; ends the test with `not_tried` if Chromium or Playwright is missing."""
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
    """Context manager with a tab in a new browser profile, once the page has listed the engines, or without `engines`
    once it is loaded. Fails at the end if the browser has reported errors, or the page has called other hosts.
    `context` are Playwright's options of the profile, such as `locale`.
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
