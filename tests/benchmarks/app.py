"""How quick the app is: python tests/benchmarks/app.py [--seconds 20] [--reruns 5000]. It asserts nothing.

A server of its own is started from this checkout. Browser times come from Chromium with an empty cache; sessions beyond
those of the browser are websockets that speak Streamlit's protocol and draw nothing. All on this machine, so that the
browser and the sessions take their share of its cores; the load average says how busy it was with other work.
"""

import argparse
import asyncio
import contextlib
import http.client
import json
import os
import random
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import websockets
from playwright.sync_api import Page, sync_playwright
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = "/usr/bin/chromium"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"]  # fmt: skip
BUDGET = "Budget (US dollars)"
NUMBER, FIGURE = "[data-testid=stMetricValue]", "[data-testid=stVegaLiteChart] :is(canvas, svg)"
_TICKS = os.sysconf("SC_CLK_TCK")

WATCH = """() => {
  window.drawn = 0;
  const figure = '[data-testid=stVegaLiteChart]';
  new MutationObserver(changes => {
    if (changes.some(it => (it.target.closest ?? it.target.parentElement?.closest)?.call(it.target, figure)))
      window.drawn = performance.now();
  }).observe(document.body, { attributes: true, childList: true, subtree: true });
  for (const name of ['stroke', 'fill', 'fillText']) {
    const plain = CanvasRenderingContext2D.prototype[name];
    CanvasRenderingContext2D.prototype[name] = function (...given) {
      window.drawn = performance.now();
      return plain.apply(this, given);
    };
  }
  addEventListener('keydown', event => { if (event.key === 'Enter') window.pressed = performance.now(); }, true);
}"""
SHOWN = """wanted => new Promise(done => {
  const look = () => document.querySelector('[data-testid=stMetricValue]')?.innerText === wanted
    ? done(performance.now() - window.pressed) : requestAnimationFrame(look);
  look();
})"""


