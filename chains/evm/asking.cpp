// SPDX-License-Identifier: Apache-2.0
#include "chains/evm/adapter.hpp"
#include "chains/evm/contracts.hpp"
#include "chains/rpc/codec.hpp"
#include "core/assert.hpp"

#include <nlohmann/json.hpp>

#include <charconv>

namespace margrave::chains::evm {
namespace {

constexpr std::string_view kSpace = "eip155";
/// Calls of a batch that is asked a second time elsewhere when it is slow: that of a head.
constexpr std::size_t kHedgedCallsMax = 16;

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

// Scripted callers of tests have no settings: each is an operator of its own.
std::vector<EndpointSettings> settings_of(
    const ChainSettings& settings, const EvmAdapter::Callers& callers
) {
    if (settings.endpoints.size() == callers.size()) {
        return settings.endpoints;
    }
    std::vector<EndpointSettings> out;
    for (const auto& caller : callers) {
        EndpointSettings endpoint;
        endpoint.name = caller->name();
        endpoint.operator_name = caller->name();
        out.push_back(std::move(endpoint));
    }
    return out;
}

// What is wrong with an endpoint's first words; nothing when all is right or nothing is known.
std::optional<std::string> fault_of(
    const rpc::OperatorAnswer& answer, const ChainSettings& settings, std::uint64_t chain_id
) {
    const auto& given = answer.answers.value();
    const auto id = rpc::u64_of(given[0].value(), "eth_chainId");
    if (!id) {
        return id.error().detail;
    }
    if (id.value() != chain_id) {
        return "endpoint " + answer.endpoint->name() + " serves chain id " +
               std::to_string(id.value()) + ", not " + settings.chain.text();
    }
    if (!settings.genesis) {
        return std::nullopt;
    }
    const auto genesis = read_header(given[1].value(), BlockNum{});
    if (!genesis) {
        return genesis.error().detail;
    }
    if (!genesis.value()) {
        return settings.chain.text() +
               ": the node has no block 0 to compare with the configured genesis";
    }
    if (genesis.value()->block.hash != *settings.genesis) {
        return settings.chain.text() + ": genesis is " + to_hex(genesis.value()->block.hash) +
               ", config says " + to_hex(*settings.genesis);
    }
    return std::nullopt;
}

}  // namespace

Result<std::unique_ptr<EvmAdapter>> EvmAdapter::make(
    ChainSettings settings, Callers callers, infra::Logger log
) {
    MARGRAVE_TRY(const std::uint64_t chain_id, chain_id_of(settings.chain));
    if (callers.empty()) {
        return fail(Errc::kConfig, "chain " + settings.chain.text() + " has no endpoint");
    }
    auto endpoints = settings_of(settings, callers);
    MARGRAVE_TRY(auto mapping, Mapping::make(settings.watch));
    if (!mapping.empty() && settings.proof == ProofMode::kAccumulator) {
        return fail(
            Errc::kConfig,
            settings.chain.text() + ": watches need proof \"receipts\" or \"agreement\""
        );
    }
    if (mapping.needs_txns() && settings.proof != ProofMode::kReceipts) {
        return fail(
            Errc::kConfig, settings.chain.text() + ": native-custody needs proof \"receipts\""
        );
    }
    rpc::PoolLimits limits;
    limits.endpoint.deadline = settings.rpc_timeout;
    limits.hedge_percent = settings.hedge_percent;
    auto pool = std::make_unique<rpc::EndpointPool>(
        std::move(callers), std::move(endpoints), limits, rpc::steady_now(), log
    );
    return std::unique_ptr<EvmAdapter>(
        new EvmAdapter(std::move(settings), chain_id, std::move(pool), std::move(mapping), log)
    );
}

Result<std::unique_ptr<EvmAdapter>> EvmAdapter::make(ChainSettings settings, Callers callers) {
    return make(std::move(settings), std::move(callers), infra::Logger{});
}

EvmAdapter::EvmAdapter(
    ChainSettings settings,
    std::uint64_t chain_id,
    std::unique_ptr<rpc::EndpointPool> pool,
    Mapping mapping,
    infra::Logger log
)
    : settings_(std::move(settings)),
      chain_id_(chain_id),
      pool_(std::move(pool)),
      mapping_(std::move(mapping)),
      log_(log),
      range_(std::max<std::uint64_t>(settings_.log_range, 1)) {
    agreement_.needed = settings_.agreement;
    emitters_ = emitters_of(settings_);
}

std::optional<std::string_view> EvmAdapter::finality_tag() const {
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

Error EvmAdapter::named(const Node& node, const rpc::RpcError& error) const {
    return fail(error.code, settings_.chain.text() + " at " + node.name() + ": " + error.detail);
}

Task<void> EvmAdapter::dial(std::chrono::milliseconds interval) {
    const std::vector<Node*> due = pool_->due_for_dial(interval);
    if (due.empty()) {
        co_return;
    }
    std::vector<rpc::RpcCall> calls;
    calls.push_back(ask_chain_id());
    calls.push_back(ask_block(BlockNum{}));
    if (!settings_.genesis) {
        calls.pop_back();
    }
    auto answers = co_await pool_->ask_these(
        due, std::move(calls), settings_.rpc_timeout, settings_.agreement
    );
    for (const rpc::OperatorAnswer& answer : answers) {
        const auto is_error = [](const auto& given) {
            return !given;
        };
        if (!answer.answers || std::ranges::any_of(answer.answers.value(), is_error)) {
            continue;
        }
        if (auto fault = fault_of(answer, settings_, chain_id_)) {
            answer.endpoint->mark_wrong_chain(std::move(*fault));
        } else {
            answer.endpoint->mark_dialed();
        }
    }
}

Task<Result<rpc::Endpoint*>> EvmAdapter::begin() {
    co_await dial(kDialInterval);
    const std::vector<Node*> usable = pool_->best_first();
    if (!usable.empty()) {
        co_return usable.front();
    }
    const Node* first = pool_->endpoints().front();
    const bool wrong = first->state() == rpc::EndpointState::kWrongChain;
    co_return fail(
        wrong ? Errc::kWrongChain : Errc::kUnable,
        wrong ? first->reason()
              : settings_.chain.text() + ": no endpoint can be believed; " + first->name() +
                    " is lying: " + first->reason()
    );
}

Task<rpc::RpcResult<nlohmann::json>> EvmAdapter::ask(Node& node, rpc::RpcCall call) {
    auto answer = co_await node.ask(std::move(call), settings_.rpc_timeout);
    co_return answer;
}

Task<rpc::RpcResult<EvmAdapter::Answers>> EvmAdapter::ask_all(
    Node& node, std::vector<rpc::RpcCall> calls
) {
    const std::size_t count = calls.size();
    auto answers = co_await node.ask_all(std::move(calls), settings_.rpc_timeout);
    MARGRAVE_ASSERT(!answers || answers.value().size() == count);
    co_return answers;
}

Task<rpc::RpcResult<EvmAdapter::Answers>> EvmAdapter::ask_all(
    Readers& readers, std::vector<rpc::RpcCall> calls
) {
    readers.told = readers.first;
    // A long stretch of blocks is not urgent enough to be paid for twice.
    if (readers.second == nullptr || calls.size() > kHedgedCallsMax) {
        auto answers = co_await ask_all(*readers.first, std::move(calls));
        co_return answers;
    }
    const std::size_t count = calls.size();
    std::vector<Node*> order{readers.first, readers.second};
    auto answer =
        co_await pool_->ask_first_of(std::move(order), std::move(calls), settings_.rpc_timeout);
    readers.told = answer.endpoint;
    MARGRAVE_ASSERT(!answer.answers || answer.answers.value().size() == count);
    co_return std::move(answer.answers);
}

Task<rpc::RpcResult<nlohmann::json>> EvmAdapter::ask(Readers& readers, rpc::RpcCall call) {
    std::vector<rpc::RpcCall> calls;
    calls.push_back(std::move(call));
    auto answers = co_await ask_all(readers, std::move(calls));
    if (!answers) {
        co_return answers.as_failure();
    }
    co_return std::move(answers.value().front());
}

Task<Result<std::vector<nlohmann::json>>> EvmAdapter::ask_each(
    Readers& readers, std::vector<rpc::RpcCall> calls
) {
    auto answers = co_await ask_all(readers, std::move(calls));
    if (!answers) {
        co_return named(*readers.told, answers.error());
    }
    std::vector<Json> out;
    for (auto& answer : answers.value()) {
        if (!answer) {
            co_return named(*readers.told, answer.error());
        }
        out.push_back(std::move(answer).value());
    }
    co_return out;
}

Task<Result<CommonAnswers>> EvmAdapter::ask_common(std::vector<rpc::RpcCall> calls) {
    co_await dial(kDialInterval);
    const std::vector<rpc::RpcCall> asked = calls;
    auto answers =
        co_await pool_->ask_operators(std::move(calls), settings_.rpc_timeout, settings_.agreement);
    if (answers.empty()) {
        auto begun = co_await begin();
        co_return begun ? fail(Errc::kUnable, settings_.chain.text() + ": nobody was asked")
                        : Error(begun.error());
    }
    auto common = common_answers(answers, asked, settings_.agreement);
    if (!common) {
        const std::string at = answers.size() == 1 ? " at " + answers.front().endpoint->name() : "";
        co_return fail(
            common.error().code, settings_.chain.text() + at + ": " + common.error().detail
        );
    }
    for (Evidence& evidence : differing(answers, asked, common.value())) {
        refute(std::move(evidence));
    }
    co_return common;
}

Task<Result<std::vector<Bytes>>> EvmAdapter::ask_common_bytes(std::vector<rpc::RpcCall> calls) {
    auto answers = co_await ask_common(std::move(calls));
    if (!answers) {
        co_return answers.as_failure();
    }
    std::vector<Bytes> out;
    for (const auto& answer : answers.value()) {
        if (!answer && answer.error().kind == rpc::RpcClass::kReverted) {
            co_return fail(Errc::kReverted, revert_reason(answer.error().revert_data));
        }
        if (!answer && answer.error().kind == rpc::RpcClass::kPruned) {
            co_return fail(
                Errc::kRpc,
                settings_.chain.text() +
                    ": the node no longer has the state of the block asked "
                    "for; blocks that old need an archive endpoint: " +
                    answer.error().detail
            );
        }
        if (!answer) {
            co_return fail(
                answer.error().code, settings_.chain.text() + ": " + answer.error().detail
            );
        }
        auto bytes = rpc::data_of(answer.value(), "eth_call");
        if (!bytes) {
            co_return bytes.as_failure();
        }
        out.push_back(std::move(bytes).value());
    }
    co_return out;
}

}  // namespace margrave::chains::evm
