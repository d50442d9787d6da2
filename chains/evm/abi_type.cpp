// SPDX-License-Identifier: Apache-2.0
#include "chains/evm/abi.hpp"
#include "core/keccak.hpp"

#include <algorithm>
#include <charconv>

namespace margrave::chains::evm::abi {
namespace {

constexpr std::size_t kTextMax = 4096;
constexpr std::size_t kDepthMax = 16;
constexpr std::size_t kWordsMax = 4096;

Error refused(std::string why) {
    return fail(Errc::kInvalid, "ABI type: " + std::move(why));
}

bool is_name_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '$';
}

// Recursive descent over one line of text; it owns nothing but its place in the text.
class Parser {
  public:
    explicit Parser(std::string_view text)
        : rest_(text) {}

    void skip_spaces() {
        while (!rest_.empty() && (rest_.front() == ' ' || rest_.front() == '\t')) {
            rest_.remove_prefix(1);
        }
    }

    bool take(char c) {
        skip_spaces();
        if (rest_.empty() || rest_.front() != c) {
            return false;
        }
        rest_.remove_prefix(1);
        return true;
    }

    std::string_view word() {
        skip_spaces();
        const auto end = std::ranges::find_if_not(rest_, is_name_char);
        const auto length = static_cast<std::size_t>(end - rest_.begin());
        const std::string_view out = rest_.substr(0, length);
        rest_.remove_prefix(length);
        return out;
    }

    Result<Type> type(std::size_t depth);
    Result<std::vector<Param>> params(std::size_t depth);

    [[nodiscard]] bool at_end() const { return rest_.empty(); }

  private:
    Result<Type> base(std::size_t depth);
    Result<Type> array_of(Type element);

    std::string_view rest_;
};

Result<unsigned> number(std::string_view digits, std::string_view type) {
    unsigned value = 0;
    const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (digits.empty() || digits.front() == '0' || code != std::errc{} ||
        end != digits.data() + digits.size()) {
        return refused("\"" + std::string(type) + "\" is not known");
    }
    return value;
}

Result<Type> integer(Kind kind, std::string_view digits, std::string_view name) {
    if (digits.empty()) {
        return Type{kind, 256, 0, {}, 1, false};
    }
    MARGRAVE_TRY(const unsigned bits, number(digits, name));
    if (bits > 256 || bits % 8 != 0) {
        return refused("\"" + std::string(name) + "\" has no whole number of bytes up to 32");
    }
    return Type{kind, bits, 0, {}, 1, false};
}

Result<Type> elementary(std::string_view name) {
    if (name == "address") {
        return Type{Kind::kAddress, 160, 0, {}, 1, false};
    }
    if (name == "bool") {
        return Type{Kind::kBool, 8, 0, {}, 1, false};
    }
    if (name == "string") {
        return Type{Kind::kString, 0, 0, {}, 1, true};
    }
    if (name == "bytes") {
        return Type{Kind::kBytes, 0, 0, {}, 1, true};
    }
    if (name.starts_with("uint")) {
        return integer(Kind::kUint, name.substr(4), name);
    }
    if (name.starts_with("int")) {
        return integer(Kind::kInt, name.substr(3), name);
    }
    if (name.starts_with("bytes")) {
        MARGRAVE_TRY(const unsigned size, number(name.substr(5), name));
        if (size > 32) {
            return refused("\"" + std::string(name) + "\" is longer than a word");
        }
        return Type{Kind::kFixedBytes, size, 0, {}, 1, false};
    }
    return refused("\"" + std::string(name.substr(0, 40)) + "\" is not known");
}

Result<Type> tuple_of(const std::vector<Param>& members) {
    Type out{Kind::kTuple, 0, 0, {}, 0, false};
    for (const Param& member : members) {
        out.dynamic = out.dynamic || member.type.dynamic;
        out.head_words += member.type.head_words;
        out.parts.push_back(member.type);
    }
    if (out.head_words > kWordsMax) {
        return fail(Errc::kLimit, "ABI type: a tuple has more words than allowed");
    }
    if (out.dynamic) {
        out.head_words = 1;
    }
    return out;
}

Result<Type> Parser::array_of(Type element) {
    const std::string_view digits = word();
    if (!take(']')) {
        return refused("an array has no closing bracket");
    }
    if (digits.empty()) {
        Type out{Kind::kArray, 0, 0, {}, 1, true};
        out.parts.push_back(std::move(element));
        return out;
    }
    MARGRAVE_TRY(const unsigned length, number(digits, "[" + std::string(digits) + "]"));
    if (length > kWordsMax / element.head_words) {
        return fail(Errc::kLimit, "ABI type: an array has more words than allowed");
    }
    const bool dynamic = element.dynamic;
    const std::size_t words = dynamic ? 1 : length * element.head_words;
    Type out{Kind::kFixedArray, 0, length, {}, words, dynamic};
    out.parts.push_back(std::move(element));
    return out;
}

Result<Type> Parser::base(std::size_t depth) {
    if (!take('(')) {
        const std::string_view name = word();
        if (name != "tuple") {
            return elementary(name);
        }
        if (!take('(')) {
            return refused("tuple has no members");
        }
    }
    MARGRAVE_TRY(const auto members, params(depth - 1));
    if (members.empty()) {
        return refused("a tuple is empty");
    }
    return tuple_of(members);
}

Result<Type> Parser::type(std::size_t depth) {
    if (depth == 0) {
        return fail(Errc::kLimit, "ABI type: nested deeper than allowed");
    }
    MARGRAVE_TRY(auto out, base(depth));
    while (take('[')) {
        if (--depth == 0) {
            return fail(Errc::kLimit, "ABI type: nested deeper than allowed");
        }
        MARGRAVE_TRY(auto array, array_of(std::move(out)));
        out = std::move(array);
    }
    return out;
}

// What follows an opening bracket, with its closing one.
Result<std::vector<Param>> Parser::params(std::size_t depth) {
    std::vector<Param> out;
    if (take(')')) {
        return out;
    }
    do {
        MARGRAVE_TRY(auto parsed, type(depth));
        Param param{std::move(parsed), {}, false};
        for (std::string_view next = word(); !next.empty(); next = word()) {
            const bool is_location =
                next == "memory" || next == "calldata" || next == "storage" || next == "payable";
            param.indexed = param.indexed || next == "indexed";
            if (!is_location && next != "indexed") {
                param.name = next;
            }
        }
        out.push_back(std::move(param));
    } while (take(','));
    if (!take(')')) {
        return refused("a list of parameters has no closing bracket");
    }
    return out;
}

}  // namespace

