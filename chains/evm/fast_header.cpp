// SPDX-License-Identifier: Apache-2.0
#include "chains/evm/detail/plain_json.hpp"
#include "chains/evm/fast_json.hpp"
#include "chains/rpc/codec.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <string>
#include <utility>

namespace margrave::chains::evm {

namespace {

using detail::is_plain;
using detail::Keys;
using detail::read_text;
namespace dom = simdjson::dom;

// As read_header_fields has it.
constexpr std::size_t kExtraDataMax = std::size_t{64} << 10U;

template <std::size_t N>
bool read_fixed(const dom::element& value, std::array<std::uint8_t, N>& out) {
    Bytes bytes;
    const bool is_read =
        read_text(value, bytes, [](std::string_view text) { return rpc::parse_data(text, N); });
    if (!is_read || bytes.size() != N) {
        return false;
    }
    std::ranges::copy(bytes, out.begin());
    return true;
}

template <class T, class Parse>
bool read_optional(const dom::element& value, std::optional<T>& out, Parse parse) {
    if (value.is_null()) {
        return true;
    }
    return read_text(value, out, parse);
}

/// Reads the members of a block that its hash is made of.
class HeaderReader {
  public:
    HeaderFields fields;
    Hash32 hash;

    bool read(const dom::object& object) {
        for (const dom::key_value_pair field : object) {
            if (!keys_.add(field.key)) {
                return false;
            }
            std::optional<bool> known = needed(field.key, field.value);
            if (known && *known) {
                ++seen_;
                continue;
            }
            known = known ? known : later(field.key, field.value);
            // What an AuRa block's seal is made of is read by the other reader.
            const bool is_aura = field.key == "auraStep" || field.key == "auraSeal";
            if (is_aura || !known.value_or(is_plain(field.value))) {
                return false;
            }
        }
        return seen_ == kNeeded;
    }

  private:
    static constexpr unsigned kNeeded = 16;

    /// Absent when it is none of these.
    std::optional<bool> needed(std::string_view key, const dom::element& value) {
        if (key == "hash") {
            return read_text(value, hash, &parse_hash32);
        }
        if (key == "parentHash") {
            return read_text(value, fields.parent, &parse_hash32);
        }
        if (key == "sha3Uncles") {
            return read_text(value, fields.uncles_hash, &parse_hash32);
        }
        if (key == "miner") {
            return read_text(value, fields.miner, &parse_address);
        }
        if (key == "stateRoot") {
            return read_text(value, fields.state_root, &parse_hash32);
        }
        if (key == "transactionsRoot") {
            return read_text(value, fields.transactions_root, &parse_hash32);
        }
        if (key == "receiptsRoot") {
            return read_text(value, fields.receipts_root, &parse_hash32);
        }
        if (key == "logsBloom") {
            return read_fixed(value, fields.logs_bloom.data);
        }
        if (key == "difficulty") {
            return read_text(value, fields.difficulty, &rpc::parse_quantity);
        }
        if (key == "number") {
            return read_text(value, fields.number.value, &rpc::parse_quantity_u64);
        }
        if (key == "gasLimit") {
            return read_text(value, fields.gas_limit, &rpc::parse_quantity_u64);
        }
        if (key == "gasUsed") {
            return read_text(value, fields.gas_used, &rpc::parse_quantity_u64);
        }
        if (key == "timestamp") {
            return read_text(value, fields.time.value, &rpc::parse_quantity_u64);
        }
        if (key == "extraData") {
            return read_text(value, fields.extra_data, [](std::string_view text) {
                return rpc::parse_data(text, kExtraDataMax);
            });
        }
        if (key == "mixHash") {
            return read_text(value, fields.mix_hash, &parse_hash32);
        }
        if (key == "nonce") {
            return read_fixed(value, fields.nonce);
        }
        return std::nullopt;
    }

    std::optional<bool> later(std::string_view key, const dom::element& value) {
        if (key == "baseFeePerGas") {
            return read_optional(value, fields.base_fee, &rpc::parse_quantity);
        }
        if (key == "withdrawalsRoot") {
            return read_optional(value, fields.withdrawals_root, &parse_hash32);
        }
        if (key == "blobGasUsed") {
            return read_optional(value, fields.blob_gas_used, &rpc::parse_quantity_u64);
        }
        if (key == "excessBlobGas") {
            return read_optional(value, fields.excess_blob_gas, &rpc::parse_quantity_u64);
        }
        if (key == "parentBeaconBlockRoot") {
            return read_optional(value, fields.parent_beacon_block_root, &parse_hash32);
        }
        if (key == "requestsHash") {
            return read_optional(value, fields.requests_hash, &parse_hash32);
        }
        return std::nullopt;
    }

