// SPDX-License-Identifier: Apache-2.0
#include "chains/evm/detail/plain_json.hpp"

#include "infra/strict_json.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace margrave::chains::evm::detail {

namespace {

static_assert(rpc::RawAnswer::kPadding >= simdjson::SIMDJSON_PADDING);

// Below these an answer is plain: parse_strict would find nothing to refuse in its size.
constexpr std::size_t kPlainBytes = std::size_t{64} << 20U;
constexpr std::size_t kPlainDepth = 16;
// A parser that has read more than this gives its memory back.
constexpr std::size_t kKeptBytes = std::size_t{4} << 20U;

}  // namespace

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

Result<nlohmann::json> parse_slowly(std::string_view text) {
    infra::StrictLimits limits;
    limits.bytes = text.size();
    // One level is the envelope's.
    --limits.depth;
    return infra::parse_strict(text, limits);
}

}  // namespace margrave::chains::evm::detail
