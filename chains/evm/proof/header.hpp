// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "chains/evm/proof/bloom.hpp"
#include "core/amount.hpp"
#include "core/bytes.hpp"
#include "core/events.hpp"
#include "core/ids.hpp"
#include "core/result.hpp"

#include <nlohmann/json_fwd.hpp>

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

/// Everything in this folder is a pure function from a node's answer to one of three: proved (a
/// value), disproved (kUnproved: what differs), unable (kUnable: why it can be neither). Nothing
/// else is returned. An answer that cannot be read is unable: it proves nothing and refutes
/// nothing.
namespace margrave::chains::evm {

/// What AuRa chains (Gnosis before its merge) seal with, in place of mix hash and nonce.
struct AuraSeal {
    std::uint64_t step{0};
    Bytes signature;
    bool operator==(const AuraSeal&) const = default;
};

/// A block header by the consensus rules of every fork to Osaka. Gas is in gas, fees are in wei.
/// Arbitrum's and the OP stack's headers have these same forms.
struct HeaderFields {
    Hash32 parent;
    Hash32 uncles_hash;
    Address miner;
    Hash32 state_root;
    Hash32 transactions_root;
    Hash32 receipts_root;
    Bloom logs_bloom;
    Amount difficulty;
    BlockNum number;
    std::uint64_t gas_limit{0};
    std::uint64_t gas_used{0};
    UnixSeconds time;
    Bytes extra_data;
    // Zero where there is an AuRa seal.
    Hash32 mix_hash;
    std::array<std::uint8_t, 8> nonce{};
    std::optional<AuraSeal> aura;
    // Each is there from its fork on, and every one before it too: London (EIP-1559), Shanghai
    // (EIP-4895), Cancun (EIP-4844 twice, EIP-4788), Prague (EIP-7685).
    std::optional<Amount> base_fee;
    std::optional<Hash32> withdrawals_root;
    std::optional<std::uint64_t> blob_gas_used;
    std::optional<std::uint64_t> excess_blob_gas;
    std::optional<Hash32> parent_beacon_block_root;
    std::optional<Hash32> requests_hash;
    bool operator==(const HeaderFields&) const = default;
};

/// Members of the block object that are part of no known header: labels and the body. What is
/// neither one of these nor a header field may belong to a form of header that is not known here.
bool is_body_member(std::string_view key);

/// The header's part of an eth_getBlockBy answer. kInvalid, kOverflow, kLimit.
Result<HeaderFields> read_header_fields(const nlohmann::json& block);

/// RLP whose keccak is the block hash. The optional fields must have no gap.
Bytes encode_header(const HeaderFields& fields);

/// Fields that hash to the block's hash. It says that they are that block's; that the block is on
/// the chain is for whoever agreed on the hash. Made by prove_header only.
class ProvedHeader {
  public:
    [[nodiscard]] const BlockRef& block() const { return block_; }

    [[nodiscard]] const HeaderFields& fields() const { return fields_; }

    [[nodiscard]] const Hash32& state_root() const { return fields_.state_root; }

    [[nodiscard]] const Hash32& transactions_root() const { return fields_.transactions_root; }

    [[nodiscard]] const Hash32& receipts_root() const { return fields_.receipts_root; }

    [[nodiscard]] const std::optional<Hash32>& withdrawals_root() const {
        return fields_.withdrawals_root;
    }

    [[nodiscard]] const Bloom& logs_bloom() const { return fields_.logs_bloom; }

    [[nodiscard]] const std::optional<Amount>& base_fee() const { return fields_.base_fee; }

    [[nodiscard]] std::uint64_t gas_used() const { return fields_.gas_used; }

    [[nodiscard]] std::uint64_t gas_limit() const { return fields_.gas_limit; }

  private:
    friend Result<ProvedHeader> prove_header(const nlohmann::json& block, const Hash32& hash);
    friend Result<ProvedHeader> prove_header(HeaderFields fields, const Hash32& hash);

    ProvedHeader(HeaderFields fields, const Hash32& hash)
        : block_{fields.number, hash, fields.parent, fields.time},
          fields_(std::move(fields)) {}

    BlockRef block_;
    HeaderFields fields_;
};

/// That the block object's header is the one with this hash.
/// kUnproved: it calls itself another block, or is of a known form and hashes to something else.
/// kUnable: no object, a field is missing or malformed, fields of a later fork without those of an
/// earlier one, or it does not hash to `hash` and has a member that nobody here knows, or its seal
/// is blank as that of an AuRa block whose seal is not told.
Result<ProvedHeader> prove_header(const nlohmann::json& block, const Hash32& hash);
/// The same of fields that somebody else has read. kUnproved: they hash to something else. kUnable:
/// fields of a later fork without those of an earlier one.
Result<ProvedHeader> prove_header(HeaderFields fields, const Hash32& hash);
/// The same against the hash it gives itself: consistent, but nobody need have agreed on it.
Result<ProvedHeader> prove_header(const nlohmann::json& block);

}  // namespace margrave::chains::evm
