// SPDX-License-Identifier: Apache-2.0
#include "relayer/commands/new_file.hpp"

#include <cerrno>
#include <fcntl.h>
#include <string>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

namespace margrave::relayer {
namespace {

std::string reason(int error) {
    return std::generic_category().message(error);
}

bool write_all(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t count = ::write(fd, bytes.data(), bytes.size());
        if (count < 0 && errno != EINTR) {
            return false;
        }
        bytes.remove_prefix(count < 0 ? 0 : static_cast<std::size_t>(count));
    }
    return true;
}

}  // namespace

Result<void> write_new_file(
    const std::filesystem::path& path, std::string_view bytes, unsigned mode
) {
    const int fd = ::open(path.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, mode);
    if (fd < 0 && errno == EEXIST) {
        return fail(Errc::kUsage, path.string() + " is already there; nothing was written");
    }
    if (fd < 0) {
        return fail(Errc::kIo, "cannot make " + path.string() + ": " + reason(errno));
    }
    // The umask may have taken bits away.
    const bool written = ::fchmod(fd, mode) == 0 && write_all(fd, bytes) && ::fsync(fd) == 0;
    const int error = errno;
    const bool closed = ::close(fd) == 0;
    if (!written || !closed) {
        ::unlink(path.c_str());
        return fail(
            Errc::kIo, "cannot write " + path.string() + ": " + reason(written ? errno : error)
        );
    }
    return ok();
}

}  // namespace margrave::relayer
