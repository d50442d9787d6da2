// SPDX-License-Identifier: Apache-2.0
#include "chains/evm/adapter.hpp"
#include "chains/rpc/codec.hpp"
#include "core/assert.hpp"

#include <nlohmann/json.hpp>

#include <charconv>

namespace margrave::chains::evm {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kChainCheckInterval{60};
constexpr std::string_view kSpace = "eip155";

Result<std::uint64_t> chain_id_of(const ChainId& chain) {
    const std::string_view digits = chain.reference();
    std::uint64_t id = 0;
    const char* end = digits.data() + digits.size();
    const auto [rest, code] = std::from_chars(digits.data(), end, id);
    if (chain.space() != kSpace || code != std::errc{} || rest != end || digits.front() == '0') {
        return fail(
            Errc::kConfig, "chain " + chain.text() + " is not eip155: and a decimal chain id"
        );
    }
    return id;
}

// Whether another endpoint may do better. What is about the question is the same everywhere.
bool is_endpoint_trouble(rpc::RpcClass kind) {
    using rpc::RpcClass;
    return kind == RpcClass::kTransport || kind == RpcClass::kUnproved ||
           kind == RpcClass::kRefused || kind == RpcClass::kRateLimited ||
           kind == RpcClass::kNodeTrouble;
}

}  // namespace

Result<std::unique_ptr<EvmAdapter>> EvmAdapter::make(ChainSettings settings, Callers callers) {
    MARGRAVE_TRY(const std::uint64_t chain_id, chain_id_of(settings.chain));
    if (callers.empty()) {
        return fail(Errc::kConfig, "chain " + settings.chain.text() + " has no endpoint");
    }
    return std::unique_ptr<EvmAdapter>(
        new EvmAdapter(std::move(settings), chain_id, std::move(callers))
    );
}

EvmAdapter::EvmAdapter(ChainSettings settings, std::uint64_t chain_id, Callers callers)
    : settings_(std::move(settings)),
      chain_id_(chain_id),
      callers_(std::move(callers)),
      range_(std::max<std::uint64_t>(settings_.log_range, 1)) {}

std::optional<std::string> EvmAdapter::finality_tag() const {
    switch (settings_.finality.mode) {
        case FinalityMode::kFinalizedTag:
            return "finalized";
        case FinalityMode::kSafeTag:
            return "safe";
        case FinalityMode::kDepth:
            break;
    }
    return std::nullopt;
}

void EvmAdapter::note(const Node& node, const rpc::RpcError& error) {
    if (!is_endpoint_trouble(error.kind) || &node != callers_[current_].get()) {
        return;
    }
    current_ = (current_ + 1) % callers_.size();
    chain_checked_.reset();
}

Error EvmAdapter::named(const Node& node, const rpc::RpcError& error) const {
    return fail(error.code, settings_.chain.text() + " at " + node.name() + ": " + error.detail);
}

Task<rpc::RpcResult<nlohmann::json>> EvmAdapter::ask(Node& node, rpc::RpcCall call) {
    Json params = Json::parse(call.params);
    auto answer = co_await node.call(std::move(call.method), std::move(params));
    if (!answer) {
        note(node, answer.error());
    }
    co_return answer;
}

Task<rpc::RpcResult<EvmAdapter::Answers>> EvmAdapter::ask_all(
    Node& node, std::vector<rpc::RpcCall> calls
) {
    const std::size_t count = calls.size();
    auto answers = co_await node.batch(std::move(calls));
    if (!answers) {
        note(node, answers.error());
        co_return answers;
    }
    MARGRAVE_ASSERT(answers.value().size() == count);
    for (const auto& answer : answers.value()) {
        if (!answer) {
            note(node, answer.error());
        }
    }
    co_return answers;
}

Task<Result<std::vector<nlohmann::json>>> EvmAdapter::ask_each(
    Node& node, std::vector<rpc::RpcCall> calls
) {
    auto answers = co_await ask_all(node, std::move(calls));
    if (!answers) {
        co_return named(node, answers.error());
    }
    std::vector<Json> out;
    for (auto& answer : answers.value()) {
        if (!answer) {
            co_return named(node, answer.error());
        }
        out.push_back(std::move(answer).value());
    }
    co_return out;
}

Task<Result<std::vector<Bytes>>> EvmAdapter::ask_bytes(
    Node& node, std::vector<rpc::RpcCall> calls
) {
    auto answers = co_await ask_each(node, std::move(calls));
    if (!answers) {
        co_return answers.as_failure();
    }
    std::vector<Bytes> out;
    for (const Json& answer : answers.value()) {
        auto bytes = rpc::data_of(answer, "eth_call");
        if (!bytes) {
            co_return bytes.as_failure();
        }
        out.push_back(std::move(bytes).value());
    }
    co_return out;
}

Task<Result<Header>> EvmAdapter::latest(Node& node) {
    rpc::RpcCall call = ask_block("latest");
    auto answer = co_await ask(node, std::move(call));
    if (!answer) {
        co_return named(node, answer.error());
    }
    auto header = read_header(answer.value());
    if (!header) {
        co_return header.as_failure();
    }
    if (!header.value()) {
        co_return fail(Errc::kUnproved, settings_.chain.text() + ": the node has no latest block");
    }
    co_return *header.value();
}

Task<Result<void>> EvmAdapter::check_chain_id(Node& node) {
    rpc::RpcCall call = ask_chain_id();
    auto answer = co_await ask(node, std::move(call));
    if (!answer) {
        co_return named(node, answer.error());
    }
    auto id = rpc::u64_of(answer.value(), "eth_chainId");
    if (!id) {
        co_return id.as_failure();
    }
    if (id.value() != chain_id_) {
        chain_checked_.reset();
        co_return fail(
            Errc::kWrongChain,
            "endpoint " + node.name() + " serves chain id " + std::to_string(id.value()) +
                ", not " + settings_.chain.text()
        );
    }
    if (&node == callers_[current_].get()) {
        chain_checked_ = Clock::now();
    }
    co_return ok();
}

Task<Result<rpc::RpcCaller*>> EvmAdapter::begin() {
    Node* node = callers_[current_].get();
    const bool checked = chain_checked_ && Clock::now() - *chain_checked_ < kChainCheckInterval;
    if (!checked) {
        auto right = co_await check_chain_id(*node);
        if (!right) {
            co_return right.as_failure();
        }
    }
    co_return node;
}

}  // namespace margrave::chains::evm
