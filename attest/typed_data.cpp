// SPDX-License-Identifier: Apache-2.0
#include "attest/typed_data.hpp"

#include "attest/detail/canonical_reader.hpp"
#include "core/amount.hpp"
#include "core/keccak.hpp"

#include <charconv>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace margrave::attest {
namespace {

struct Member {
    std::string name;
    std::string type;
};

using Types = std::map<std::string, std::vector<Member>, std::less<>>;

Error bad(const std::string& what) {
    return fail(Errc::kInvalid, "typed data: " + what);
}

Result<Types> read_types(const Canonical& typed) {
    MARGRAVE_TRY(const Canonical* types, detail::find(typed, "types", "typed data"));
    const auto* object = std::get_if<Canonical::Object>(&types->value());
    if (object == nullptr) {
        return bad("\"types\" is not an object");
    }
    Types out;
    for (const auto& [name, value] : *object) {
        const auto* rows = std::get_if<Canonical::Array>(&value.value());
        if (rows == nullptr) {
            return bad("type " + name + " is not an array");
        }
        std::vector<Member>& members = out[name];
        for (const Canonical& row : *rows) {
            MARGRAVE_TRY(const auto field, detail::find_text(row, "name", "type " + name));
            MARGRAVE_TRY(const auto type, detail::find_text(row, "type", "type " + name));
            members.push_back({.name = std::string(field), .type = std::string(type)});
        }
    }
    return out;
}

// The domain type of a domain that does not declare one: the members it has, in EIP-712's order.
Result<std::vector<Member>> domain_members(const Canonical& domain) {
    const std::vector<Member> known{
        {"name", "string"},
        {"version", "string"},
        {"chainId", "uint256"},
        {"verifyingContract", "address"},
        {"salt", "bytes32"},
    };
    const auto* object = std::get_if<Canonical::Object>(&domain.value());
    if (object == nullptr) {
        return bad("\"domain\" is not an object");
    }
    std::vector<Member> out;
    for (const Member& member : known) {
        if (object->contains(member.name)) {
            out.push_back(member);
        }
    }
    if (out.size() != object->size()) {
        return bad("the domain has a member that EIP-712 does not know");
    }
    return out;
}

// "Person[2][]" is "Person".
std::string_view base_type(std::string_view type) {
    return type.substr(0, type.find('['));
}

void collect(const Types& types, std::string_view name, std::set<std::string, std::less<>>& into) {
    const auto at = types.find(name);
    if (at == types.end() || !into.insert(std::string(name)).second) {
        return;
    }
    for (const Member& member : at->second) {
        collect(types, base_type(member.type), into);
    }
}

// encodeType: the type itself, then every type it refers to, by name.
std::string encode_type(const Types& types, std::string_view name) {
    std::set<std::string, std::less<>> used;
    collect(types, name, used);
    used.erase(std::string(name));
    std::vector<std::string> order{std::string(name)};
    order.insert(order.end(), used.begin(), used.end());
    std::string out;
    for (const std::string& type : order) {
        out += type + "(";
        for (const Member& member : types.find(type)->second) {
            out += (out.back() == '(' ? "" : ",") + member.type + " " + member.name;
        }
        out += ")";
    }
    return out;
}

// The decimal width that ends "uint64" or "bytes4"; 0 when it is not a number in [1, limit].
unsigned width_of(std::string_view type, std::string_view stem, unsigned limit) {
    unsigned width = 0;
    const char* first = type.data() + stem.size();
    const char* last = type.data() + type.size();
    const auto [end, error] = std::from_chars(first, last, width);
    const bool good = error == std::errc{} && end == last && *first != '0' && width <= limit;
    return good ? width : 0;
}

Result<Hash32> magnitude(std::string_view text) {
    if (!text.starts_with("0x")) {
        MARGRAVE_TRY(const Amount amount, Amount::parse(text));
        return amount.to_word();
    }
    std::string padded = "0x";
    if (text.size() < 3 || text.size() > 66) {
        return bad("the integer " + std::string(text.substr(0, 80)) + " is not 1 to 64 hex digits");
    }
    padded.append(66 - text.size(), '0');
    padded += text.substr(2);
    return parse_hash32(padded);
}

// True when every bit from `bits` up is zero.
bool fits(const Hash32& word, unsigned bits) {
    for (unsigned i = bits; i < 256; ++i) {
        const unsigned byte = word.data[31 - i / 8];
        if ((byte >> (i % 8) & 1U) != 0) {
            return false;
        }
    }
    return true;
}

// Two's complement of a non-zero magnitude: ~(v - 1), and v - 1 is what must fit.
Hash32 minus_one(Hash32 word) {
    for (std::size_t i = 32; i-- > 0;) {
        if (word.data[i]-- != 0) {
            break;
        }
    }
    return word;
}

Result<Hash32> encode_int(std::string_view text, unsigned bits, bool is_signed) {
    const bool negative = is_signed && text.starts_with('-');
    MARGRAVE_TRY(Hash32 word, magnitude(negative ? text.substr(1) : text));
    const unsigned room = is_signed ? bits - 1 : bits;
    if (negative && !word.is_zero()) {
        word = minus_one(word);
        if (fits(word, room)) {
            for (std::uint8_t& byte : word.data) {
                byte = static_cast<std::uint8_t>(~byte);
            }
            return word;
        }
    } else if (fits(word, room)) {
        return word;
    }
    return bad(std::string(text.substr(0, 80)) + " does not fit " + std::to_string(bits) + " bits");
}

Result<Hash32> encode_text(std::string_view type, std::string_view text) {
    if (type == "string") {
        return keccak256(text);
    }
    if (type == "bytes") {
        MARGRAVE_TRY(const Bytes bytes, parse_hex(text));
        return keccak256(bytes);
    }
    if (type == "address") {
        MARGRAVE_TRY(const Address address, parse_address(text));
        return left_pad(address);
    }
    const bool is_signed = type.starts_with("int");
    if (is_signed || type.starts_with("uint")) {
        const unsigned bits = width_of(type, is_signed ? "int" : "uint", 256);
        if (bits == 0 || bits % 8 != 0) {
            return bad("unknown type " + std::string(type.substr(0, 40)));
        }
        return encode_int(text, bits, is_signed);
    }
    const unsigned size = type.starts_with("bytes") ? width_of(type, "bytes", 32) : 0;
    if (size == 0) {
        return bad("unknown type " + std::string(type.substr(0, 40)));
    }
    MARGRAVE_TRY(const Bytes bytes, parse_hex(text));
    if (bytes.size() != size) {
        return bad(
            std::to_string(bytes.size()) + " bytes where type " + std::string(type) + " stands"
        );
    }
    Hash32 word;
    std::copy(bytes.begin(), bytes.end(), word.data.begin());
    return word;
}

class Encoder {
  public:
    explicit Encoder(Types types)
        : types_(std::move(types)) {}

