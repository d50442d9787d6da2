// SPDX-License-Identifier: Apache-2.0
#include "chains/evm/fast_json.hpp"

#include "chains/rpc/codec.hpp"
#include "infra/strict_json.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <limits>
#include <simdjson.h>
#include <string>
#include <utility>

namespace margrave::chains::evm {

namespace {

namespace dom = simdjson::dom;

static_assert(rpc::RawAnswer::kPadding >= simdjson::SIMDJSON_PADDING);

// Below these an answer is plain: parse_strict would find nothing to refuse in its size.
constexpr std::size_t kPlainBytes = std::size_t{64} << 20U;
constexpr std::size_t kPlainDepth = 16;
constexpr std::size_t kPlainKeys = 64;
// A parser that has read more than this gives its memory back.
constexpr std::size_t kKeptBytes = std::size_t{4} << 20U;
// As read_header_fields has it.
constexpr std::size_t kExtraDataMax = std::size_t{64} << 10U;

/// A parser whose memory is kept, and the value of the text; absent when it is not plain JSON. The
/// value lives until the next call on this thread.
std::optional<dom::element> parse_plain(std::string_view text) {
    // The two readers differ in what they make of some escapes; no hex field needs one.
    if (text.size() > kPlainBytes || text.find('\\') != std::string_view::npos) {
        return std::nullopt;
    }
    thread_local dom::parser parser;
    if (parser.capacity() > kKeptBytes && text.size() <= kKeptBytes) {
        parser = dom::parser();
    }
    if (parser.max_depth() != kPlainDepth &&
        parser.allocate(text.size() + 1, kPlainDepth) != simdjson::SUCCESS) {
        return std::nullopt;
    }
    dom::element root;
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(text.data());
    if (parser.parse(bytes, text.size(), /*realloc_if_needed=*/false).get(root) !=
        simdjson::SUCCESS) {
        return std::nullopt;
    }
    return root;
}

/// Keys that were seen in one object: each may be there once.
class Keys {
  public:
    bool add(std::string_view key) {
        const auto end = keys_.begin() + static_cast<std::ptrdiff_t>(count_);
        if (count_ == keys_.size() || std::find(keys_.begin(), end, key) != end) {
            return false;
        }
        keys_[count_++] = key;
        return true;
    }

  private:
    std::array<std::string_view, kPlainKeys> keys_;
    std::size_t count_{0};
};

/// Whether a value that nobody reads has nothing that parse_strict refuses: a fraction, a key that
/// is there twice. Its depth is bounded by the parser.
bool is_plain(const dom::element& value) {
    switch (value.type()) {
        case dom::element_type::ARRAY: {
            const dom::array array = value;
            return std::all_of(array.begin(), array.end(), is_plain);
        }
        case dom::element_type::OBJECT: {
            const dom::object object = value;
            Keys keys;
            for (const dom::key_value_pair field : object) {
                if (!keys.add(field.key) || !is_plain(field.value)) {
                    return false;
                }
            }
            return true;
        }
        case dom::element_type::DOUBLE:
            return false;
        case dom::element_type::INT64:
        case dom::element_type::UINT64:
        case dom::element_type::STRING:
        case dom::element_type::BOOL:
        case dom::element_type::NULL_VALUE:
            return true;
    }
    return false;
}

/// Reads a text into `out`; false when it is no text or not of this form.
template <class T, class Parse>
bool read_text(const dom::element& value, T& out, Parse parse) {
    std::string_view text;
    if (value.get_string().get(text) != simdjson::SUCCESS) {
        return false;
    }
    auto parsed = parse(text);
    if (!parsed) {
        return false;
    }
    out = std::move(parsed).value();
    return true;
}

/// The value of the last text that was read: neighbours in a list repeat block, transaction and
/// contract.
template <class T>
class Repeated {
  public:
    template <class Parse>
    bool read(const dom::element& value, T& out, Parse parse) {
        std::string_view text;
        if (value.get_string().get(text) != simdjson::SUCCESS) {
            return false;
        }
        if (text != text_ || text.empty()) {
            auto parsed = parse(text);
            if (!parsed) {
                return false;
            }
            value_ = std::move(parsed).value();
            text_ = text;
        }
        out = value_;
        return true;
    }

