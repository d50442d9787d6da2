// SPDX-License-Identifier: Apache-2.0
#include "chains/evm/detail/plain_json.hpp"
#include "chains/evm/fast_json.hpp"
#include "chains/rpc/codec.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

namespace margrave::chains::evm {

namespace {

using detail::is_plain;
using detail::Keys;
using detail::read_text;
namespace dom = simdjson::dom;

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

Result<std::vector<NodeLog>> strict_logs(const rpc::RawAnswer& answer) {
    MARGRAVE_TRY(const nlohmann::json tree, parse_slowly(answer.result()));
    return evm::read_logs(tree);
}

}  // namespace detail

Result<std::vector<NodeLog>> read_logs(const rpc::RawAnswer& answer) {
    if (auto plain = detail::plain_logs(answer)) {
        return std::move(*plain);
    }
    return detail::strict_logs(answer);
}

}  // namespace margrave::chains::evm