    Result<Bytes> encode_struct(std::string_view type, const Canonical& value) const {
        const auto at = types_.find(type);
        if (at == types_.end()) {
            return bad("type " + std::string(type.substr(0, 40)) + " is not declared");
        }
        const auto* object = std::get_if<Canonical::Object>(&value.value());
        if (object == nullptr) {
            return bad("the value of " + at->first + " is not an object");
        }
        if (object->size() != at->second.size()) {
            return bad(
                "the value of " + at->first + " has " + std::to_string(object->size()) +
                " members, its type has " + std::to_string(at->second.size())
            );
        }
        Bytes out;
        put_bytes(out, keccak256(encode_type(types_, type)).view());
        for (const Member& member : at->second) {
            MARGRAVE_TRY(const Canonical* field, detail::find(value, member.name, at->first));
            auto word = encode(member.type, *field);
            if (!word) {
                return fail(word.error().code, word.error().detail + " (in " + member.name + ")");
            }
            put_bytes(out, word.value().view());
        }
        return out;
    }

  private:
    Result<Hash32> encode(std::string_view type, const Canonical& value) const {
        if (type.ends_with(']')) {
            return encode_array(type, value);
        }
        if (types_.contains(type)) {
            MARGRAVE_TRY(const Bytes encoded, encode_struct(type, value));
            return keccak256(encoded);
        }
        if (type == "bool") {
            const auto* flag = std::get_if<bool>(&value.value());
            if (flag == nullptr) {
                return bad("a bool is neither true nor false");
            }
            Hash32 word;
            word.data[31] = *flag ? 1 : 0;
            return word;
        }
        const auto* text = std::get_if<std::string>(&value.value());
        if (text == nullptr) {
            return bad("the value of a " + std::string(type.substr(0, 40)) + " is not a text");
        }
        return encode_text(type, *text);
    }

    Result<Hash32> encode_array(std::string_view type, const Canonical& value) const {
        const std::size_t open = type.rfind('[');
        const auto* items = std::get_if<Canonical::Array>(&value.value());
        if (items == nullptr || open == std::string_view::npos) {
            return bad("the value of " + std::string(type.substr(0, 40)) + " is not an array");
        }
        const std::string_view bound = type.substr(open + 1, type.size() - open - 2);
        if (!bound.empty() && bound != std::to_string(items->size())) {
            return bad(
                std::to_string(items->size()) + " items where type " +
                std::string(type.substr(0, 40)) + " stands"
            );
        }
        Bytes words;
        for (const Canonical& item : *items) {
            MARGRAVE_TRY(const Hash32 word, encode(type.substr(0, open), item));
            put_bytes(words, word.view());
        }
        return keccak256(words);
    }

    Types types_;
};

}  // namespace

Result<TypedDataHash> hash_typed_data(const Canonical& typed) {
    constexpr std::string_view kDomainType = "EIP712Domain";
    MARGRAVE_TRY(Types types, read_types(typed));
    MARGRAVE_TRY(const Canonical* domain, detail::find(typed, "domain", "typed data"));
    MARGRAVE_TRY(const Canonical* message, detail::find(typed, "message", "typed data"));
    MARGRAVE_TRY(const auto primary, detail::find_text(typed, "primaryType", "typed data"));
    if (!types.contains(kDomainType)) {
        MARGRAVE_TRY(types[std::string(kDomainType)], domain_members(*domain));
    }
    const Encoder encoder(std::move(types));
    MARGRAVE_TRY(const Bytes domain_words, encoder.encode_struct(kDomainType, *domain));
    TypedDataHash out;
    MARGRAVE_TRY(out.encoded, encoder.encode_struct(primary, *message));
    out.domain = keccak256(domain_words);
    out.message = keccak256(out.encoded);
    Bytes preimage{0x19, 0x01};
    put_bytes(preimage, out.domain.view());
    put_bytes(preimage, out.message.view());
    out.digest = keccak256(preimage);
    return out;
}

Result<TypedDataHash> hash_typed_json(std::string_view json) {
    MARGRAVE_TRY(const Canonical typed, detail::read_json(json));
    return hash_typed_data(typed);
}

}  // namespace margrave::attest