    Keys keys_;
    unsigned seen_{0};
};

Result<void> check_number(const std::optional<Header>& header, BlockNum asked) {
    if (header && header->block.number != asked) {
        return fail(
            Errc::kUnproved,
            "asked for block " + std::to_string(asked.value) + ", the node answered with block " +
                std::to_string(header->block.number.value)
        );
    }
    return ok();
}

}  // namespace

namespace detail {

std::optional<Header> plain_header(const rpc::RawAnswer& answer) {
    const std::optional<dom::element> root = parse_plain(answer.result());
    dom::object object;
    if (!root || root->get_object().get(object) != simdjson::SUCCESS) {
        return std::nullopt;
    }
    Header out;
    Keys keys;
    unsigned needed = 4;
    for (const dom::key_value_pair field : object) {
        const std::string_view key = field.key;
        bool good = keys.add(key);
        if (key == "number") {
            good = good && read_text(field.value, out.block.number.value, &rpc::parse_quantity_u64);
        } else if (key == "hash") {
            good = good && read_text(field.value, out.block.hash, &parse_hash32);
        } else if (key == "parentHash") {
            good = good && read_text(field.value, out.block.parent, &parse_hash32);
        } else if (key == "timestamp") {
            good = good && read_text(field.value, out.block.time.value, &rpc::parse_quantity_u64);
        } else if (key == "baseFeePerGas") {
            good = good && (field.value.is_null() ||
                            read_text(field.value, out.base_fee, &rpc::parse_quantity));
            ++needed;
        } else {
            good = good && is_plain(field.value);
            ++needed;
        }
        if (!good) {
            return std::nullopt;
        }
        --needed;
    }
    return needed == 0 ? std::optional<Header>(std::move(out)) : std::nullopt;
}

std::optional<KnownBlock> plain_block(const rpc::RawAnswer& answer) {
    const std::optional<dom::element> root = parse_plain(answer.result());
    dom::object object;
    if (!root || root->get_object().get(object) != simdjson::SUCCESS) {
        return std::nullopt;
    }
    HeaderReader reader;
    if (!reader.read(object)) {
        return std::nullopt;
    }
    auto proved = prove_header(std::move(reader.fields), reader.hash);
    if (!proved) {
        return std::nullopt;
    }
    KnownBlock out;
    out.block = proved.value().block();
    out.header = std::move(proved).value();
    return out;
}

Result<std::optional<KnownBlock>> strict_block(
    const rpc::RawAnswer& answer, ProofMode proof, std::optional<BlockNum> asked
) {
    MARGRAVE_TRY(const nlohmann::json tree, parse_slowly(answer.result()));
    return evm::read_block(tree, proof, asked);
}

Result<std::optional<Header>> strict_header(const rpc::RawAnswer& answer) {
    MARGRAVE_TRY(const nlohmann::json tree, parse_slowly(answer.result()));
    return evm::read_header(tree);
}

}  // namespace detail

Result<std::optional<Header>> read_header(const rpc::RawAnswer& answer) {
    if (auto plain = detail::plain_header(answer)) {
        return std::optional<Header>(std::move(*plain));
    }
    return detail::strict_header(answer);
}

Result<std::optional<Header>> read_header(const rpc::RawAnswer& answer, BlockNum asked) {
    MARGRAVE_TRY(auto header, read_header(answer));
    MARGRAVE_TRY(check_number(header, asked));
    return header;
}

Result<std::optional<KnownBlock>> read_block(
    const rpc::RawAnswer& answer, ProofMode proof, std::optional<BlockNum> asked
) {
    std::optional<KnownBlock> plain;
    if (proof == ProofMode::kAgreement) {
        if (const auto header = detail::plain_header(answer)) {
            plain.emplace();
            plain->block = header->block;
        }
    } else {
        plain = detail::plain_block(answer);
    }
    // The other reader says what is wrong.
    if (plain && (!asked || plain->block.number == *asked)) {
        return plain;
    }
    return detail::strict_block(answer, proof, asked);
}

}  // namespace margrave::chains::evm
