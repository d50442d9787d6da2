# SPDX-License-Identifier: Apache-2.0
"""What an operator may do wrong and what may break under a daemon: each with the words that name it, the exit code of
docs/operating.md, and nothing lost by it. One network and one data directory go through all of it."""
import hashlib
import json
import shutil
import signal
import subprocess
import sys
import time
import traceback
import urllib.request

from harness import Failed, World, arguments, require, run, say
from published import bundle_file, log_size, read_entries
from story import ETH, Story
from world import ZERO, free_port, wait_until

OK, RUNTIME, CONFIG, UNSAFE, FOUND, IN_USE, DAMAGED = range(7)


class Node(World):
    """The demo's network with a daemon that stands still between the cases."""

    def __init__(self, folder, binary):
        super().__init__(folder, binary)
        self.data = self.folder / "data"

    def variant(self, change):
        """A config file beside the good one, changed by change(document)."""
        document = json.loads(self.config.read_text())
        change(document)
        file = self.folder / "variant.json"
        file.write_text(json.dumps(document, indent=1))
        return file

    def ends(self, code, words, *args, config=None):
        """The command must end with this code and say these words."""
        try:
            done = self.margrave(*args, check=False, timeout=120, config=config)
        except subprocess.TimeoutExpired as e:
            raise Failed(f"margrave {' '.join(args)} still runs after {e.timeout:.0f} s") from e
        text = done.stdout + done.stderr
        require(done.returncode == code, f"margrave {' '.join(args)} ended with {done.returncode}, not {code}: "
                                         f"{text[-1500:]}")
        missing = [word for word in words if word not in text]
        require(not missing, f"margrave {' '.join(args)} does not say {missing}: {text[-1500:]}")
        return done

    def kept(self):
        """What must survive everything: hashes of guard, mark and published log."""
        files = [f for name in ("guard", "log") for f in (self.data / name).rglob("*") if f.is_file()]
        files.append(self.data / "guard.mark")
        return {str(f): hashlib.sha256(f.read_bytes()).hexdigest() for f in sorted(files) if f.name != "LOCK"}

    def refuses(self, code, words, *args, config=None):
        """As ends(), and neither guard nor log has changed."""
        before = self.kept()
        done = self.ends(code, words, *args, config=config)
        after = self.kept()
        require(before == after, f"margrave {' '.join(args)} changed "
                                 f"{[f for f in set(before) | set(after) if before.get(f) != after.get(f)]}")
        return done

    def more_rounds(self, chains, rounds=2, timeout=180):
        """Waits until the registries are that many rounds further than now."""
        targets = [(chain, self.registry_round(chain) + rounds) for chain in chains]

        def check():
            self.check_daemon()
            return all(self.registry_round(chain) >= target for chain, target in targets)
        wait_until(f"{rounds} more rounds on {' and '.join(c.name for c in chains)}", check, timeout, 0.5)

    def works(self):
        """The daemon starts on what is there, signs, and ends cleanly; the log still holds."""
        log = self.folder / "daemon.log"

        def starts():
            return log.read_text(errors="replace").count('"daemon.running"')
        before = starts()
        self.start_daemon()
        # A transaction of the one before may still bring a round: this one has to run first.
        wait_until("the daemon runs", lambda: starts() > before, 60)
        self.more_rounds(self.chains, 1)
        code = self.stop_daemon()
        require(code == OK, f"the daemon did not stop cleanly but with {code}")
        self.ends(OK, ["every entry holds"], "audit", "verify", "--replay", "all")


def set_up(node):
    story = Story(node, say=say)
    story.set_up()
    story.deposit(node.alice, node.a, ZERO, 10 * ETH)
    story.wait_equity(node.alice, 30_000, 180)
    require(node.stop_daemon() == OK, "the daemon did not stop cleanly")


# Config -------------------------------------------------------------------------------------------------------------
def unknown_field(node):
    def change(document):
        document["chains"][0]["finalty"] = document["chains"][0].pop("finality")
    config = node.variant(change)
    for command in (["config", "check"], ["run"], ["run", "--dry-run"], ["deploy"]):
        node.refuses(CONFIG, ["/chains/0/finalty", "finality", "variant.json"], *command, config=config)
    done = node.refuses(CONFIG, [], "--output", "json", "config", "check", config=config)
    error = json.loads(done.stdout)["error"]
    require(error["code"] == "config" and done.stderr == "", f"JSON is {error}, stderr {done.stderr!r}")
    require("/chains/0/finalty" in [row["pointer"] for row in error["problems"]], f"problems are {error['problems']}")


