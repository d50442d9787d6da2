# SPDX-License-Identifier: Apache-2.0
"""What must be true of a whole story however often its daemon died: the log, the signing guard and the chains' events
are compared with each other, and none of them is read by the daemon's own code."""
from collections import defaultdict

from harness import require
from published import read_entries, read_guard
from story import Story

ATTESTED = "Attested(uint64,bytes32,bytes32,uint64,uint64)"


def check_counts(world):
    """While the daemon runs: it saw each of the vaults' events once."""
    rows = {row["chain"]: row for row in world.status()["chains"]}
    for chain in world.chains:
        counted = int(chain.call(chain.vault, "eventCount()(uint64)")[0])
        seen = [row["sequence"] for row in world.movements(chain)]
        require(seen == list(range(1, counted + 1)), f"{chain.name}: eventCount is {counted}, the events are {seen}")
        told = int(rows[chain.caip]["events"])
        require(told == counted, f"{chain.name}: the vault made {counted} events, the daemon counts {told}")


def check_history(world):
    """After the daemon's end; what was found, in words."""
    entries = read_entries(world.folder / "data/log")
    guard = read_guard(world.folder / "data/guard/log")
    rounds = check_rounds(world, entries, guard)
    check_signed(entries, guard)
    asked = sum(check_requests(world, chain, entries) for chain in world.chains)
    done = sum(check_executions(chain, world.movements(chain), entries) for chain in world.chains)
    return (f"{rounds} rounds with one digest each in log, guard and registries; {asked} requests answered once; "
            f"{done} releases and seizures executed once")


def check_rounds(world, entries, guard):
    log = defaultdict(set)
    for entry in entries:
        if entry["kind"] == "attestation":
            number = int(entry["typedData"]["message"]["round"])
            require(number not in log, f"round {number} is in the log twice")
            log[number].add(entry["digest"])
    require(sorted(log) == list(range(1, len(log) + 1)), f"the log's rounds have a gap: {sorted(log)}")
    subject = world.a.cast("keccak", "attestation")
    guarded = {row["epoch"]: {row["digest"]} for row in guard if row["subject"] == subject}
    require(guarded == log, f"log and guard differ in rounds {differing(log, guarded)}")
    for chain in world.chains:
        for number, digest in attested(chain):
            require(log.get(number) == {digest}, f"{chain.name} accepted {digest} as round {number}, the log has "
                                                 f"{log.get(number)}")
    return len(log)


def differing(one, other):
    return [key for key in sorted(set(one) | set(other)) if one.get(key) != other.get(key)]


def attested(chain):
    """(round, digest) of every attestation that a registry accepted."""
    logs = chain.rpc("eth_getLogs", {"address": chain.registry, "fromBlock": "0x0", "toBlock": "latest",
                                     "topics": [chain.cast("keccak", ATTESTED)]})
    rows = [(int(log["topics"][1], 16), log["data"][:66]) for log in logs]
    require(len(rows) == len({number for number, _ in rows}), f"{chain.name} accepted a round twice")
    return rows


def check_signed(entries, guard):
    """One digest for one subject and epoch, and what the guard holds is what the log shows."""
    subjects = [(row["signer"], row["domain"], row["subject"], row["epoch"]) for row in guard]
    require(len(subjects) == len(set(subjects)), "the guard has two records for one subject and epoch")
    shown = [entry["digest"] for entry in entries if "digest" in entry]
    require(len(shown) == len(set(shown)), "the log shows a statement twice")
    kept = {row["digest"] for row in guard}
    require(set(shown) == kept, f"in the log but not in the guard: {sorted(set(shown) - kept)}; in the guard but not "
                                f"in the log: {sorted(kept - set(shown))}")


def check_requests(world, chain, entries):
    """Each request has one answer, a release or a refusal; how many there were."""
    rows = [row for row in world.movements(chain) if row["kind"] in (2, 3)]
    for row in rows:
        number = row["sequence"]
        release = Story.release_id(None, chain, number)
        answers = [entry for entry in entries
                   if (entry["kind"] == "release" and entry["typedData"]["message"]["id"] == release)
                   or (entry["kind"] == "refusal" and entry["chain"] == chain.caip
                       and int(entry["request"]) == number)]
        require(len(answers) == 1, f"request {number} on {chain.name} has {len(answers)} answers in the log")
    return len(rows)


def check_executions(chain, movements, entries):
    """No release or seizure was executed twice or without an entry in the log; how many were executed."""
    signed = {entry["typedData"]["message"]["id"] for entry in entries if entry["kind"] in ("release", "seizure")}
    ids = [row["counterparty"] for row in movements if row["kind"] in (4, 5)]
    require(len(ids) == len(set(ids)), f"{chain.name} executed an id twice: {sorted(ids)}")
    require(set(ids) <= signed, f"{chain.name} executed what the log does not show: {sorted(set(ids) - signed)}")
    return len(ids)


def check_quiet(world):
    """Nothing in the daemon's log that is an error, or is no line of it at all."""
    bad = [line for line in (world.folder / "daemon.log").read_text(errors="replace").splitlines()
           if '"level":"error"' in line.replace(" ", "") or not line.startswith("{")]
    require(not bad, "the daemon said: " + "\n".join(bad[:5]))
