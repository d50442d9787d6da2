// SPDX-License-Identifier: Apache-2.0
#include "chains/evm/proof/receipts.hpp"
#include "chains/rpc/codec.hpp"
#include "core/assert.hpp"
#include "core/keccak.hpp"
#include "infra/strict_json.hpp"

#include <nlohmann/json.hpp>

using namespace margrave;
using nlohmann::json;
namespace evm = margrave::chains::evm;

namespace {

// A header that commits to these receipts.
json header_of(const std::vector<evm::BlockReceipt>& receipts) {
    json out;
    const std::string word = to_hex(keccak256(std::string_view("word")));
    for (const char* key :
         {"parentHash", "sha3Uncles", "stateRoot", "transactionsRoot", "mixHash"}) {
        out[key] = word;
    }
    for (const char* key : {"difficulty", "gasLimit", "gasUsed", "timestamp"}) {
        out[key] = "0x1";
    }
    evm::Bloom bloom;
    for (const evm::BlockReceipt& receipt : receipts) {
        evm::merge(bloom, receipt.bloom);
    }
    out["miner"] = to_hex(Address{});
    out["number"] = "0x7";
    out["extraData"] = "0x";
    out["nonce"] = "0x0000000000000000";
    out["logsBloom"] = to_hex(bloom.view());
    out["receiptsRoot"] = to_hex(evm::receipts_root(receipts, evm::DepositForm::kByVersion));
    out["hash"] = to_hex(keccak256(evm::encode_header(evm::read_header_fields(out).value())));
    return out;
}

void label(json& receipts, const json& hash) {
    std::uint64_t index = 0;
    std::uint64_t logs = 0;
    for (json& receipt : receipts) {
        receipt["blockHash"] = hash;
        receipt["blockNumber"] = "0x7";
        receipt["transactionIndex"] = chains::rpc::to_quantity(index++);
        for (json& log : receipt["logs"]) {
            log["blockHash"] = hash;
            log["blockNumber"] = "0x7";
            log["transactionIndex"] = receipt["transactionIndex"];
            log["transactionHash"] = receipt["transactionHash"];
            log["logIndex"] = chains::rpc::to_quantity(logs++);
            log.erase("removed");
        }
    }
}

}  // namespace

// A list of receipts under a header that commits to it: proved, or refused for what is not hashed.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    infra::StrictLimits limits;
    limits.values = 20'000;
    auto parsed = infra::parse_strict(as_text({data, size}), limits);
    if (!parsed) {
        return 0;
    }
    json& receipts = parsed.value();
    const auto read = evm::read_receipts(receipts);
    if (!read) {
        return 0;
    }
    const auto header = evm::prove_header(header_of(read.value()));
    MARGRAVE_ASSERT(header.has_value());
    label(receipts, to_hex(header.value().block().hash));
    const auto logs = evm::prove_receipts(header.value(), receipts);
    if (!logs) {
        const Errc code = logs.error().code;
        MARGRAVE_ASSERT(code == Errc::kUnproved || code == Errc::kUnable);
        return 0;
    }
    for (const evm::NodeLog& log : logs.value().logs()) {
        MARGRAVE_ASSERT(!evm::excludes(header.value().logs_bloom(), log.address, log.topics));
    }
    if (!receipts.empty()) {
        receipts.erase(receipts.size() - 1);
        MARGRAVE_ASSERT(!evm::prove_receipts(header.value(), receipts));
    }
    return 0;
}
