// SPDX-License-Identifier: Apache-2.0
#include "chains/evm/adapter.hpp"

#include "chains/evm/contracts.hpp"
#include "chains/rpc/codec.hpp"

#include <nlohmann/json.hpp>

namespace margrave::chains::evm {
namespace {

// An order for another chain or another vault must never be brought to this one.
Result<void> check_target(
    const ChainSettings& settings, std::string_view what, const Hash32& chain, const Address& vault
) {
    if (chain != settings.chain.key()) {
        return fail(
            Errc::kInvalid,
            "the " + std::string(what) + " is for chain " + to_hex(chain) + ", not " +
                settings.chain.text()
        );
    }
    if (vault != settings.vault) {
        return fail(
            Errc::kInvalid,
            "the " + std::string(what) + " is for vault " + to_hex(vault) + ", the vault on " +
                settings.chain.text() + " is " + to_hex(settings.vault)
        );
    }
    return ok();
}

using Encoded = Result<std::pair<Address, Bytes>>;

struct Encoder {
    const ChainSettings& settings;

    Encoded operator()(const SubmitAttestation& order) const {
        return std::pair{settings.registry, encode_submit(order)};
    }

    Encoded operator()(const ExecuteRelease& order) const {
        const Release& release = order.release;
        MARGRAVE_TRY(check_target(settings, "release", release.chain, release.vault));
        return std::pair{settings.vault, encode_release(order)};
    }

    Encoded operator()(const ExecuteSeizure& order) const {
        const Seizure& seizure = order.seizure;
        MARGRAVE_TRY(check_target(settings, "seizure", seizure.chain, seizure.vault));
        return std::pair{settings.vault, encode_seize(order)};
    }

    Encoded operator()(const CloseSale& order) const {
        return std::pair{order.sale, encode_close(order.seizure)};
    }
};

}  // namespace

std::vector<SourceStatus> EvmAdapter::sources() const {
    std::vector<SourceStatus> out;
    for (const auto& caller : callers_) {
        SourceStatus row;
        row.endpoint = caller->name();
        row.state = "alive";
        out.push_back(std::move(row));
    }
    return out;
}

Agreement EvmAdapter::agreement() const {
    return Agreement{.needed = 1, .agreeing = 1, .lost = {}};
}

std::vector<Evidence> EvmAdapter::take_evidence() {
    return {};
}

void EvmAdapter::forgive() {}

Result<std::pair<Address, Bytes>> EvmAdapter::encode(const Instruction& instruction) const {
    return std::visit(Encoder{settings_}, instruction);
}

Task<Result<Bytes>> EvmAdapter::call_at(Address to, Bytes data, Hash32 block) {
    auto begun = co_await begin();
    if (!begun) {
        co_return begun.as_failure();
    }
    Node& node = *begun.value();
    rpc::RpcCall call = ask_call(to, data, block);
    auto answer = co_await ask(node, std::move(call));
    if (!answer && answer.error().kind == rpc::RpcClass::kReverted) {
        co_return fail(Errc::kReverted, revert_reason(answer.error().revert_data));
    }
    if (!answer) {
        co_return named(node, answer.error());
    }
    co_return rpc::data_of(answer.value(), "eth_call");
}

Task<Result<Amount>> EvmAdapter::custody_at(Address token, Hash32 block) {
    if (!token.is_zero()) {
        Bytes data = encode_balance_of(settings_.vault);
        auto answer = co_await call_at(token, std::move(data), block);
        if (!answer) {
            co_return answer.as_failure();
        }
        co_return answer_amount(answer.value(), "token " + to_hex(token) + ".balanceOf(vault)");
    }
    auto begun = co_await begin();
    if (!begun) {
        co_return begun.as_failure();
    }
    Node& node = *begun.value();
    rpc::RpcCall call = ask_balance(settings_.vault, block);
    auto answer = co_await ask(node, std::move(call));
    if (!answer) {
        co_return named(node, answer.error());
    }
    co_return rpc::amount_of(answer.value(), "eth_getBalance");
}

// Both reads are of one block: across two a round and the digest of another would look like a
// registry that contradicts the log.
Task<Result<std::pair<RoundNum, Hash32>>> EvmAdapter::latest_round() {
    auto begun = co_await begin();
    if (!begun) {
        co_return begun.as_failure();
    }
    Node& node = *begun.value();
    auto head = co_await latest(node);
    if (!head) {
        co_return head.as_failure();
    }
    const Hash32 block = head.value().block.hash;
    std::vector<rpc::RpcCall> calls;
    calls.push_back(ask_call(settings_.registry, encode_view(View::kLatest), block));
    calls.push_back(ask_call(settings_.registry, encode_view(View::kLatestDigest), block));
    auto answers = co_await ask_bytes(node, std::move(calls));
    if (!answers) {
        co_return answers.as_failure();
    }
    auto round = answer_latest(answers.value()[0]);
    if (!round) {
        co_return round.as_failure();
    }
    auto digest = answer_word(answers.value()[1], "registry.latestDigest()");
    if (!digest) {
        co_return digest.as_failure();
    }
    co_return std::pair{round.value().round, digest.value()};
}

}  // namespace margrave::chains::evm
