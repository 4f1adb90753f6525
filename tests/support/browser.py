"""A real browser, driven over its debugging pipe: no driver, no network, no other package."""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
import time
from collections.abc import Mapping
from fcntl import F_DUPFD_CLOEXEC, fcntl
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.support.traces import leave

BROWSER = next(
    (
        found
        for name in ("chromium-headless-shell", "chromium", "google-chrome")
        if (found := shutil.which(name))
    ),
    None,
)
NO_BROWSER = "no browser is at hand to open pages with"
PATIENCE = 30.0  # seconds for one answer


class Browser:
    """One browser with one page. Every address but this machine's own is unreachable."""

    def __init__(self, profile: Path) -> None:
        assert BROWSER is not None
        low_reads, self._write = os.pipe()
        self._read, low_writes = os.pipe()
        # Above the numbers that the browser has them under, so that neither replaces the other.
        reads, writes = (fcntl(low, F_DUPFD_CLOEXEC, 100) for low in (low_reads, low_writes))
        os.close(low_reads)
        os.close(low_writes)
        command = [
            BROWSER,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--hide-scrollbars",
            "--remote-debugging-pipe",
            "--host-resolver-rules=MAP *.localhost 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
            f"--user-data-dir={profile}",
            "about:blank",
        ]

        def move_pipes() -> None:
            """Give the browser its pipes as descriptors 3 and 4."""
            os.dup2(reads, 3)
            os.dup2(writes, 4)

        self._process = subprocess.Popen(
            command,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=move_pipes,
            close_fds=False,
        )
        os.close(reads)
        os.close(writes)
        self._buffer = b""
        self._number = 0
        self.events: list[dict[str, Any]] = []
        self._addresses: dict[str, str] = {}
        self.call("Target.setDiscoverTargets", in_page=False, discover=True)
        targets = self.call("Target.getTargets", in_page=False)["targetInfos"]
        target = next(each["targetId"] for each in targets if each["type"] == "page")
        attached = self.call("Target.attachToTarget", in_page=False, targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Network", "Log", "Runtime"):
            self.call(f"{domain}.enable")

    def __enter__(self) -> Browser:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._write)
        os.close(self._read)

    def call(self, method: str, *, in_page: bool = True, **parameters: Any) -> dict[str, Any]:
        """Call a method of the debugging protocol, and return its result.

        Between two pages no page is active. The call is made again until there is one.
        """
        end = time.monotonic() + PATIENCE
        while True:
            answer = self._ask(method, in_page, parameters)
            if "error" not in answer:
                result: dict[str, Any] = answer["result"]
                return result
            is_between = "Not attached to an active page" in answer["error"]["message"]
            assert is_between and time.monotonic() < end, answer
            time.sleep(0.05)

    def _ask(self, method: str, in_page: bool, parameters: Mapping[str, Any]) -> dict[str, Any]:
        self._number += 1
        number = self._number
        message: dict[str, Any] = {"id": number, "method": method, "params": parameters}
        if in_page:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == number:
                return answer
            self.events.append(answer)

    def _next(self) -> dict[str, Any]:
        end = time.monotonic() + PATIENCE
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._read], [], [], max(0, end - time.monotonic()))
            assert ready, "the browser doesn't answer"
            received = os.read(self._read, 1 << 20)
            assert received, "the browser has ended"
            self._buffer += received
        line, _, self._buffer = self._buffer.partition(b"\0")
        answer: dict[str, Any] = json.loads(line)
        self._note_trace(answer.get("method", ""), answer.get("params", {}))
        return answer

    def _note_trace(self, method: str, parameters: Mapping[str, Any]) -> None:
        """Note the addresses, titles, and cookies that a browser has of a console."""
        if method == "Network.requestWillBeSent":
            self._addresses[parameters["requestId"]] = parameters["request"]["url"]
            leave(parameters["request"]["url"])
        elif method == "Network.responseReceivedExtraInfo":
            headers = {name.lower(): text for name, text in parameters["headers"].items()}
            if (address := self._addresses.get(parameters["requestId"])) is not None:
                leave(address, headers.get("set-cookie", ""))
        elif method == "Target.targetInfoChanged":
            leave(parameters["targetInfo"]["url"], parameters["targetInfo"]["title"])

    def wait_for(self, method: str) -> dict[str, Any]:
        """Return the next event of a kind, also one that has arrived since the last call."""
        while True:
            found = next((event for event in self.events if event["method"] == method), None)
            if found is not None:
                self.events.remove(found)
                return found
            self.events.append(self._next())

    def show(self, *, width: int, height: int = 844, dark: bool = False) -> None:
        """Give the page a size and a color scheme. Nothing moves, so nobody has to wait for it."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        motion = {"name": "prefers-reduced-motion", "value": "reduce"}
        self.call("Emulation.setEmulatedMedia", features=[scheme, motion])

    def forbid_scripts(self) -> None:
        """Run no script of any page."""
        self.call("Emulation.setScriptExecutionDisabled", value=True)

    def open(self, address: str) -> None:
        """Open an address, and wait until it is loaded."""
        self.events.clear()
        self.call("Page.navigate", url=address)
        self.wait_until_loaded()

    def open_again(self, entry: int) -> str:
        """Go to an entry of the history, and return if it was `Navigation` or out of a cache."""
        self.events.clear()
        self.call("Page.navigateToHistoryEntry", entryId=entry)
        kind = str(self.wait_for("Page.frameNavigated")["params"]["type"])
        self.wait_until_loaded()
        return kind

    def wait_until_loaded(self) -> None:
        """Wait until the page is whole. The event may still be that of the page before."""
        self.wait_for("Page.loadEventFired")
        end = time.monotonic() + PATIENCE
        while not self.evaluate("document.readyState === 'complete' && document.body !== null"):
            assert time.monotonic() < end, self.evaluate("location.href")
            time.sleep(0.02)

    def go(self, step: str) -> None:
        """Go `back` or `forward`. The page answers before it is left."""
        self.evaluate(f"void setTimeout(() => history.{step}())")

    def evaluate(self, expression: str) -> Any:
        """Return the value of an expression in the page."""
        result = self.call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def press(self, key: str) -> None:
        """Press a key, such as `Tab` or `Enter`."""
        codes = {"Tab": 9, "Enter": 13, " ": 32}
        text = {"Enter": "\r", " ": " "}.get(key, "")
        for kind in ("keyDown", "keyUp"):
            self.call(
                "Input.dispatchKeyEvent",
                type=kind,
                key=key,
                windowsVirtualKeyCode=codes[key],
                text=text if kind == "keyDown" else "",
            )

    def click(self, selector: str) -> None:
        """Click in the middle of the first element that a selector finds."""
        place = self._middle(selector)
        for kind in ("mousePressed", "mouseReleased"):
            self.call(
                "Input.dispatchMouseEvent",
                type=kind,
                x=place[0],
                y=place[1],
                button="left",
                clickCount=1,
            )

    def double_click(self, selector: str) -> None:
        """Click twice at once in the middle of the first element that a selector finds."""
        x, y = self._middle(selector)
        self.call(
            "Input.synthesizeTapGesture",
            x=x,
            y=y,
            duration=1,
            tapCount=2,
            gestureSourceType="mouse",
        )

    def _middle(self, selector: str) -> list[float]:
        """Scroll an element into the window, and return where the middle of its first line is."""
        place: list[float] = self.evaluate(
            f"(() => {{ const e = document.querySelector({json.dumps(selector)});"
            " e.scrollIntoView({block: 'center'}); const r = e.getClientRects()[0];"
            " return [r.x + r.width / 2, r.y + r.height / 2]; })()"
        )
        return place

    def picture(self, file: Path, *, full: bool = True) -> None:
        """Save a picture of the page."""
        made = self.call("Page.captureScreenshot", captureBeyondViewport=full)
        file.write_bytes(base64.b64decode(made["data"]))

    @property
    def requests(self) -> list[str]:
        """The addresses that were asked for since the page was opened."""
        return [
            event["params"]["request"]["url"]
            for event in self.events
            if event["method"] == "Network.requestWillBeSent"
        ]

    @property
    def complaints(self) -> list[str]:
        """What the browser wrote to its console, such as violations of the policy."""
        return [
            event["params"]["entry"]["text"]
            for event in self.events
            if event["method"] == "Log.entryAdded"
        ]