class Server:
    """The app in a process of its own, with its CPU seconds and its memory."""

    def __init__(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.address", "127.0.0.1"]
        self.process = subprocess.Popen(
            [*command, "--server.port", str(self.port)], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self.address = f"http://127.0.0.1:{self.port}"
        while True:
            with contextlib.suppress(OSError):
                asked = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)
                asked.request("GET", "/healthz")
                if asked.getresponse().status == 200:
                    return
            time.sleep(0.05)

    @property
    def cpu_seconds(self) -> float:
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    @property
    def megabytes(self) -> float:
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


@contextlib.contextmanager
def serving() -> Iterator[Server]:
    server = Server()
    try:
        yield server
    finally:
        server.process.terminate()
        server.process.wait()


def spread(values: list[float]) -> dict[str, float]:
    """Median, 95th percentile and number of the values."""
    ordered = sorted(values)
    at = min(len(ordered) - 1, round(0.95 * (len(ordered) - 1)))
    return {"median": round(statistics.median(ordered), 1), "p95": round(ordered[at], 1), "count": len(ordered)}


def in_browser(address: str, opens: int, changes: int) -> dict[str, Any]:
    """Milliseconds to open and to change, as someone at the screen sees them."""
    numbers, figures = [], []
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for _ in range(opens):
            context = browser.new_context(viewport={"width": 1280, "height": 1600})
            page = context.new_page()
            start = time.perf_counter()
            page.goto(address)
            page.wait_for_selector(NUMBER)
            numbers.append(1e3 * (time.perf_counter() - start))
            page.wait_for_selector(FIGURE)
            figures.append(1e3 * (time.perf_counter() - start))
            if len(numbers) < opens:
                context.close()
        changed = _changed(page, changes)
        browser.close()
    return {"open_to_number_ms": spread(numbers), "open_to_figure_ms": spread(figures), **changed}


def _changed(page: Page, changes: int) -> dict[str, Any]:
    """Milliseconds from Enter to the new number and to the last stroke of the new figure."""
    page.wait_for_timeout(1500)
    page.evaluate(WATCH)
    numbers, figures = [], []
    box = page.get_by_role("textbox", name=BUDGET)
    for change in range(changes):
        cents = 300 + 7 * (change % 90)
        box.fill(f"{cents}0K")
        box.press("Enter")
        numbers.append(page.evaluate(SHOWN, f"${cents / 100:.2f}M"))
        page.wait_for_timeout(900)
        figures.append(page.evaluate("window.drawn - window.pressed"))
    return {"change_to_number_ms": spread(numbers), "change_to_figure_ms": spread(figures)}


class Session:
    """One visitor without a screen: opens the page and changes its budget."""

    def __init__(self, port: int) -> None:
        self.port, self.errors = port, 0
        self.budget = self.query = ""
        self.script = ""

    async def open(self) -> None:
        self.wire = await websockets.connect(
            f"ws://127.0.0.1:{self.port}/_stcore/stream", subprotocols=["streamlit"], max_size=None, ping_interval=None,
            origin=f"http://127.0.0.1:{self.port}",
        )  # fmt: skip
        await self._run(BackMsg())

    async def change(self) -> float:
        """Milliseconds until the script has run with another budget."""
        message = BackMsg()
        state = message.rerun_script.widget_states.widgets.add()
        state.id, state.string_value = self.budget, f"{random.randint(100, 9999)}K"
        start = time.perf_counter()
        await self._run(message)
        return 1e3 * (time.perf_counter() - start)

    async def _run(self, message: BackMsg) -> None:
        message.rerun_script.query_string = self.query
        message.rerun_script.page_script_hash = self.script
        await self.wire.send(message.SerializeToString())
        while True:
            answer = ForwardMsg.FromString(await self.wire.recv())
            self._note(answer)
            if answer.WhichOneof("type") == "script_finished":
                return

    def _note(self, answer: ForwardMsg) -> None:
        kind = answer.WhichOneof("type")
        if kind == "navigation":
            self.script = answer.navigation.page_script_hash
        elif kind == "page_info_changed":
            self.query = answer.page_info_changed.query_string
        elif kind == "delta" and answer.delta.WhichOneof("type") == "new_element":
            element = answer.delta.new_element
            if element.WhichOneof("type") == "text_input" and element.text_input.label == BUDGET:
                self.budget = element.text_input.id
            self.errors += element.WhichOneof("type") == "exception"


async def one_after_another(server: Server, reruns: int) -> dict[str, Any]:
    """Server CPU milliseconds per rerun of one session, and what memory does meanwhile."""
    session = Session(server.port)
    await session.open()
    for _ in range(50):
        await session.change()
    before, memory = server.cpu_seconds, server.megabytes
    taken = [await session.change() for _ in range(reruns)]
    await session.wire.close()
    growth = server.megabytes / memory - 1
    return {
        "cpu_per_rerun_ms": round(1e3 * (server.cpu_seconds - before) / reruns, 1),
        "rerun_ms": spread(taken),
        "memory_growth": round(growth, 4),
        "reruns": reruns,
        "errors": session.errors,
    }


async def side_by_side(server: Server, sessions: int, seconds: float) -> dict[str, Any]:
    """Milliseconds per change where each of many sessions changes its budget every 2 seconds."""
    visitors = [Session(server.port) for _ in range(sessions)]
    before = server.megabytes
    for visitor in visitors:
        await visitor.open()
    per_session = (server.megabytes - before) / sessions

    async def visit(visitor: Session) -> list[float]:
        await asyncio.sleep(random.uniform(0, 2))
        taken, end = [], time.perf_counter() + seconds
        while time.perf_counter() < end:
            took = await visitor.change()
            taken.append(took)
            await asyncio.sleep(max(0.0, 2 - took / 1e3))
        await visitor.wire.close()
        return taken

    found = await asyncio.gather(*(visit(visitor) for visitor in visitors))
    return {
        "sessions": sessions,
        "change_ms": spread([took for visit in found for took in visit]),
        "errors": sum(visitor.errors for visitor in visitors),
        "memory_per_session_mb": round(per_session, 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--opens", type=int, default=5)
    parser.add_argument("--changes", type=int, default=30)
    parser.add_argument("--sessions", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--reruns", type=int, default=200)
    parser.add_argument("--without-browser", action="store_true")
    asked = parser.parse_args()
    report: dict[str, Any] = {"load_average": os.getloadavg()[0]}
    with serving() as server:
        report["memory_before_visitors_mb"] = round(server.megabytes)
        if not asked.without_browser:
            report |= in_browser(server.address, asked.opens, asked.changes)
            report["memory_idle_mb"] = round(server.megabytes)
        report["alone"] = asyncio.run(one_after_another(server, asked.reruns))
        report["many"] = asyncio.run(side_by_side(server, asked.sessions, asked.seconds))
    report["load_average_after"] = os.getloadavg()[0]
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
