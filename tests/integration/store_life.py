# SPDX-License-Identifier: Apache-2.0
"""The store as its operator keeps it: checked and backed up beside the daemon, lost, restored, and signed from again."""
from harness import require
from story import ETH
from world import ZERO, wait_until


def back_up(story):
    """Beside the running daemon, which then lets one more withdrawal out; what was seen, in words."""
    world = story.w
    checked = world.json("store", "check")
    require(checked["ok"], f"store check found {checked['findings']}")
    made = world.json("store", "backup", str(world.folder / "backups"), "--verify", "--keep", "3")
    require(made["about"]["leaves"] > 0, f"the backup has no log entries: {made}")
    require(not (world.folder / "data/store/copy").exists(), "the copy for the backup was left behind")
    refused = world.margrave("store", "compact", check=False)
    require(refused.returncode == 5, f"store compact beside the daemon ended with {refused.returncode}")
    asked = story.request(world.bob, world.b, "withdrawal", ZERO, ETH // 2)
    story.wait_answer(world.b, story.number_of(world.b, asked), "released")
    return f"backup {made['id']} beside the daemon: {made['bytes']} bytes, {made['about']['leaves']} log entries"


def restore(story):
    """After the daemon's end: the store goes, the backup comes, and the daemon signs on."""
    world = story.w
    store = world.folder / "data/store"
    last = int(world.json("audit", "verify", "--replay", "none")["lastRound"])
    moved = [len(world.movements(chain)) for chain in world.chains]
    refused = world.margrave("store", "restore", str(world.folder / "backups"), check=False)
    require(refused.returncode == 2, f"restore over a store ended with {refused.returncode}")
    store.rename(world.folder / "data/store.lost")
    added = world.json("store", "restore", str(world.folder / "backups"))["added"]
    require(added["releases"] == 1, f"the published log had one more release, restored were {added}")
    require((store / "restored").exists(), "the restored store is not marked")
    world.start_daemon()
    try:
        wait_until(f"a round after {last} on both chains", lambda: world.check_daemon() or all(
            world.registry_round(chain) > last for chain in world.chains), 60 * world.patience, 0.5)
        story.check_books()
    finally:
        code = world.stop_daemon()
    require(code == 0, f"the daemon on the restored store ended with {code}")
    require(moved == [len(world.movements(chain)) for chain in world.chains], "a vault moved something once more")
    require(not (store / "restored").exists(), "it signed before the store was compared")
    report = world.json("store", "verify")
    require(report["ok"], f"store verify after the restore found {report['findings']}")
    audited = world.json("audit", "verify")
    require(audited["ok"], f"audit verify after the restore found {audited['findings']}")
    return (f"restored with {added['leaves']} log entries more than the backup had; round {audited['lastRound']} "
            f"follows {last}, nothing was let out twice")
