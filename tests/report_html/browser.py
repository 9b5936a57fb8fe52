"""A headless Chromium, driven over its DevTools protocol through two pipes: nothing but the standard library.

Source: chromium --remote-debugging-pipe (messages of JSON, each ended by a zero byte); chromedevtools.github.io/devtools-protocol.
"""
import json
import os
import select
import shutil
import subprocess
import tempfile
import time


class Browser:
    def __init__(self, program, deadline=200):
        self.until = time.monotonic() + deadline
        self.folder = tempfile.mkdtemp(prefix="orrery-chromium-")
        to_read, self.to = os.pipe()
        self.of, to_write = os.pipe()
        flags = ["--headless=new", "--disable-gpu", "--no-sandbox", "--no-first-run", "--disable-extensions",
                 "--disable-dev-shm-usage", "--disable-background-networking", "--disable-component-update",
                 "--disable-sync", "--mute-audio", "--remote-debugging-pipe", "--user-data-dir=" + self.folder]
        # What it writes at home goes with the folder: some homes cannot be written to.
        homeless = dict(os.environ, HOME=self.folder, XDG_CONFIG_HOME=self.folder, XDG_CACHE_HOME=self.folder)
        # The protocol wants descriptors 3 and 4, and only those.
        self.process = subprocess.Popen(
            ["sh", "-c", 'program=$0; exec "$program" "$@" 3<&%d 4>&%d' % (to_read, to_write), program, *flags, "about:blank"],
            pass_fds=(to_read, to_write), env=homeless, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_read)
        os.close(to_write)
        self.buffer = b""
        self.number = 0
        self.events = []
        self.session = None
        self.session = self.call("Target.attachToTarget", targetId=self._page(), flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(domain + ".enable")

    def _page(self):
        while True:  # at first there may be none
            for target in self.call("Target.getTargets")["targetInfos"]:
                if target["type"] == "page":
                    return target["targetId"]
            if time.monotonic() > self.until:
                raise TimeoutError("chromium opens no page")
            time.sleep(0.05)

    def _receive(self):
        while b"\0" not in self.buffer:
            if not select.select([self.of], [], [], max(0, self.until - time.monotonic()))[0]:
                raise TimeoutError("chromium does not answer")
            data = os.read(self.of, 1 << 16)
            if not data:
                raise RuntimeError("chromium has ended; does it run here at all? try: chromium --headless --no-sandbox about:blank")
            self.buffer += data
        message, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(message)

    def call(self, method, **parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.to, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._receive()
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise RuntimeError(method + ": " + answer["error"]["message"])
                return answer["result"]
            self.events.append(answer)

    def wait_for(self, method):
        while not any(event.get("method") == method for event in self.events):
            self.events.append(self._receive())

    def open(self, path, width=1400, height=900, dark=False):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        self.events = []
        self.call("Page.navigate", url="file://" + os.path.abspath(path))
        self.wait_for("Page.loadEventFired")

    def reload(self):
        self.events = []
        self.call("Page.reload")
        self.wait_for("Page.loadEventFired")

    def run(self, expression):
        """Returns: what the expression is, awaited, as JSON."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            details = answer["exceptionDetails"]
            raise RuntimeError(expression + ": " + details.get("exception", {}).get("description", details["text"]))
        return answer["result"].get("value")

    def press(self, key):
        codes = {"Enter": 13, "Escape": 27, "ArrowDown": 40, "ArrowUp": 38, "ArrowLeft": 37, "ArrowRight": 39, "Tab": 9}
        text = {} if key in codes and key != "Enter" else {"text": "\r" if key == "Enter" else key}
        common = {"key": key, "windowsVirtualKeyCode": codes.get(key, ord(key[0].upper()))}
        self.call("Input.dispatchKeyEvent", type="keyDown", **common, **text)
        self.call("Input.dispatchKeyEvent", type="keyUp", **common)

    def move(self, x, y):
        self.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    def click(self, x, y):
        self.move(x, y)
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def click_on(self, selector):
        """Clicks in the middle of the first element that matches, as a hand would."""
        box = self.run("(() => { const e = document.querySelector(%s); e.scrollIntoView({block: 'nearest'}); const r = e.getBoundingClientRect(); "
                       "return [r.x + r.width / 2, r.y + r.height / 2]; })()" % json.dumps(selector))
        self.click(*box)

    def screenshot(self, path):
        import base64
        self.run("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
        with open(path, "wb") as file:
            file.write(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))

    def complaints(self):
        """Returns: what the page said on the console, and exceptions."""
        said = []
        for event in self.events:
            if event.get("method") == "Runtime.exceptionThrown":
                said.append(event["params"]["exceptionDetails"].get("exception", {}).get("description", "exception"))
            if event.get("method") == "Runtime.consoleAPICalled" and event["params"]["type"] in ("error", "warning"):
                said.append(str(event["params"]["args"]))
            if event.get("method") == "Log.entryAdded" and event["params"]["entry"]["level"] in ("error", "warning"):
                said.append(event["params"]["entry"]["text"])
        return said

    def requests(self):
        """Returns: the addresses that the page has asked for, besides itself and what stands in it."""
        sent = [event["params"]["request"]["url"] for event in self.events if event.get("method") == "Network.requestWillBeSent"]
        own = self.run("location.href.split('#')[0]")
        return [url for url in sent if not url.startswith(("data:", "blob:")) and url.split("#")[0] != own]

    def close(self):
        try:
            self.session = None
            self.call("Browser.close")
            self.process.wait(5)
        except Exception:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