def wrong_chain(node):
    def change(document):
        one, other = document["chains"]
        one["endpoints"], other["endpoints"] = other["endpoints"], one["endpoints"]
    numbers = [str(node.b.chain_id), node.a.caip]
    node.refuses(CONFIG, ["serves chain id", *numbers], "run", config=node.variant(change))
    node.refuses(CONFIG, ["serves chain id", *numbers], "run", "--dry-run", config=node.variant(change))


def wrong_decimals(node):
    def change(document):
        document["assets"][1]["decimals"] = 18
        document["node"]["data_dir"] = "data-decimals"
    node.refuses(CONFIG, ["decimals of", node.a.usd.lower(), "are 6 on chain, config says 18"], "run", "--dry-run",
                 config=node.variant(change))


def wrong_decimals_later(node):
    def change(document):
        document["assets"][1]["decimals"] = 18
    node.refuses(CONFIG, [node.a.usd.lower(), "18 decimals", "is already ledger"], "run", config=node.variant(change))


def feed_without_code(node):
    """Found at the first blocks, not at the start: the source is asked where the chain is followed."""
    nobody = "0x00000000000000000000000000000000000000ab"

    def change(document):
        document["assets"][0]["price"]["sources"][0]["feed"]["address"] = nobody
    node.refuses(CONFIG, ["price source", nobody, "decimals() returned 0 bytes", "oracle check"], "run", "--dry-run",
                 config=node.variant(change))


def vault_without_code(node):
    nobody = "0x00000000000000000000000000000000000000aa"

    def change(document):
        row = node.deployment["chains"][node.b.caip]
        names = ("registry", "sale")
        document["chains"][1]["contracts"] = {**{name: row[name] for name in names}, "vault": nobody}
    node.refuses(CONFIG, ["vault has no code at " + nobody, node.b.caip], "run", config=node.variant(change))


def wrong_password(node):
    (node.folder / "other-password").write_text("correct horse battery stable\n")
    (node.folder / "other-password").chmod(0o600)

    def change(document):
        document["signer"]["password"] = {"file": "other-password"}
    for command in (["run"], ["deploy"]):
        node.refuses(CONFIG, ["password"], *command, config=node.variant(change))


def key_of_nobody(node):
    """A key that is no signer of the network must not sign anything."""
    subprocess.run([node.binary, "keys", "new", "--keystore", str(node.folder / "other-key.json"), "--password-file",
                    str(node.folder / "password")], check=True, capture_output=True)

    def change(document):
        document["signer"]["keystore"] = "other-key.json"
        document["node"]["data_dir"] = "data-nobody"
    node.refuses(CONFIG, ["/network/signers"], "run", config=node.variant(change))
    require(not (node.folder / "data-nobody/log/checkpoint").exists(), "a stranger's key signed a log")


def single_source(node):
    words = '"yes: one lying node can make this daemon sign a lie"'
    alone = node.variant(lambda document: document.pop("accept_single_source"))
    node.refuses(CONFIG, ["/chains/0/endpoints", "/chains/1/endpoints", "/accept_single_source", words], "run",
                 config=alone)

    def two_hosts(document):
        del document["accept_single_source"]
        for chain in document["chains"]:
            other = chain["endpoints"][0]["http"].replace("127.0.0.1", "localhost")
            chain["endpoints"].append({"name": "second", "http": other})
        # Those words stood for the prices too, which still have one maker each.
        for asset in document["assets"]:
            asset["price"]["accept_single_source"] = "yes: one wrong price can make this daemon sign a lie"
    # Two operators are enough without the words.
    config = node.variant(two_hosts)
    before, good = node.kept(), node.config
    node.config = config
    try:
        node.start_daemon("--dry-run")
        wait_until("the dry run to follow both chains", lambda: node.check_daemon() or following(node.status()), 60)
        require(node.status()["dryRun"] is True, "status does not say that it is a dry run")
        require(node.stop_daemon() == OK, "the dry run did not stop cleanly")
    finally:
        node.config = good
    require(node.kept() == before, "the dry run signed or published something")


