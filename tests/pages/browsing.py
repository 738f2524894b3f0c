"""A headless Chromium that a test asks questions: the DevTools protocol over a pipe, with the network off."""

import base64
import json
import os
import shutil
import subprocess
from contextlib import contextmanager

import pytest

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

needs_browser = pytest.mark.skipif(
    BROWSER is None, reason="no Chromium is installed; apt-get install chromium"
)

_FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-background-networking --disable-component-update "
    "--no-first-run --remote-debugging-pipe"
)
_NOWHERE = "--host-resolver-rules=MAP * ~NOTFOUND"
"""No name resolves, so whatever a page asks for fails, and is logged."""


class Tab:
    """A page in the browser.

    Attributes:
        console: what was logged: messages, errors, what the policy refused.
        requests: addresses that were asked for.
    """

    def __init__(self, ask_by, answer_by):
        self._ask_by, self._answer_by, self._rest, self._number, self._session = ask_by, answer_by, b"", 0, {}
        self._events, self.console, self.requests = [], [], []
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self._session = {"sessionId": session}
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.ask(f"{domain}.enable")

    def ask(self, method, **parameters):
        """Call a method of the protocol and give its result."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters, **self._session}
        os.write(self._ask_by, json.dumps(message).encode() + b"\0")
        while (answer := self._read()).get("id") != self._number:
            self._note(answer)
        assert "error" not in answer, answer
        return answer["result"]

    def open(self, path):
        """Open a file and wait until it is loaded."""
        self._events.clear()
        self.ask("Page.navigate", url=path.as_uri())
        while "Page.loadEventFired" not in self._events:
            self._note(self._read())

    def run(self, expression):
        """Give the value of a JavaScript expression in the page."""
        done = self.ask("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in done, done
        return done["result"].get("value")

    def picture(self):
        """Give a PNG of the whole page."""
        shot = self.ask("Page.captureScreenshot", captureBeyondViewport=True)
        return base64.b64decode(shot["data"])

    def close(self):
        """End the browser."""
        self._session = {}
        self.ask("Browser.close")

    def _read(self):
        while b"\0" not in self._rest:
            part = os.read(self._answer_by, 1 << 16)
            assert part, "the browser is gone"
            self._rest += part
        line, self._rest = self._rest.split(b"\0", 1)
        return json.loads(line)

    def _note(self, event):
        name, parameters = event.get("method"), event.get("params", {})
        self._events.append(name)
        if name in ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded"):
            self.console.append(json.dumps(parameters))
        if name == "Network.requestWillBeSent":
            self.requests.append(parameters["request"]["url"])


@contextmanager
def browser_tab(profile):
    """Start a browser with a profile in a folder, give a tab of it, and end it."""
    # The protocol is read from 3 and written to 4.
    command = ["sh", "-c", 'exec "$0" "$@" 3<&0 4>&1 </dev/null >/dev/null 2>&1', BROWSER, *_FLAGS.split()]
    command += [_NOWHERE, f"--user-data-dir={profile}"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        tab = Tab(process.stdin.fileno(), process.stdout.fileno())
        yield tab
        tab.close()
    finally:
        process.stdin.close()
        process.stdout.close()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
