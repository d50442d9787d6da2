# SPDX-License-Identifier: Apache-2.0
"""Envio HyperIndex over plain RPC, and the Postgres server that it needs: Debian's, with a cluster of its own that lives
for one run."""
import glob
import json
import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

from chain import HERE, Failed, free_port
from contestants import npm_packages, to_the_end

EVENT = ("Movement(uint64 indexed sequence, uint8 indexed kind, bytes32 indexed account, address token, uint256 amount, "
         "bytes32 counterparty)")


def as_root(*args):
    subprocess.run([*([] if os.geteuid() == 0 else ["sudo"]), *args], check=True, stdout=subprocess.DEVNULL)


def postgres_programs():
    """The folder of Debian's newest server, which is installed when there is none."""
    def found():
        return sorted(glob.glob("/usr/lib/postgresql/*/bin/postgres"), key=lambda path: int(path.split("/")[4]))
    if not found():
        as_root("apt-get", "update", "-qq")
        as_root("env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "-y", "-qq", "--no-install-recommends",
                "postgresql")
    if not found():
        raise Failed("there is no Postgres after apt-get install postgresql")
    return Path(found()[-1]).parent


class Postgres:
    """An empty cluster with Debian's settings on loopback; nothing of it is left afterwards."""

    def __init__(self, programs):
        self.programs, self.port = programs, free_port()
        self.folder = Path(tempfile.mkdtemp(prefix="margrave-postgres-"))
        # The server refuses to run as root.
        self.user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        if self.user:
            owner = pwd.getpwnam("postgres")
            os.chown(self.folder, owner.pw_uid, owner.pw_gid)
        data = str(self.folder / "data")
        self.run("initdb", "-D", data, "-A", "trust", "-U", "postgres", "--no-sync", "-E", "UTF8", "--locale=C")
        self.run("pg_ctl", "-D", data, "-l", str(self.folder / "log"), "-w", "start", "-o",
                 f"-h 127.0.0.1 -p {self.port} -k {self.folder}")

    def run(self, program, *args):
        return subprocess.run([*self.user, str(self.programs / program), *args], check=True, text=True, cwd="/",
                              stdout=subprocess.PIPE if program == "psql" else subprocess.DEVNULL).stdout

    def rows(self, query):
        said = self.run("psql", "-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres", "-tA", "-c", query)
        return [line.split("|") for line in said.splitlines()]

    def close(self):
        self.run("pg_ctl", "-D", str(self.folder / "data"), "-m", "immediate", "-w", "stop")
        shutil.rmtree(self.folder)


class Envio:
    """HyperIndex reads by eth_getLogs, since HyperSync is a service; 500 blocks a question. It ends by itself at the last
    block. What Postgres takes is not counted."""

    name = "envio 2.32.12"
    range = 500

    def prepare(self, source, folder):
        self.programs = postgres_programs()
        self.folder = folder.parent / "rivals/envio"
        shutil.copytree(HERE / "rivals/envio", self.folder, dirs_exist_ok=True)
        for part in (self.folder, self.folder / "tool"):
            shutil.copy(HERE / "rivals/.npmrc", part)
        npm_packages(self.folder / "tool")
        tools = [str(self.folder / "tool/node_modules/.bin"), str(self.folder / "node_modules/.bin"), os.environ["PATH"]]
        self.env = {**os.environ, "PATH": ":".join(tools), "TUI_OFF": "true", "ENVIO_HASURA": "false", "LOG_LEVEL": "warn",
                    "ENVIO_PG_HOST": "127.0.0.1", "ENVIO_PG_USER": "postgres", "ENVIO_PG_PASSWORD": "none",
                    "ENVIO_PG_DATABASE": "postgres"}
        # pnpm would put its store at the root of the filesystem.
        self.env["npm_config_store_dir"] = str(self.folder / "store")
        # JSON is YAML.
        (self.folder / "config.yaml").write_text(json.dumps(self.config(source), indent=1))
        self.quietly("pnpm", "install", "--no-frozen-lockfile")
        self.quietly("envio", "codegen")

    def quietly(self, *args):
        done = subprocess.run(args, cwd=self.folder, env=self.env, capture_output=True, text=True)
        if done.returncode != 0:
            raise Failed(f"{' '.join(args)}: {(done.stdout + done.stderr)[-2000:]}")

    def config(self, source):
        truth = source.truth
        contract = {"name": "Vault", "address": truth["vault"], "handler": "src/EventHandlers.js",
                    "events": [{"event": EVENT}]}
        rpc = {"url": source.url, "for": "sync", "initial_block_interval": self.range, "interval_ceiling": self.range}
        return {"name": "bench", "preload_handlers": True, "unordered_multichain_mode": True,
                "networks": [{"id": truth["chain_id"], "start_block": truth["first_block"], "end_block": truth["last_block"],
                              "rpc": rpc, "contracts": [contract]}]}

    def run(self, source, folder):
        postgres = Postgres(self.programs)
        try:
            env = {**self.env, "ENVIO_PG_PORT": str(postgres.port), "ENVIO_INDEXER_PORT": str(free_port())}
            cost, _ = to_the_end([shutil.which("envio", path=self.env["PATH"]), "start", "-r"], folder, "envio",
                                 cwd=self.folder, env=env)
            [[events]] = postgres.rows('select count(*) from "Movement"')
            sums = dict(postgres.rows('select token, sum(amount) from "Balance" group by token'))
        finally:
            postgres.close()
        return {**cost, "events": int(events), "sums": sums}