def following(status):
    return all(row["live"] and int(row["lag"]) <= 1 for row in status["chains"])


# Nodes --------------------------------------------------------------------------------------------------------------
def unreachable(node):
    """An endpoint where nobody listens: fatal only for a chain of which nothing is known yet."""
    port = free_port()

    def change(document):
        document["chains"][1]["endpoints"][0]["http"] = f"http://127.0.0.1:{port}/v3/secret-key"
        document["node"]["data_dir"] = "data-unreachable"
    done = node.refuses(RUNTIME, ["b-node", node.b.caip], "run", "--dry-run", config=node.variant(change))
    require("secret-key" not in done.stdout + done.stderr, "the message tells a secret of the URL")


def soon_dead(node):
    """From here on a chain counts as dead after 20 s without a final block; a new parameters leaf says so."""
    document = json.loads(node.config.read_text())
    for chain in document["chains"]:
        chain["max_head_age"] = "20s"
    node.config.write_text(json.dumps(document, indent=1))


def chain_stops(node):
    """B's node hangs: A goes on being attested, also after a restart; B catches up when its node is back."""
    soon_dead(node)
    node.start_daemon()
    node.more_rounds(node.chains, 1)
    node.b.process.send_signal(signal.SIGSTOP)
    try:
        node.more_rounds([node.a], 3)
        require(node.stop_daemon() == OK, "the daemon did not stop cleanly beside a node that hangs")
        node.start_daemon()
        node.more_rounds([node.a], 2)
        def told():
            rows = {row["chain"]: row for row in node.status()["chains"]}
            require(rows[node.a.caip]["live"] and not rows[node.b.caip]["live"], f"status shows {rows}")
            return rows[node.b.caip]["error"]
        wait_until("status to say what is wrong with B", told, 30)
    finally:
        node.b.process.send_signal(signal.SIGCONT)
    here = node.registry_round(node.a)
    wait_until("B's registry to catch up", lambda: node.check_daemon() or node.registry_round(node.b) >= here, 120)
    require(node.stop_daemon() == OK, "the daemon did not stop cleanly")
    node.ends(OK, ["every entry holds"], "audit", "verify", "--replay", "all")


def chain_dies(node):
    """B's node is gone for good: A goes on. The last case, because B does not come back."""
    soon_dead(node)
    node.start_daemon()
    node.more_rounds(node.chains, 1)
    node.b.process.kill()
    node.b.process.wait()
    node.more_rounds([node.a], 2)
    require(node.stop_daemon() == OK, "the daemon did not stop cleanly")
    node.ends(OK, ["every entry holds"], "audit", "verify", "--replay", "all")


# Data directory -----------------------------------------------------------------------------------------------------
def in_use(node):
    node.start_daemon()
    wait_until("the daemon to answer", lambda: node.check_daemon() or node.status(), 60)
    for command in (["run"], ["run", "--dry-run"]):
        node.ends(IN_USE, ["is locked", str(node.daemon.pid)], *command)
    node.more_rounds(node.chains, 1)
    require(node.stop_daemon() == OK, "the daemon did not stop cleanly")


def with_damage(node, file, damage, code, words):
    """Audits a copy of the log in which damage(bytes) was done to one file."""
    copy = node.folder / "log-copy"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(node.data / "log", copy)
    target = copy / file.relative_to(node.data / "log")
    target.write_bytes(damage(target.read_bytes()))
    network = json.loads(node.margrave("--output", "json", "config", "check").stdout)["network"]
    node.ends(code, words, "audit", "verify", "--log", str(copy), "--network", network)