Result<Type> parse_type(std::string_view text) {
    if (text.size() > kTextMax) {
        return fail(Errc::kLimit, "ABI type: text is longer than allowed");
    }
    Parser parser(text);
    MARGRAVE_TRY(auto out, parser.type(kDepthMax));
    parser.skip_spaces();
    if (!parser.at_end()) {
        return refused("something follows \"" + canonical(out) + "\"");
    }
    return out;
}

std::string canonical(const Type& type) {
    switch (type.kind) {
        case Kind::kUint:
            return "uint" + std::to_string(type.size);
        case Kind::kInt:
            return "int" + std::to_string(type.size);
        case Kind::kAddress:
            return "address";
        case Kind::kBool:
            return "bool";
        case Kind::kFixedBytes:
            return "bytes" + std::to_string(type.size);
        case Kind::kBytes:
            return "bytes";
        case Kind::kString:
            return "string";
        case Kind::kArray:
            return canonical(type.parts[0]) + "[]";
        case Kind::kFixedArray:
            return canonical(type.parts[0]) + "[" + std::to_string(type.length) + "]";
        case Kind::kTuple:
            break;
    }
    std::string out = "(";
    for (const Type& part : type.parts) {
        out += (out.size() > 1 ? "," : "") + canonical(part);
    }
    return out + ")";
}

Result<Signature> parse_signature(std::string_view text) {
    if (text.size() > kTextMax) {
        return fail(Errc::kLimit, "ABI type: text is longer than allowed");
    }
    Parser parser(text);
    std::string_view name = parser.word();
    if (name == "function" || name == "event" || name == "error") {
        name = parser.word();
    }
    if (name.empty() || !parser.take('(')) {
        return refused("not a signature: \"" + std::string(text.substr(0, 40)) + "\"");
    }
    MARGRAVE_TRY(auto params, parser.params(kDepthMax));
    MARGRAVE_TRY(tuple_of(params));
    return Signature{std::string(name), std::move(params)};
}

std::string Signature::canonical() const {
    return name + abi::canonical(tuple());
}

std::array<std::uint8_t, 4> Signature::selector() const {
    const Hash32 hash = topic();
    return {hash.data[0], hash.data[1], hash.data[2], hash.data[3]};
}

Hash32 Signature::topic() const {
    return keccak256(std::string_view(canonical()));
}

Type Signature::tuple() const {
    Type out{Kind::kTuple, 0, 0, {}, 0, false};
    for (const Param& param : params) {
        out.dynamic = out.dynamic || param.type.dynamic;
        out.head_words += param.type.head_words;
        out.parts.push_back(param.type);
    }
    return out;
}

}  // namespace margrave::chains::evm::abi
