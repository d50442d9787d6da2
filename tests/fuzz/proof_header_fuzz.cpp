// SPDX-License-Identifier: Apache-2.0
#include "chains/evm/proof/body.hpp"
#include "chains/evm/proof/header.hpp"
#include "core/assert.hpp"
#include "core/keccak.hpp"
#include "infra/strict_json.hpp"

#include <nlohmann/json.hpp>

using namespace margrave;
namespace evm = margrave::chains::evm;

namespace {

template <class T>
void check_answer(const Result<T>& answer) {
    if (!answer) {
        const Errc code = answer.error().code;
        MARGRAVE_ASSERT(code == Errc::kUnproved || code == Errc::kUnable);
        MARGRAVE_ASSERT(answer.error().detail.size() < 2'000);
    }
}

void check_body(const evm::ProvedHeader& header, const nlohmann::json& block) {
    check_answer(evm::prove_txns(header, block));
    check_answer(evm::prove_withdrawals(header, block));
}

}  // namespace

// A block object. Whatever it is, it is proved, refuted or not judged; given its own hash it is
// proved, or its form is one that is not known.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    infra::StrictLimits limits;
    limits.values = 20'000;
    auto parsed = infra::parse_strict(as_text({data, size}), limits);
    if (!parsed) {
        return 0;
    }
    nlohmann::json& block = parsed.value();
    check_answer(evm::prove_header(block));
    const auto fields = evm::read_header_fields(block);
    if (!fields) {
        return 0;
    }
    const Hash32 hash = keccak256(evm::encode_header(fields.value()));
    block["hash"] = to_hex(hash);
    const auto proved = evm::prove_header(block, hash);
    check_answer(proved);
    if (!proved) {
        MARGRAVE_ASSERT(proved.error().code == Errc::kUnable);
        return 0;
    }
    MARGRAVE_ASSERT(proved.value().fields() == fields.value());
    check_body(proved.value(), block);
    block["stateRoot"] = to_hex(hash);
    MARGRAVE_ASSERT(!evm::prove_header(block, hash));
    return 0;
}