def last_files(node):
    """The last bundle of entries and its tile of hashes."""
    size = log_size(node.data / "log")
    bundle = bundle_file(node.data / "log", (size - 1) // 256, (size - 1) % 256 + 1)
    return bundle, node.data / "log/tile/0" / bundle.relative_to(node.data / "log/tile/entries")


def damaged_log(node):
    bundle, tile = last_files(node)
    data = bundle.read_bytes()
    entry = next(i for i, e in enumerate(read_entries(node.data / "log")) if e["kind"] == "attestation")
    at = data.index(b'"signature":"0x', data.index(b'"kind":"attestation"')) + 20

    def flip(where):
        return lambda b: b[:where] + bytes([b[where] ^ 1]) + b[where + 1:]
    name, tile_name = (str(f.relative_to(node.data / "log")) for f in (bundle, tile))
    with_damage(node, bundle, lambda b: b, OK, ["every entry holds"])
    with_damage(node, bundle, lambda b: b[:-7], DAMAGED, [name])
    with_damage(node, bundle, lambda b: b"", FOUND, ["the log has no genesis"])
    with_damage(node, bundle, flip(at), FOUND, [f"entry {entry} of the log", tile_name])
    with_damage(node, tile, flip(32 * entry + 5), FOUND, [f"entry {entry} of the log", tile_name])
    with_damage(node, tile, lambda b: b[:-1], DAMAGED, [tile_name])
    with_damage(node, node.data / "log/checkpoint", flip(60), FOUND, ["log-copy", "the signature by", "is wrong"])


def damaged_log_of_daemon(node):
    """The daemon refuses to publish over a changed file, and makes the log again from the store when it is deleted."""
    bundle, _ = last_files(node)
    good = bundle.read_bytes()
    bundle.write_bytes(good[:-1] + b"?")
    node.refuses(DAMAGED, [str(bundle.relative_to(node.data / "log")), "delete it and it is made again"], "run")
    bundle.write_bytes(good)
    before = read_entries(node.data / "log")
    shutil.rmtree(node.data / "log")
    node.works()
    require(read_entries(node.data / "log")[:len(before)] == before, "the log that was made again is another one")


def rolled_back(node):
    old, new = node.folder / "data-old", node.folder / "data-new"
    shutil.copytree(node.data, old)
    node.start_daemon()
    node.more_rounds(node.chains, 2)
    require(node.stop_daemon() == OK, "the daemon did not stop cleanly")
    node.data.rename(new)
    old.rename(node.data)
    node.refuses(UNSAFE, ["signing guard", "it is a copy, or was restored", "Nothing is signed"], "run")
    node.ends(OK, ["belongs to this machine and directory now"], "guard", "adopt", "--reason", "the newest, they said")
    node.refuses(UNSAFE, ["the registry on", "but this data directory ends at round", "Nothing is signed"], "run")
    shutil.rmtree(node.data)
    new.rename(node.data)
    node.works()


def new_directory(node):
    """The same key on an empty directory, while the contracts know its rounds."""
    config = node.variant(lambda document: document["node"].update(data_dir="data-empty"))
    node.refuses(UNSAFE, ["the registry on", "but this data directory ends at round 0"], "run", config=config)
    # It compares with the registries before it signs or publishes anything, even the log's first entries.
    require(not (node.folder / "data-empty/log").exists(), "it published all the same")


def doppelganger(node):
    """A second daemon on an adopted copy keeps silent, hears of a round that it did not sign, and ends."""
    twin = node.folder / "data-twin"
    shutil.copytree(node.data, twin)

    def change(document):
        document["node"]["data_dir"] = "data-twin"
        document["guard"] = {"silence": "2m"}
        document["api"]["admin_socket"] = "twin.sock"
    config = node.variant(change)
    node.ends(OK, ["belongs to this machine"], "guard", "adopt", "--reason", "there is no other", config=config)
    before = len(read_entries(twin / "log"))
    second = node.children.start([node.binary, "-c", str(config), "run"], node.folder / "twin.log",
                                 cwd=str(node.folder))

    def is_silent():
        status = json.loads(node.margrave("--output", "json", "status", config=config).stdout)
        return "s left" in status["guard"]["silence"] and "silence" in status["waitingFor"]
    wait_until("the second daemon's silence", is_silent, 60)
    node.start_daemon()
    node.more_rounds(node.chains, 1)
    require(second.wait(60) == UNSAFE, f"the second daemon ended with {second.returncode}")
    said = (node.folder / "twin.log").read_text()
    require("another process signs with this key" in said, f"the second daemon says {said[-800:]}")
    require(len(read_entries(twin / "log")) == before, "the second daemon signed")
    require(node.stop_daemon() == OK, "the daemon did not stop cleanly")


def published_elsewhere(node):
    """A copy of the published log tells that a data directory was rolled back, before any chain is asked."""
    old, mirror = node.folder / "data-before", node.folder / "mirror"
    shutil.copytree(node.data, old)
    node.start_daemon()
    node.more_rounds(node.chains, 2)
    require(node.stop_daemon() == OK, "the daemon did not stop cleanly")
    shutil.copytree(node.data / "log", mirror)
    port = free_port()
    node.children.start([sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1", "--directory",
                         str(mirror)], node.folder / "mirror.log")
    wait_until("the mirror", lambda: urllib.request.urlopen(f"http://127.0.0.1:{port}/checkpoint").status == 200, 20)

    def published(data_dir):
        def change(document):
            document["node"]["data_dir"] = data_dir
            document["guard"]["published"] = [f"http://127.0.0.1:{port}"]
        return node.variant(change)
    config = published("data-before")
    node.ends(OK, ["belongs to this machine"], "guard", "adopt", "--reason", "rolled back", config=config)
    node.ends(UNSAFE, ["the published log on 127.0.0.1 has", "it was rolled back", "Nothing is signed"], "run",
              config=config)
    log = node.folder / "compared.log"
    daemon = node.children.start([node.binary, "-c", str(published("data")), "run"], log, cwd=str(node.folder))
    said = ["published.compared", "daemon.running"]
    wait_until("the comparison", lambda: all(word in log.read_text() for word in said), 60)
    daemon.kill()
    daemon.wait()
    node.works()


def guard_handed_over(node):
    """An export goes into a new guard that signs on; the old one is closed for ever."""
    kept = node.folder / "guard-closed"
    file = str(node.folder / "guard.json")
    node.ends(OK, ["entries"], "guard", "export", file, "--close", "--reason", "handed over")
    node.ends(UNSAFE, ["was closed (handed over)", "is not signed here any more"], "run")
    kept.mkdir()
    for name in ("guard", "guard.mark"):
        (node.data / name).rename(kept / name)
    node.ends(OK, ["watermarks raised"], "guard", "import", file)
    node.works()


def guard_deleted(node):
    kept = node.folder / "guard-kept"
    (node.data / "guard").rename(kept)
    node.ends(DAMAGED, ["signing guard", "the records are gone"], "run")
    shutil.rmtree(node.data / "guard", ignore_errors=True)
    (node.data / "guard.mark").rename(node.folder / "mark-kept")
    node.ends(UNSAFE, ["signing guard's last round is 0", "rolled back", "Nothing is signed"], "run")
    shutil.rmtree(node.data / "guard")
    (node.folder / "mark-kept").replace(node.data / "guard.mark")
    kept.rename(node.data / "guard")
    node.works()


def guard_cut(node):
    """A guard without its last records is one that would sign them again."""
    log = node.data / "guard/log"
    good = log.read_bytes()
    log.write_bytes(good[:-200])
    node.ends(DAMAGED, ["signing guard", "does not check"], "run")
    log.write_bytes(good)
    node.works()


CASES = [unknown_field, wrong_chain, wrong_decimals, wrong_decimals_later, feed_without_code, vault_without_code, wrong_password,
         key_of_nobody, single_source, unreachable, in_use, damaged_log, damaged_log_of_daemon, rolled_back,
         new_directory, doppelganger, published_elsewhere, guard_handed_over, guard_deleted, guard_cut, chain_stops, chain_dies]


def all_cases(folder, options):
    node, failed = Node(folder, options.binary), []
    try:
        set_up(node)
        for case in CASES:
            if options.only and case.__name__ not in options.only:
                continue
            begun = time.monotonic()
            try:
                case(node)
                say(f"   ok  {case.__name__} ({time.monotonic() - begun:.0f} s)")
            except (Failed, Exception, SystemExit) as e:
                failed.append(case.__name__)
                traceback.print_exc()
                say(f"  BAD  {case.__name__}: {e}")
                if node.daemon.poll() is None:
                    node.stop_daemon()
        require(not failed, f"{len(failed)} of {len(CASES)} cases failed: {', '.join(failed)}")
    finally:
        node.close()


def main():
    parser = arguments(__doc__)
    parser.add_argument("--only", action="append", help="run only this case; may be repeated")
    options = parser.parse_args()
    return run("bad-input", options, lambda folder: all_cases(folder, options))


sys.exit(main())
