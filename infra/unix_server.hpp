// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/result.hpp"
#include "infra/log.hpp"
#include "infra/task.hpp"

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

namespace margrave::infra {

struct UnixLimits {
    std::size_t sessions{16};
    std::size_t request_bytes{std::size_t{1} << 20};
    std::size_t response_bytes{std::size_t{64} << 20};
    /// A session that sends nothing, or reads nothing, for so long is closed.
    std::chrono::milliseconds idle{30'000};
};

/// One JSON text a line in, one JSON text a line out, over a Unix socket of mode 0600. The server
/// itself answers `{"error":{"code":...,"detail":...}}` to a line over the limit, to a session over
/// the limit and to an answer of the handler that does not fit. Owned by relayer/app; on the
/// executor.
class UnixServer {
  public:
    /// One line without its newline, to one line without a newline. Throws only cancellation.
    using Handler = std::function<Task<std::string>(std::string request_line)>;

    /// Binds and listens. A socket file nobody answers on is replaced; one that answers is kLocked.
    static Result<std::unique_ptr<UnixServer>> listen(
        Executor executor,
        std::filesystem::path path,
        Handler handler,
        UnixLimits limits,
        Logger log
    );
    /// Closes and removes the socket file if it is still the one it made.
    ~UnixServer();
    UnixServer(const UnixServer&) = delete;
    UnixServer& operator=(const UnixServer&) = delete;

    /// Serves until cancelled; then waits for its sessions to stop.
    Task<void> run();

    [[nodiscard]] const std::filesystem::path& path() const;
    [[nodiscard]] std::size_t sessions() const;

  private:
    class Impl;
    explicit UnixServer(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace margrave::infra
