# SPDX-License-Identifier: Apache-2.0
"""A row of a store that nobody runs, changed behind its back through RocksDB's own C interface."""
import ctypes
import ctypes.util
from ctypes import POINTER, byref, c_char_p, c_int, c_size_t, c_ubyte, c_void_p

from harness import require


def library():
    name = ctypes.util.find_library("rocksdb")
    require(name, "librocksdb is not installed; run scripts/setup")
    out = ctypes.CDLL(name)
    for function in ("options_create", "readoptions_create", "writeoptions_create", "list_column_families",
                     "open_column_families", "get_cf"):
        getattr(out, "rocksdb_" + function).restype = c_void_p
    return out


def asked(function, *args):
    """The answer of a call whose last argument takes the error."""
    error = c_char_p()
    out = function(*args, byref(error))
    require(error.value is None, f"{function.__name__}: {(error.value or b'').decode(errors='replace')}")
    return out


def change_row(folder, family, key, change):
    """Writes change(row) where the row of `key` is."""
    db = library()
    path, options = str(folder).encode(), c_void_p(db.rocksdb_options_create())
    count = c_size_t()
    listed = asked(db.rocksdb_list_column_families, options, path, byref(count))
    names = (c_char_p * count.value)(*ctypes.cast(listed, POINTER(c_char_p * count.value)).contents)
    each = (c_void_p * count.value)(*[options.value] * count.value)
    handles = (c_void_p * count.value)()
    store = c_void_p(asked(db.rocksdb_open_column_families, options, path, c_int(count.value), names, each, handles))
    handle = c_void_p(handles[list(names).index(family.encode())])
    try:
        size = c_size_t()
        at = asked(db.rocksdb_get_cf, store, c_void_p(db.rocksdb_readoptions_create()), handle, key, c_size_t(len(key)),
                   byref(size))
        require(at, f"the store has no row {key!r} in {family}")
        row = bytes((c_ubyte * size.value).from_address(at))
        new = change(row)
        require(new != row, f"the row {key!r} did not change")
        asked(db.rocksdb_put_cf, store, c_void_p(db.rocksdb_writeoptions_create()), handle, key, c_size_t(len(key)), new,
              c_size_t(len(new)))
    finally:
        for other in handles:
            db.rocksdb_column_family_handle_destroy(c_void_p(other))
        db.rocksdb_close(store)
