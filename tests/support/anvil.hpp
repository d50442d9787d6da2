// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/bytes.hpp"
#include "core/result.hpp"
#include "tests/support/test_signer.hpp"

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

namespace margrave::tests {

struct AnvilOptions {
    /// More arguments of the command line, e.g. {"--slots-in-an-epoch", "1"}.
    std::vector<std::string> arguments;
};

/// A real node on loopback, for one test. The kernel gives the port, the chain id is its own, and
/// the process ends with this object or with the test, whichever is first. What uses it compiles
/// tests/support/anvil.cpp and links margrave_rpc.
class Anvil {
  public:
    /// The binary: MARGRAVE_ANVIL, or the one in contracts/node_modules. Absent: skip the test.
    static std::optional<std::string> program();

    /// Returns once the node answers eth_chainId with the id it was started with.
    static Result<std::unique_ptr<Anvil>> start(const AnvilOptions& options);

    static Result<std::unique_ptr<Anvil>> start() { return start(AnvilOptions{}); }

    ~Anvil();
    Anvil(const Anvil&) = delete;
    Anvil& operator=(const Anvil&) = delete;

    /// "http://127.0.0.1:PORT".
    [[nodiscard]] const std::string& url() const { return url_; }

    [[nodiscard]] std::uint64_t chain_id() const { return chain_id_; }

    [[nodiscard]] bool is_alive() const;
    /// Stops and continues the process, as a node that hangs.
    void pause();
    void resume();

    /// Blocks. `params` is JSON text: an array.
    Result<nlohmann::json> rpc(std::string_view method, std::string_view params = "[]");
    Result<void> mine(std::uint64_t blocks);
    /// Replaces the last `depth` blocks by as many empty ones.
    Result<void> reorg(std::uint64_t depth);

    /// The node's first account: it has ether and its key is known to everybody.
    static const TestSigner& rich();

  private:
    class Caller;
    Anvil(pid_t pid, int output, std::uint64_t chain_id);
    Result<void> wait_until_ready();

    pid_t pid_;
    int output_;
    std::uint64_t chain_id_;
    std::string url_;
    std::unique_ptr<Caller> caller_;
};

}  // namespace margrave::tests

/// Ends a test as skipped, with the reason, where there is no anvil. In a test body only.
#define MARGRAVE_SKIP_WITHOUT_ANVIL()                                                            \
    do {                                                                                         \
        if (!::margrave::tests::Anvil::program()) {                                              \
            GTEST_SKIP() << "there is no anvil: run npm ci in contracts, or set MARGRAVE_ANVIL"; \
        }                                                                                        \
    } while (false)
