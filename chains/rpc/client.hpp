// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "chains/rpc/errors.hpp"
#include "chains/settings.hpp"
#include "core/result.hpp"
#include "infra/log.hpp"
#include "infra/task.hpp"

#include <nlohmann/json_fwd.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace margrave::chains::rpc {

/// One call of a batch. Parameters are kept as JSON text.
struct RpcCall {
    std::string method;
    std::string params;
    /// Most bytes that may come back, where that is to be less than the endpoint's own limit;
    /// 0: that. A larger answer is kRangeTooLarge.
    std::size_t answer_max{0};

    /// `arguments` is an array.
    RpcCall(std::string name, const nlohmann::json& arguments);
};

struct RpcLimits {
    /// For one call or one chunk of a batch, all attempts together.
    std::chrono::milliseconds timeout{5000};
    /// Calls in one HTTP request; a longer batch is cut.
    std::size_t batch{100};
    /// Of a read that met transport trouble.
    unsigned attempts{3};
    /// Before the second attempt; doubles, with jitter.
    std::chrono::milliseconds backoff{100};
    std::chrono::seconds retry_after_max{60};
    std::size_t body_bytes{std::size_t{64} << 20};
    std::size_t connections{2};
};

/// Counted since the start, for metrics and `status`.
struct RpcStats {
    std::uint64_t requests{0};
    std::uint64_t failures{0};
    std::chrono::milliseconds last_latency{0};
};

/// An answer whose result is still text. Version and id of the envelope were checked, and that it
/// is no error; the result was not, so a reader must parse it strictly and as one value, which also
/// finds what an envelope has behind its result. Bytes after the text may be read (kPadding), as
/// simdjson needs.
class RawAnswer {
  public:
    static constexpr std::size_t kPadding = 64;

    /// The result is `size` bytes of `body` from `offset`; behind the body is room for padding.
    RawAnswer(std::shared_ptr<const std::string> body, std::size_t offset, std::size_t size);
    explicit RawAnswer(std::string result);

    /// A body with room for the padding.
    static std::shared_ptr<const std::string> padded(std::string body);

    [[nodiscard]] std::string_view result() const {
        return std::string_view(*body_).substr(offset_, size_);
    }

  private:
    /// Shared by the answers of one batch.
    std::shared_ptr<const std::string> body_;
    std::size_t offset_{0};
    std::size_t size_{0};
};

/// Something that answers JSON-RPC: an endpoint, or a script in a test.
class RpcCaller {
  public:
    virtual ~RpcCaller() = default;

    /// Configured name of the endpoint; what errors call it.
    [[nodiscard]] virtual const std::string& name() const = 0;
    /// `params` is an array. A null result is a value.
    virtual Task<RpcResult<nlohmann::json>> call(std::string method, nlohmann::json params) = 0;
    /// The same, with the result as text: for answers too large to become a tree of values. What
    /// is not overridden asks by call().
    virtual Task<RpcResult<RawAnswer>> call_raw(RpcCall call);
    /// One answer per call, in the order of the calls, each with its own error. The outer error
    /// means that nothing of the answer can be used: no transport, or ids that do not match.
    virtual Task<RpcResult<std::vector<RpcResult<nlohmann::json>>>> batch(std::vector<RpcCall> calls
    ) = 0;
    /// The same with the results as text. What is not overridden asks by batch().
    virtual Task<RpcResult<std::vector<RpcResult<RawAnswer>>>> batch_raw(std::vector<RpcCall> calls
    );
};

/// JSON-RPC 2.0 over HTTP to one endpoint. Reads (see is_read) are tried again after transport
/// trouble, within the timeout; everything else is sent once. Owned by a chain's adapter; lives on
/// the executor and outlives its tasks.
class RpcClient final : public RpcCaller {
  public:
    /// kConfig when the URL is none; the detail has the endpoint's name only.
    static Result<std::unique_ptr<RpcClient>> make(
        Executor executor, const EndpointSettings& endpoint, RpcLimits limits, infra::Logger log
    );
    ~RpcClient() override;
    RpcClient(const RpcClient&) = delete;
    RpcClient& operator=(const RpcClient&) = delete;

    [[nodiscard]] const std::string& name() const override;
    Task<RpcResult<nlohmann::json>> call(std::string method, nlohmann::json params) override;
    Task<RpcResult<RawAnswer>> call_raw(RpcCall call) override;
    Task<RpcResult<std::vector<RpcResult<nlohmann::json>>>> batch(std::vector<RpcCall> calls
    ) override;
    Task<RpcResult<std::vector<RpcResult<RawAnswer>>>> batch_raw(std::vector<RpcCall> calls
    ) override;
    [[nodiscard]] RpcStats stats() const;

  private:
    class Impl;
    explicit RpcClient(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

/// Whether a method changes nothing at the node, so that asking twice is harmless.
bool is_read(std::string_view method);

}  // namespace margrave::chains::rpc
