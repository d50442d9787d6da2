// SPDX-License-Identifier: Apache-2.0
#include "chains/evm/adapter.hpp"
#include "chains/evm/contracts.hpp"
#include "chains/evm/txn.hpp"
#include "chains/rpc/codec.hpp"
#include "core/keccak.hpp"

#include <nlohmann/json.hpp>

namespace margrave::chains::evm {
namespace {

rpc::RpcCall without_arguments(std::string method) {
    return {std::move(method), nlohmann::json::array()};
}

rpc::RpcCall ask_nonce(const Address& from) {
    nlohmann::json params = nlohmann::json::array();
    params.push_back(to_hex(from));
    params.push_back("latest");
    return {"eth_getTransactionCount", params};
}

rpc::RpcCall with_one(std::string method, std::string argument) {
    nlohmann::json params = nlohmann::json::array();
    params.push_back(std::move(argument));
    return {std::move(method), params};
}

// From a node without eth_feeHistory: the last base fee, and as tip what the gas price suggestion
// leaves above it.
Result<FeeQuote> quote_from(const Header& head, const Amount& gas_price) {
    FeeQuote out;
    out.base_fee = head.base_fee.value_or(Amount{});
    out.priority_fee = sub_or_zero(gas_price, out.base_fee);
    return out;
}

}  // namespace

Task<Result<std::uint64_t>> EvmAdapter::simulate(
    Address from, std::optional<Address> to, Bytes data, Amount value
) {
    auto begun = co_await begin();
    if (!begun) {
        co_return begun.as_failure();
    }
    Node& node = *begun.value();
    Message message;
    message.from = from;
    message.to = to;
    message.data = std::move(data);
    message.value = value;
    std::vector<rpc::RpcCall> calls;
    calls.push_back(ask_call(message));
    calls.push_back(ask_gas(message));
    auto answers = co_await ask_all(node, std::move(calls));
    if (!answers) {
        co_return named(node, answers.error());
    }
    for (const auto& answer : answers.value()) {
        if (!answer && answer.error().kind == rpc::RpcClass::kReverted) {
            co_return fail(Errc::kReverted, revert_reason(answer.error().revert_data));
        }
        if (!answer) {
            co_return named(node, answer.error());
        }
    }
    co_return rpc::u64_of(answers.value()[1].value(), "eth_estimateGas");
}

Task<Result<FeeQuote>> EvmAdapter::fees() {
    auto begun = co_await begin();
    if (!begun) {
        co_return begun.as_failure();
    }
    Node& node = *begun.value();
    std::vector<rpc::RpcCall> calls;
    calls.push_back(ask_fee_history());
    calls.push_back(without_arguments("eth_maxPriorityFeePerGas"));
    calls.push_back(without_arguments("eth_gasPrice"));
    calls.push_back(ask_block("latest"));
    auto asked = co_await ask_all(node, std::move(calls));
    if (!asked) {
        co_return named(node, asked.error());
    }
    const Answers& answers = asked.value();
    if (answers[0]) {
        auto history = read_fee_history(answers[0].value());
        if (history) {
            FeeQuote out;
            out.base_fee = history.value().base_fee;
            out.priority_fee = history.value().priority_fee;
            auto tip = answers[1] ? rpc::amount_of(answers[1].value(), "eth_maxPriorityFeePerGas")
                                  : Result<Amount>(out.priority_fee);
            if (tip) {
                out.priority_fee = tip.value();
            }
            co_return out;
        }
    }
    if (!answers[2]) {
        co_return named(node, answers[2].error());
    }
    if (!answers[3]) {
        co_return named(node, answers[3].error());
    }
    auto gas_price = rpc::amount_of(answers[2].value(), "eth_gasPrice");
    if (!gas_price) {
        co_return gas_price.as_failure();
    }
    auto head = read_header(answers[3].value());
    if (!head) {
        co_return head.as_failure();
    }
    const Header header = head.value().value_or(Header{});
    co_return quote_from(header, gas_price.value());
}

Task<Result<std::uint64_t>> EvmAdapter::nonce(Address from) {
    auto begun = co_await begin();
    if (!begun) {
        co_return begun.as_failure();
    }
    Node& node = *begun.value();
    rpc::RpcCall call = ask_nonce(from);
    auto answer = co_await ask(node, std::move(call));
    if (!answer) {
        co_return named(node, answer.error());
    }
    co_return rpc::u64_of(answer.value(), "eth_getTransactionCount");
}

Task<Result<Amount>> EvmAdapter::balance(Address of) {
    auto begun = co_await begin();
    if (!begun) {
        co_return begun.as_failure();
    }
    Node& node = *begun.value();
    rpc::RpcCall call = ask_balance(of);
    auto answer = co_await ask(node, std::move(call));
    if (!answer) {
        co_return named(node, answer.error());
    }
    co_return rpc::amount_of(answer.value(), "eth_getBalance");
}

Result<SignedTxn> EvmAdapter::sign(const TxnRequest& request, const SignDigest& signer) const {
    Txn txn;
    txn.type = TxnType::kDynamicFee;
    txn.chain_id = chain_id_;
    txn.nonce = request.nonce;
    txn.max_fee = request.max_fee;
    txn.priority_fee = request.priority_fee;
    txn.gas_limit = request.gas_limit;
    txn.to = request.to;
    txn.value = request.value;
    txn.data = request.data;
    // London's rules hold on every chain that takes type 2; later ones are the node's to apply.
    MARGRAVE_TRY(validate(txn, Fork::kLondon));
    MARGRAVE_TRY(auto made, evm::sign(txn, signer));
    SignedTxn out;
    out.hash = made.hash;
    out.raw = std::move(made.raw);
    return out;
}

Task<Result<void>> EvmAdapter::broadcast(Bytes raw) {
    co_await dial(kDialInterval);
    const Hash32 expected = keccak256(raw);
    rpc::RpcCall call = with_one("eth_sendRawTransaction", to_hex(raw));
    auto answer = co_await pool_->broadcast(std::move(call), settings_.rpc_timeout);
    if (!answer) {
        co_return fail(answer.error().code, settings_.chain.text() + ": " + answer.error().detail);
    }
    // Null: a node knew it already.
    if (answer.value().is_null()) {
        co_return ok();
    }
    auto hash = rpc::hash_of(answer.value(), "eth_sendRawTransaction");
    if (!hash) {
        co_return hash.as_failure();
    }
    if (hash.value() != expected) {
        co_return fail(
            Errc::kUnproved,
            "sent transaction " + to_hex(expected) + ", the node calls it " + to_hex(hash.value())
        );
    }
    co_return ok();
}

Task<Result<std::optional<TxnStatus>>> EvmAdapter::status(Hash32 txn_hash) {
    auto begun = co_await begin();
    if (!begun) {
        co_return begun.as_failure();
    }
    Node& node = *begun.value();
    rpc::RpcCall call = with_one("eth_getTransactionReceipt", to_hex(txn_hash));
    auto answer = co_await ask(node, std::move(call));
    if (!answer) {
        co_return named(node, answer.error());
    }
    auto receipt = read_receipt(answer.value(), txn_hash);
    if (!receipt) {
        co_return receipt.as_failure();
    }
    if (!receipt.value()) {
        co_return std::optional<TxnStatus>{};
    }
    const Receipt found = *receipt.value();
    rpc::RpcCall block_call = ask_block(found.number);
    auto block = co_await ask(node, std::move(block_call));
    if (!block) {
        co_return named(node, block.error());
    }
    auto header = read_header(block.value(), found.number);
    if (!header) {
        co_return header.as_failure();
    }
    // A receipt of a block that was replaced is no inclusion.
    if (!header.value() || header.value()->block.hash != found.block) {
        co_return std::optional<TxnStatus>{};
    }
    TxnStatus out;
    out.txn_hash = txn_hash;
    out.block = header.value()->block;
    out.succeeded = found.succeeded;
    out.gas_used = found.gas_used;
    co_return std::optional<TxnStatus>{out};
}

}  // namespace margrave::chains::evm
