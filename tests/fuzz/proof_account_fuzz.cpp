// SPDX-License-Identifier: Apache-2.0
#include "chains/evm/proof/account_proof.hpp"
#include "chains/rpc/codec.hpp"
#include "core/assert.hpp"
#include "core/keccak.hpp"
#include "infra/strict_json.hpp"

#include <nlohmann/json.hpp>

using namespace margrave;
using nlohmann::json;
namespace evm = margrave::chains::evm;
namespace rpc = margrave::chains::rpc;

namespace {

// The state the answer itself begins with.
Hash32 root_of(const json& answer) {
    const auto nodes = answer.find("accountProof");
    if (nodes == answer.end() || !nodes->is_array() || nodes->empty()) {
        return Hash32{};
    }
    const auto node = rpc::data_of((*nodes)[0], "node");
    return node ? keccak256(node.value()) : Hash32{};
}

std::vector<Hash32> slots_of(const json& answer) {
    std::vector<Hash32> out;
    const auto list = answer.find("storageProof");
    if (list == answer.end() || !list->is_array()) {
        return out;
    }
    for (const json& entry : *list) {
        const auto key = rpc::hash_at(entry, "key");
        out.push_back(key ? key.value() : Hash32{});
    }
    return out;
}

}  // namespace

// An eth_getProof answer under its own first node, asked about what it says it is about.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    infra::StrictLimits limits;
    limits.values = 20'000;
    const auto parsed = infra::parse_strict(as_text({data, size}), limits);
    if (!parsed) {
        return 0;
    }
    const json& answer = parsed.value();
    const auto address = rpc::address_at(answer, "address");
    const Address asked = address ? address.value() : Address{};
    const std::vector<Hash32> slots = slots_of(answer);
    const auto proved = evm::prove_account(answer, root_of(answer), asked, slots);
    if (!proved) {
        const Errc code = proved.error().code;
        MARGRAVE_ASSERT(code == Errc::kUnproved || code == Errc::kUnable);
        return 0;
    }
    MARGRAVE_ASSERT(proved.value().address() == asked);
    MARGRAVE_ASSERT(proved.value().slots().size() == slots.size());
    json forged = answer;
    forged["balance"] = answer["balance"] == json("0x1") ? "0x2" : "0x1";
    MARGRAVE_ASSERT(!evm::prove_account(forged, root_of(answer), asked, slots));
    return 0;
}
