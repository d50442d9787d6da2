// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "chains/rpc/client.hpp"
#include "chains/settings.hpp"
#include "core/clock.hpp"
#include "infra/task.hpp"
#include "relayer/doctor.hpp"

#include <nlohmann/json_fwd.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <vector>

namespace margrave::relayer {

struct DoctorLimits {
    /// For all checks of one endpoint, and of one chain's contracts.
    std::chrono::milliseconds endpoint{60'000};
    /// How long a head may take to come over WebSocket.
    std::chrono::milliseconds head_wait{15'000};
};

/// All checks of one endpoint, whatever fails. Asks at most some fifty small questions, one at a
/// time, and changes nothing. Lives on the executor for the length of `run`.
class NodeDoctor {
  public:
    /// `settings` and `clock` outlive it.
    NodeDoctor(
        Executor executor,
        const chains::ChainSettings& settings,
        const chains::EndpointSettings& endpoint,
        const Clock& clock,
        DoctorLimits limits
    );

    /// Within limits.endpoint; what was not reached then is unable.
    Task<void> run();

    /// In the order of the checks.
    [[nodiscard]] const std::vector<CheckRow>& rows() const { return rows_; }

    /// Time of the newest block, when there was one.
    [[nodiscard]] std::optional<UnixSeconds> block_time() const;

  private:
    using Json = nlohmann::json;

    Task<void> check_all();
    Task<void> check_reach();
    Task<void> check_identity();
    Task<void> check_heads();
    Task<void> check_finality_end();
    Task<void> check_log_range();
    Task<void> check_archive();
    Task<void> check_methods();
    /// doctor_watches.cpp
    Task<void> check_watches();
    Task<void> check_websocket();
    Task<Result<Json>> ask(std::string method, Json params);
    Task<Result<std::optional<SeenBlock>>> block(std::string tag);
    Task<bool> has_logs(std::uint64_t count);
    Task<bool> has_state(BlockNum at);
    void add(std::string check, Finding finding);
    void fill_up();

    Executor executor_;
    const chains::ChainSettings& settings_;
    chains::EndpointSettings endpoint_;
    const Clock& clock_;
    DoctorLimits limits_;
    std::unique_ptr<chains::rpc::RpcClient> client_;
    std::vector<CheckRow> rows_;
    std::vector<std::chrono::milliseconds> latencies_;
    std::optional<SeenBlock> latest_;
    std::optional<Result<std::optional<SeenBlock>>> final_;
    /// Why nothing more is asked: there was no answer at all.
    std::optional<std::string> unreachable_;
};

/// Everything: each endpoint of each chain in parallel, then the chains and this machine.
Task<Result<std::vector<CheckRow>>> examine(
    Executor executor,
    const std::vector<chains::ChainSettings>& chains,
    bool deployed,
    const Clock& clock,
    DoctorLimits limits,
    std::optional<Address> sender
);

}  // namespace margrave::relayer
