"""Tests that all text of the page has a contrast of 4.5 to 1 (WCAG AA) in every state of a song, in both color
schemes.
"""

from typing import Any

import pytest

from tests.page.browser import DESKTOP, PHONE, tab

pytestmark = pytest.mark.browser

LEAST = "4.5"
WATCH = """() => {
  const parts = (color) => { const [r, g, b, a = 1] = color.match(/[\\d.]+/g).map(Number); return [r, g, b, a]; };
  const over = ([r, g, b, a], [R, G, B]) => [r * a + R * (1 - a), g * a + G * (1 - a), b * a + B * (1 - a), 1];
  const light = (color) => {
    const linear = (one) => (one / 255 <= 0.04045 ? one / 3294.6 : ((one / 255 + 0.055) / 1.055) ** 2.4);
    const [r, g, b] = color.slice(0, 3).map(linear);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ratio = (one, other) => {
    const [high, low] = [light(one), light(other)].sort((a, b) => b - a);
    return (high + 0.05) / (low + 0.05);
  };
  const ground = (element) => {
    const layers = [];
    for (let at = element; at; at = at.parentElement) {
      layers.push(parts(getComputedStyle(at).backgroundColor));
      const fill = at.parentElement?.querySelector(':scope > .fill');
      if (fill && fill !== at) layers.push(parts(getComputedStyle(fill).backgroundColor));
    }
    return layers.reverse().reduce((under, layer) => over(layer, under), [255, 255, 255, 1]);
  };
  const shown = (element) => element.checkVisibility({ checkVisibilityCSS: true })
    && !element.closest('[aria-hidden=true], .unseen, button:disabled:not(.line)');
  const texts = (root) => {
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    const found = new Set();
    while (walker.nextNode()) if (walker.currentNode.data.trim()) found.add(walker.currentNode.parentElement);
    return Array.from(found).filter(shown);
  };
  window.watched = { texts: 0, moments: 0, fading: 0, faults: {} };
  const look = (root) => texts(root).forEach((element) => {
    const style = getComputedStyle(element);
    const value = ratio(over(parts(style.color), ground(element)), ground(element));
    window.watched.texts++;
    const { color, backgroundColor } = style;
    const alpha = parts(backgroundColor)[3];
    if (element.matches('.syllable.sung') && alpha > 0.02 && alpha < 0.98) window.watched.fading++;
    const name = `${element.className || element.tagName} ${element.textContent.slice(0, 20)}`;
    if (value < LEAST) window.watched.faults[name] = [value, color, backgroundColor];
  });
  (function moment() {
    look(window.watched.moments++ % 20 ? document.getElementById('playing') : document.body);
    requestAnimationFrame(moment);
  })();
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_text_is_legible_at_every_moment(browser: Any, address: str, scheme: str, viewport: Any) -> None:
    with tab(browser, address, viewport=viewport, color_scheme=scheme) as page:
        page.page.click("#more summary")
        page.page.evaluate(WATCH.replace("LEAST", LEAST))
        page.ask_for(seconds=15)
        page.until("() => document.querySelectorAll('.syllable.sung').length >= 8")
        page.page.evaluate("() => scrollTo(0, 0)")
        page.state("completed")
        watched = page.page.evaluate("() => window.watched")
        page.page.click("#delete")
        page.until("() => document.getElementById('confirm').open")
        before = watched["moments"]
        page.until("([n]) => window.watched.moments > n + 25", before)
        faults = page.page.evaluate("() => window.watched.faults")

    assert faults == {}
    assert watched["moments"] > 60
    assert watched["texts"] > 1000
    assert watched["fading"] > 0
