"""Debian's Chromium for tests of user interfaces, and the folder of their screenshots."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

# Headless, as root, without a network: without these it keeps calling its maker's hosts.
_FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
_FLAGS += ["--disable-component-update", "--disable-sync"]


@contextmanager
def empty_page(height: int, seconds: int) -> Iterator[Page]:
    """An empty page of a browser of its own, 1300 by `height` pixels; with this timeout."""
    chromium = shutil.which("chromium")
    assert chromium, "chromium is not installed: make test-stack installs it"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=_FLAGS)
        page = browser.new_page(viewport={"width": 1300, "height": height})
        page.set_default_timeout(seconds * 1000)
        expect.set_options(timeout=seconds * 1000)
        yield page
        browser.close()


def screenshot_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the screenshots: NIGHTJAR_SCREENSHOTS=docs/images renews the ones of the documentation."""
    folder = os.environ.get("NIGHTJAR_SCREENSHOTS")
    return Path(folder) if folder else tmp_path_factory.mktemp("screenshots")