  private:
    std::string_view text_;
    T value_{};
};

class LogReader {
  public:
    bool read(const dom::element& entry, NodeLog& log) {
        dom::object object;
        if (entry.get_object().get(object) != simdjson::SUCCESS) {
            return false;
        }
        seen_ = 0;
        others_ = Keys();
        for (const dom::key_value_pair field : object) {
            if (!member(field.key, field.value, log)) {
                return false;
            }
        }
        return (seen_ & kNeeded) == kNeeded;
    }

  private:
    enum : unsigned {
        kNumber = 1,
        kBlock = 2,
        kTxn = 4,
        kIndex = 8,
        kAddress = 16,
        kData = 32,
        kTopics = 64,
        kNeeded = 127,
        kRemoved = 128,
    };

    bool first(unsigned member) {
        const bool is_first = (seen_ & member) == 0;
        seen_ |= member;
        return is_first;
    }

    bool member(std::string_view key, const dom::element& value, NodeLog& log) {
        if (key == "topics") {
            return first(kTopics) && topics(value, log);
        }
        if (key == "data") {
            return first(kData) && read_text(value, log.data, [](std::string_view text) {
                       return rpc::parse_data(text);
                   });
        }
        if (key == "address") {
            return first(kAddress) && address_.read(value, log.address, &parse_address);
        }
        if (key == "blockHash") {
            return first(kBlock) && block_.read(value, log.block, &parse_hash32);
        }
        if (key == "blockNumber") {
            return first(kNumber) &&
                   number_.read(value, log.number.value, &rpc::parse_quantity_u64);
        }
        if (key == "transactionHash") {
            return first(kTxn) && txn_.read(value, log.txn, &parse_hash32);
        }
        if (key == "logIndex") {
            std::uint64_t index = 0;
            const bool is_read = first(kIndex) && read_text(value, index, &rpc::parse_quantity_u64);
            log.index = static_cast<std::uint32_t>(index);
            return is_read && index <= std::numeric_limits<std::uint32_t>::max();
        }
        if (key == "removed") {
            bool removed = true;
            return first(kRemoved) && value.get_bool().get(removed) == simdjson::SUCCESS &&
                   !removed;
        }
        return others_.add(key) && is_plain(value);
    }

    bool topics(const dom::element& value, NodeLog& log) {
        dom::array array;
        if (value.get_array().get(array) != simdjson::SUCCESS || array.size() > 4) {
            return false;
        }
        log.topics.reserve(array.size());
        for (const dom::element topic : array) {
            if (!read_text(topic, log.topics.emplace_back(), &parse_hash32)) {
                return false;
            }
        }
        return true;
    }

    unsigned seen_{0};
    Keys others_;
    Repeated<Address> address_;
    Repeated<Hash32> block_;
    Repeated<Hash32> txn_;
    Repeated<std::uint64_t> number_;
};

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

Result<nlohmann::json> parse_slowly(std::string_view text) {
    infra::StrictLimits limits;
    limits.bytes = text.size();
    // One level is the envelope's.
    --limits.depth;
    return infra::parse_strict(text, limits);
}

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

std::optional<std::vector<NodeLog>> plain_logs(const rpc::RawAnswer& answer) {
    const std::optional<dom::element> root = parse_plain(answer.result());
    dom::array array;
    if (!root || root->get_array().get(array) != simdjson::SUCCESS) {
        return std::nullopt;
    }
    std::vector<NodeLog> out;
    out.reserve(array.size());
    LogReader reader;
    for (const dom::element entry : array) {
        if (!reader.read(entry, out.emplace_back())) {
            return std::nullopt;
        }
    }
    return out;
}

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

Result<std::vector<NodeLog>> strict_logs(const rpc::RawAnswer& answer) {
    MARGRAVE_TRY(const nlohmann::json tree, parse_slowly(answer.result()));
    return evm::read_logs(tree);
}

Result<std::optional<Header>> strict_header(const rpc::RawAnswer& answer) {
    MARGRAVE_TRY(const nlohmann::json tree, parse_slowly(answer.result()));
    return evm::read_header(tree);
}

}  // namespace detail

Result<std::vector<NodeLog>> read_logs(const rpc::RawAnswer& answer) {
    if (auto plain = detail::plain_logs(answer)) {
        return std::move(*plain);
    }
    return detail::strict_logs(answer);
}

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
