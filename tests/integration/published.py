# SPDX-License-Identifier: Apache-2.0
"""What the daemon wrote, read from the files by other code than the daemon's."""
import json
import struct
from pathlib import Path

TILE_WIDTH = 256


def log_size(folder):
    return int((Path(folder) / "checkpoint").read_text().split("\n")[1])


def bundle_file(folder, number, width):
    """The file of one bundle of entries; a partial one may since have been completed."""
    path = f"{number % 1000:03d}"
    while number >= 1000:
        number //= 1000
        path = f"x{number % 1000:03d}/{path}"
    full = Path(folder) / "tile/entries" / path
    partial = full.with_name(full.name + ".p") / str(width)
    return partial if width < TILE_WIDTH and partial.exists() else full


def read_entries(folder):
    """Every entry under the checkpoint, as JSON."""
    size, entries = log_size(folder), []
    for number in range((size + TILE_WIDTH - 1) // TILE_WIDTH):
        width = min(TILE_WIDTH, size - number * TILE_WIDTH)
        data, at = bundle_file(folder, number, width).read_bytes(), 0
        for _ in range(width):
            (length,) = struct.unpack_from(">H", data, at)
            entries.append(json.loads(data[at + 2:at + 2 + length]))
            at += 2 + length
    return entries


def read_guard(file):
    """Every record of the signing guard: who may sign which digest of which subject and epoch."""
    data, records = Path(file).read_bytes(), []
    at = 16 + 32 + 32  # magic, network, their hash
    while at < len(data):
        (length,) = struct.unpack_from(">I", data, at)
        kind, row = data[at + 4], data[at + 5:at + 4 + length]
        at += 4 + length + 32  # and the hash that chains the records
        if kind != 1:  # a place, an import or a closing: nothing that was signed here
            continue
        records.append({"signer": "0x" + row[:20].hex(), "domain": "0x" + row[20:52].hex(),
                        "subject": "0x" + row[52:84].hex(), "epoch": struct.unpack_from(">Q", row, 84)[0],
                        "digest": "0x" + row[92:124].hex()})
    return records
