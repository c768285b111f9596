"""A real server on a free port and a real browser; every test here is skipped where no Chromium is installed."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pypdf
import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ROOT = Path(__file__).resolve().parents[2]
_NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next((path for name in _NAMES if (path := shutil.which(name))), None)
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
]  # fmt: skip
PATIENCE_SECONDS = 30.0
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
STREAMLITS_OWN = {"presentation-role-conflict": {"enabled": False}}
"""Rules that Streamlit's own box for uploads breaks, which is ours to choose but not to mend; none is of WCAG."""


@pytest.fixture(scope="session")
def sweeps(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder whose sweeps the app shows."""
    return tmp_path_factory.mktemp("sweeps")


@pytest.fixture(scope="session")
def origin(sweeps: Path) -> Iterator[str]:
    """Address of the running app."""
    with running(free_port(), sweeps) as address:
        yield address


@pytest.fixture
def restarted(sweeps: Path) -> Iterator[tuple[str, Callable[[], None]]]:
    """Address of an app of one's own, and what restarts it."""
    port = free_port()
    with ExitStack() as stack:
        address = stack.enter_context(running(port, sweeps))

        def restart() -> None:
            stack.pop_all().close()
            stack.enter_context(running(port, sweeps))

        yield address, restart


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextmanager
def running(port: int, sweeps: Path) -> Iterator[str]:
    """The app on `port`, as long as the block lasts."""
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.address", "127.0.0.1"]
    with subprocess.Popen(
        [*command, "--server.port", str(port)],
        cwd=ROOT,
        env=os.environ | {"PLANNER_SWEEPS": str(sweeps)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as server:
        try:
            _wait_until_healthy(f"http://127.0.0.1:{port}/_stcore/health", server)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()


def _wait_until_healthy(address: str, server: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=5) as answer:
                if answer.read() == b"ok":
                    return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.1)
    pytest.fail("the app did not start")


@pytest.fixture(scope="session")
def browser() -> "Iterator[Browser]":
    if CHROMIUM is None:
        pytest.skip("no Chromium is installed")
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS, headless=True)
        yield chromium
        chromium.close()


class Visit:
    """One page in its own context, with what it did wrong so far."""

    def __init__(self, page: "Page", origin: str) -> None:
        self.page, self.origin = page, origin
        self.complaints: list[str] = []
        self.outside: list[str] = []
        page.on("console", lambda message: self._heard(message.type, message.text, message.location["url"]))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self._asked(request.url))

    def _heard(self, kind: str, text: str, source: str) -> None:
        # Opened below the root, Streamlit first looks for its server beside the page, where there is none.
        looked_beside = "/_stcore/" in source.removeprefix(f"{self.origin}/_stcore/")
        if kind == "error" and not looked_beside:
            self.complaints.append(text)

    def _asked(self, url: str) -> None:
        if not url.startswith((self.origin, self.origin.replace("http", "ws", 1), "data:", "blob:")):
            self.outside.append(url)

    def open(self, address: str = "/") -> None:
        """Open the address and wait for all of the page."""
        self.page.goto(self.origin + address if address.startswith("/") else address)
        self.wait()

    def wait(self) -> None:
        """Wait until the script has run."""
        self.page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")
        self.page.wait_for_selector("[data-testid=stHeading] h1")

    def violations(self) -> list[str]:
        """What axe-core finds wrong for people who see little or use no mouse."""
        engine = pytest.importorskip("axe_playwright_python")
        self.page.evaluate((Path(engine.__file__).parent / "axe.min.js").read_text(encoding="utf-8"))
        asked = {"runOnly": {"type": "tag", "values": RULES}, "rules": STREAMLITS_OWN}
        found = self.page.evaluate("asked => axe.run(document, asked)", asked)["violations"]
        return [f"{it['id']}: {node['html'][:200]}" for it in found for node in it["nodes"]]

    def scrolls_sideways(self) -> bool:
        """Whether page or frame is wider than the window."""
        elements = ("document.documentElement", "document.querySelector('[data-testid=stMain]')")
        return any(self.page.evaluate(f"{it}.scrollWidth > {it}.clientWidth") for it in elements)

    def sentence(self) -> str:
        return str(self.page.locator("[data-testid=stHeading] h2").inner_text())

    def paper(self) -> str:
        """The text of the report as PDF, taken with its button."""
        with self.page.expect_download() as download:
            self.page.get_by_role("button", name="Report (PDF)").click()
        pages = pypdf.PdfReader(download.value.path()).pages
        return " ".join(" ".join(page.extract_text() for page in pages).split())

    def type_in(self, label: str, text: str) -> None:
        """Fill the box and leave it."""
        box = self.page.get_by_role("textbox", name=label)
        box.fill(text)
        box.press("Enter")


@pytest.fixture
def visit(browser: "Browser", origin: str) -> Iterator[Callable[..., Visit]]:
    """Open a new window: visit(width=390, scheme="dark")."""
    contexts = []

    def opened(*, width: int = 1280, scheme: str = "light") -> Visit:
        context = browser.new_context(viewport={"width": width, "height": 844}, color_scheme=scheme)
        context.set_default_timeout(PATIENCE_SECONDS * 1000)
        contexts.append(context)
        return Visit(context.new_page(), origin)

    yield opened
    for context in contexts:
        context.close()
