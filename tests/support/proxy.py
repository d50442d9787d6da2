# SPDX-License-Identifier: Apache-2.0
"""The fault-injecting proxy (fault_proxy.mjs) as a child process, steered over its control port."""
import json
import shutil
import urllib.error
import urllib.request

from world import ROOT, Failed, wait_until


class FaultProxy:
    """listen: {listener name: upstream URL}. Without rules every listener is an honest node."""

    def __init__(self, children, folder, listen):
        node = shutil.which("node") or shutil.which("nodejs")
        if not node:
            raise SystemExit("node is not installed; run scripts/setup")
        out = folder / "proxy.log"
        args = [arg for name, url in listen.items() for arg in ("--listen", f"{name}={url}")]
        self.process = children.start([node, str(ROOT / "tests/support/fault_proxy.mjs"), *args], out)

        def ports():
            if self.process.poll() is not None:
                raise SystemExit(f"the fault proxy ended with code {self.process.returncode}: {out.read_text()}")
            lines = out.read_text().splitlines()
            return json.loads(lines[0]) if lines else None
        told = wait_until("the fault proxy's ports", ports, 20)
        self.control = f"http://127.0.0.1:{told['control']}"
        self.ports = told["listeners"]

    def url(self, listener, scheme="http"):
        return f"{scheme}://127.0.0.1:{self.ports[listener]}"

    def ask(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.control + path, data, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as e:
            raise SystemExit(f"the fault proxy refused {body}: {e.read().decode()}") from e

    def set(self, *rules):
        """These rules instead of all others; their ids."""
        return self.ask("PUT", "/rules", list(rules))["ids"]

    def add(self, *rules):
        return self.ask("POST", "/rules", list(rules))["ids"]

    def clear(self):
        self.ask("DELETE", "/rules")

    def rules(self):
        return self.ask("GET", "/rules")

    def fired(self):
        """How often the rules that are in force have fired, the least of them."""
        return min((rule["fired"] for rule in self.rules()), default=0)

    def stats(self):
        return self.ask("GET", "/stats")

    def requests(self, *listeners):
        told = self.stats()["listeners"]
        return sum(told[name]["requests"] for name in (listeners or told))

    def point(self, listener, url):
        self.ask("POST", "/upstream", {"listener": listener, "url": url})

    def wait_fired(self, times=1, timeout=30):
        def check():
            least = self.fired()
            if least < times:
                raise Failed(f"fired {least} of {times} times: {[r['spec']['fault'] for r in self.rules()]}")
            return True
        wait_until("the rules to fire", check, timeout, 0.05)
