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

Result<std::pair<Address, Bytes>> EvmAdapter::encode(const Instruction& instruction) const {
    return std::visit(Encoder{settings_}, instruction);
}

Task<Result<Bytes>> EvmAdapter::call_at(Address to, Bytes data, Hash32 block) {
    std::vector<rpc::RpcCall> calls;
    calls.push_back(ask_call(to, data, block));
    auto answers = co_await ask_common_bytes(std::move(calls));
    if (!answers) {
        co_return answers.as_failure();
    }
    co_return std::move(answers.value().front());
}

Task<Result<Amount>> EvmAdapter::custody_at(Address token, Hash32 block) {
    if (token.is_zero()) {
        auto held = co_await native_custody_at(block);
        co_return held;
    }
    Bytes data = encode_balance_of(settings_.vault);
    auto answer = co_await call_at(token, std::move(data), block);
    if (!answer) {
        co_return answer.as_failure();
    }
    co_return answer_amount(answer.value(), "token " + to_hex(token) + ".balanceOf(vault)");
}

// Both reads are of one block: across two a round and the digest of another would look like a
// registry that contradicts the log. The block is one that enough operators have.
Task<Result<std::pair<RoundNum, Hash32>>> EvmAdapter::latest_round() {
    auto head = co_await agreed_head();
    if (!head) {
        co_return head.as_failure();
    }
    const Hash32 block = head.value().hash;
    std::vector<rpc::RpcCall> calls;
    calls.push_back(ask_call(settings_.registry, encode_view(View::kLatest), block));
    calls.push_back(ask_call(settings_.registry, encode_view(View::kLatestDigest), block));
    auto answers = co_await ask_common_bytes(std::move(calls));
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
