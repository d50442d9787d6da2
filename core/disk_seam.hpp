// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace margrave {

/// An operation of ours that changes what is on a disk.
enum class DiskOp : std::uint8_t { kOpen, kWrite, kSync, kRename, kTruncate, kRemove };

/// What a test puts between its own process and the disk: to die between two steps, or to see one
/// fail. All empty in the daemon: nothing in it sets one, and neither environment nor config can.
/// Set before there are threads.
struct DiskSeam {
    /// Called at every named moment at which a process may die and something durable was begun.
    void (*moment)(std::string_view name){nullptr};
    /// Called before each operation; the errno that it is to fail with, or 0. Of a write `size` may
    /// be made smaller: so much is written before it fails.
    int (*fault)(DiskOp op, const char* path, std::size_t* size){nullptr};
    /// Stands for the id of this boot of the machine, as if the power had been cut.
    const char* boot{nullptr};
};

inline DiskSeam disk_seam;

inline void disk_moment(std::string_view name) {
    if (disk_seam.moment != nullptr) {
        disk_seam.moment(name);
    }
}

inline int disk_fault(DiskOp op, const char* path, std::size_t* size = nullptr) {
    return disk_seam.fault == nullptr ? 0 : disk_seam.fault(op, path, size);
}

}  // namespace margrave
