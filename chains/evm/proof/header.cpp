// SPDX-License-Identifier: Apache-2.0
#include "chains/evm/proof/header.hpp"

#include "chains/evm/proof/detail/answer.hpp"
#include "chains/evm/rlp.hpp"
#include "chains/rpc/codec.hpp"
#include "core/keccak.hpp"
#include "infra/log.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <string>
#include <string_view>

namespace margrave::chains::evm {
namespace {

using detail::unable;
using detail::unproved;
using nlohmann::json;

constexpr std::array<std::string_view, 23> kHeaderMembers{
    "parentHash",
    "sha3Uncles",
    "miner",
    "stateRoot",
    "transactionsRoot",
    "receiptsRoot",
    "logsBloom",
    "difficulty",
    "number",
    "gasLimit",
    "gasUsed",
    "timestamp",
    "extraData",
    "mixHash",
    "nonce",
    "auraStep",
    "auraSeal",
    "baseFeePerGas",
    "withdrawalsRoot",
    "blobGasUsed",
    "excessBlobGas",
    "parentBeaconBlockRoot",
    "requestsHash"};

// The hash itself and the body; then what one family of nodes adds: Parity's author and sealFields,
// Arbitrum's l1BlockNumber, sendCount and sendRoot (copies of what extraData and mixHash carry).
constexpr std::array<std::string_view, 11> kBodyMembers{
    "hash",
    "size",
    "totalDifficulty",
    "transactions",
    "uncles",
    "withdrawals",
    "author",
    "sealFields",
    "l1BlockNumber",
    "sendCount",
    "sendRoot"};

// Clique and Parlia keep whole validator lists in it.
constexpr std::size_t kExtraDataMax = std::size_t{64} << 10;
constexpr std::size_t kSealMax = 1024;
constexpr std::size_t kHeaderSize = 800;

// A field of a later fork stands where an earlier one is missing: with a gap the same bytes could
// be read as two headers.
bool has_gap(const HeaderFields& f) {
    const std::array<bool, 6> there{
        f.base_fee.has_value(),
        f.withdrawals_root.has_value(),
        f.blob_gas_used.has_value(),
        f.excess_blob_gas.has_value(),
        f.parent_beacon_block_root.has_value(),
        f.requests_hash.has_value()};
    return !std::ranges::is_sorted(there, std::greater{});
}

std::string unknown_members(const json& block) {
    constexpr std::size_t kNamed = 5;
    std::string names;
    std::size_t count = 0;
    for (const auto& [key, value] : block.items()) {
        if (value.is_null() || is_body_member(key) ||
            std::ranges::find(kHeaderMembers, key) != kHeaderMembers.end()) {
            continue;
        }
        if (++count <= kNamed) {
            names += (names.empty() ? "" : ", ") + infra::printable(key, 40);
        }
    }
    return count > kNamed ? names + " and " + std::to_string(count - kNamed) + " more" : names;
}

bool has_aura(const json& block) {
    return detail::has(block, "auraStep") && detail::has(block, "auraSeal");
}

Result<void> read_seal(HeaderFields& out, const json& block) {
    if (has_aura(block)) {
        AuraSeal seal;
        MARGRAVE_TRY(seal.step, rpc::u64_at(block, "auraStep"));
        MARGRAVE_TRY(seal.signature, detail::read_data(block, "auraSeal", kSealMax));
        out.aura = std::move(seal);
        return ok();
    }
    MARGRAVE_TRY(out.mix_hash, rpc::hash_at(block, "mixHash"));
    return detail::read_fixed(block, "nonce", out.nonce);
}

// Erigon tells AuRa headers with mix hash and nonce of zero and may leave the seal out.
bool has_blank_seal(const HeaderFields& f) {
    const auto is_zero = [](std::uint8_t b) {
        return b == 0;
    };
    return !f.aura && f.mix_hash.is_zero() && std::ranges::all_of(f.nonce, is_zero) &&
           !f.difficulty.is_zero();
}

Result<void> read_later_fields(HeaderFields& out, const json& block) {
    MARGRAVE_TRY(out.base_fee, rpc::opt_amount_at(block, "baseFeePerGas"));
    MARGRAVE_TRY(out.withdrawals_root, rpc::opt_hash_at(block, "withdrawalsRoot"));
    MARGRAVE_TRY(out.blob_gas_used, rpc::opt_u64_at(block, "blobGasUsed"));
    MARGRAVE_TRY(out.excess_blob_gas, rpc::opt_u64_at(block, "excessBlobGas"));
    MARGRAVE_TRY(out.parent_beacon_block_root, rpc::opt_hash_at(block, "parentBeaconBlockRoot"));
    MARGRAVE_TRY(out.requests_hash, rpc::opt_hash_at(block, "requestsHash"));
    return ok();
}

void put_later_fields(Bytes& out, const HeaderFields& f) {
    if (f.base_fee) {
        rlp::put_uint(out, *f.base_fee);
    }
    if (f.withdrawals_root) {
        rlp::put_bytes(out, f.withdrawals_root->view());
    }
    if (f.blob_gas_used) {
        rlp::put_uint(out, *f.blob_gas_used);
    }
    if (f.excess_blob_gas) {
        rlp::put_uint(out, *f.excess_blob_gas);
    }
    if (f.parent_beacon_block_root) {
        rlp::put_bytes(out, f.parent_beacon_block_root->view());
    }
    if (f.requests_hash) {
        rlp::put_bytes(out, f.requests_hash->view());
    }
}

}  // namespace

bool is_body_member(std::string_view key) {
    return std::ranges::find(kBodyMembers, key) != kBodyMembers.end();
}

Result<HeaderFields> read_header_fields(const json& block) {
    HeaderFields out;
    MARGRAVE_TRY(out.parent, rpc::hash_at(block, "parentHash"));
    MARGRAVE_TRY(out.uncles_hash, rpc::hash_at(block, "sha3Uncles"));
    MARGRAVE_TRY(out.miner, rpc::address_at(block, "miner"));
    MARGRAVE_TRY(out.state_root, rpc::hash_at(block, "stateRoot"));
    MARGRAVE_TRY(out.transactions_root, rpc::hash_at(block, "transactionsRoot"));
    MARGRAVE_TRY(out.receipts_root, rpc::hash_at(block, "receiptsRoot"));
    MARGRAVE_TRY(detail::read_fixed(block, "logsBloom", out.logs_bloom.data));
    MARGRAVE_TRY(out.difficulty, rpc::amount_at(block, "difficulty"));
    MARGRAVE_TRY(out.number.value, rpc::u64_at(block, "number"));
    MARGRAVE_TRY(out.gas_limit, rpc::u64_at(block, "gasLimit"));
    MARGRAVE_TRY(out.gas_used, rpc::u64_at(block, "gasUsed"));
    MARGRAVE_TRY(out.time.value, rpc::u64_at(block, "timestamp"));
    MARGRAVE_TRY(out.extra_data, detail::read_data(block, "extraData", kExtraDataMax));
    MARGRAVE_TRY(read_seal(out, block));
    MARGRAVE_TRY(read_later_fields(out, block));
    return out;
}

Bytes encode_header(const HeaderFields& f) {
    Bytes members;
    members.reserve(kHeaderSize);
    rlp::put_bytes(members, f.parent.view());
    rlp::put_bytes(members, f.uncles_hash.view());
    rlp::put_bytes(members, f.miner.view());
    rlp::put_bytes(members, f.state_root.view());
    rlp::put_bytes(members, f.transactions_root.view());
    rlp::put_bytes(members, f.receipts_root.view());
    rlp::put_bytes(members, f.logs_bloom.view());
    rlp::put_uint(members, f.difficulty);
    rlp::put_uint(members, f.number.value);
    rlp::put_uint(members, f.gas_limit);
    rlp::put_uint(members, f.gas_used);
    rlp::put_uint(members, f.time.value);
    rlp::put_bytes(members, f.extra_data);
    if (f.aura) {
        rlp::put_uint(members, f.aura->step);
        rlp::put_bytes(members, f.aura->signature);
    } else {
        rlp::put_bytes(members, f.mix_hash.view());
        rlp::put_bytes(members, f.nonce);
    }
    put_later_fields(members, f);
    Bytes out;
    out.reserve(rlp::list_size(members.size()));
    rlp::put_list(out, members);
    return out;
}

Result<ProvedHeader> prove_header(const json& block, const Hash32& hash) {
    if (block.is_null()) {
        return unable("the node has no block " + to_hex(hash));
    }
    const std::string name = "header " + to_hex(hash);
    MARGRAVE_TRY(const Hash32 told, detail::readable(rpc::hash_at(block, "hash"), name));
    if (told != hash) {
        return unproved("asked for block " + to_hex(hash) + ", answered with " + to_hex(told));
    }
    MARGRAVE_TRY(HeaderFields fields, detail::readable(read_header_fields(block), name));
    if (has_gap(fields)) {
        return unable(name + " has fields of a later fork without those of an earlier one");
    }
    const Hash32 made = keccak256(encode_header(fields));
    if (made == hash) {
        return ProvedHeader(std::move(fields), hash);
    }
    const std::string differs =
        name + " of block " + std::to_string(fields.number.value) + " hashes to " + to_hex(made);
    const std::string unknown = unknown_members(block);
    if (!unknown.empty()) {
        return unable(differs + " and has fields that are not known here: " + unknown);
    }
    if (has_blank_seal(fields)) {
        return unable(differs + " and has no seal; an AuRa block's would be auraStep and auraSeal");
    }
    return unproved(differs);
}

Result<ProvedHeader> prove_header(HeaderFields fields, const Hash32& hash) {
    const std::string name = "header " + to_hex(hash);
    if (has_gap(fields)) {
        return unable(name + " has fields of a later fork without those of an earlier one");
    }
    const Hash32 made = keccak256(encode_header(fields));
    if (made != hash) {
        return unproved(name + " hashes to " + to_hex(made));
    }
    return ProvedHeader(std::move(fields), hash);
}

Result<ProvedHeader> prove_header(const json& block) {
    MARGRAVE_TRY(const Hash32 hash, detail::readable(rpc::hash_at(block, "hash"), "header"));
    return prove_header(block, hash);
}

}  // namespace margrave::chains::evm
