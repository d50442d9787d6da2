// SPDX-License-Identifier: Apache-2.0
#include "attest/digest.hpp"

#include "attest/detail/fields.hpp"
#include "core/assert.hpp"
#include "core/words.hpp"

#include <string>
#include <string_view>

namespace margrave::attest {
namespace {

constexpr std::string_view kDomainName = "Margrave";
constexpr std::string_view kDomainVersion = "1";

// The words of one statement, in the order of its type string.
struct Words {
    WordWriter& out;

    void operator()(std::string_view, std::string_view, std::uint64_t v) { out.uint(v); }

    template <class Tag>
    void operator()(std::string_view, std::string_view, const Strong<Tag>& v) {
        out.uint(v.value);
    }

    void operator()(std::string_view, std::string_view, ReleaseKind v) {
        out.uint(static_cast<std::uint64_t>(v));
    }

    void operator()(std::string_view, std::string_view, const Hash32& v) { out.word(v); }

    void operator()(std::string_view, std::string_view, const AccountId& v) { out.word(v); }

    void operator()(std::string_view, std::string_view, const Address& v) { out.address(v); }

    void operator()(std::string_view, std::string_view, const Amount& v) { out.uint(v); }
};

// The same values as texts that wallets take: decimal strings and lower-case hex.
struct Texts {
    Canonical::Object& out;

    void put(std::string_view name, Canonical value) {
        out.emplace(std::string(name), std::move(value));
    }

    void operator()(std::string_view, std::string_view name, std::uint64_t v) {
        put(name, Canonical::integer(v));
    }

    template <class Tag>
    void operator()(std::string_view, std::string_view name, const Strong<Tag>& v) {
        put(name, Canonical::integer(v.value));
    }

    void operator()(std::string_view, std::string_view name, ReleaseKind v) {
        put(name, Canonical::integer(static_cast<std::uint64_t>(v)));
    }

    template <std::size_t N, class Tag>
    void operator()(std::string_view, std::string_view name, const FixedBytes<N, Tag>& v) {
        put(name, to_hex(v.view()));
    }

    void operator()(std::string_view, std::string_view name, const Amount& v) {
        put(name, v.to_string());
    }
};

template <class Statement>
std::string type_string() {
    using Row = detail::Fields<Statement>;
    std::string out = std::string(Row::kName) + "(";
    const Statement example;
    Row::visit(example, [&](std::string_view type, std::string_view name, const auto&) {
        if (out.back() != '(') {
            out += ',';
        }
        out += std::string(type) + " " + std::string(name);
    });
    return out + ")";
}

template <class Statement>
Hash32 hash_words(const Statement& s) {
    static const Hash32 type_hash = keccak256(type_string<Statement>());
    WordWriter words;
    words.word(type_hash);
    detail::Fields<Statement>::visit(s, Words{words});
    return words.hash();
}

Canonical member(std::string_view type, std::string_view name) {
    return Canonical::Object{{"name", std::string(name)}, {"type", std::string(type)}};
}

template <class Statement>
Canonical typed(const Hash32& network, const Statement& s) {
    using Row = detail::Fields<Statement>;
    Canonical::Array members;
    Row::visit(s, [&](std::string_view type, std::string_view name, const auto&) {
        members.push_back(member(type, name));
    });
    Canonical::Object message;
    Row::visit(s, Texts{message});
    const Canonical::Array domain_members{
        member("string", "name"), member("string", "version"), member("bytes32", "salt")};
    return Canonical::Object{
        {"domain",
         Canonical::Object{
             {"name", std::string(kDomainName)},
             {"version", std::string(kDomainVersion)},
             {"salt", to_hex(network)}}},
        {"types",
         Canonical::Object{
             {"EIP712Domain", domain_members}, {std::string(Row::kName), std::move(members)}}},
        {"primaryType", std::string(Row::kName)},
        {"message", std::move(message)}};
}

}  // namespace

Hash32 domain_separator(const Hash32& network) {
    static const Hash32 type_hash =
        keccak256("EIP712Domain(string name,string version,bytes32 salt)");
    return WordWriter{}
        .word(type_hash)
        .word(keccak256(kDomainName))
        .word(keccak256(kDomainVersion))
        .word(network)
        .hash();
}

Hash32 struct_hash(const Attestation& s) {
    return hash_words(s);
}

Hash32 struct_hash(const Release& s) {
    return hash_words(s);
}

Hash32 struct_hash(const Seizure& s) {
    return hash_words(s);
}

Hash32 struct_hash(const SignerSet& s) {
    return hash_words(s);
}

Hash32 struct_hash(const Link& s) {
    return hash_words(s);
}

Hash32 digest(const Hash32& network, const Hash32& struct_hash) {
    Bytes out;
    out.reserve(2 + 2 * Hash32::kSize);
    put_u16(out, 0x1901);
    put_bytes(out, domain_separator(network).view());
    put_bytes(out, struct_hash.view());
    return keccak256(out);
}

Canonical typed_data(const Hash32& network, const Attestation& s) {
    return typed(network, s);
}

Canonical typed_data(const Hash32& network, const Release& s) {
    return typed(network, s);
}

Canonical typed_data(const Hash32& network, const Seizure& s) {
    return typed(network, s);
}

Canonical typed_data(const Hash32& network, const SignerSet& s) {
    return typed(network, s);
}

Canonical typed_data(const Hash32& network, const Link& s) {
    return typed(network, s);
}

// Head has static members only, so abi.encode of the array is the offset of its tail, its length
// and the rows.
Hash32 snapshot_hash(const std::vector<Head>& heads) {
    constexpr std::uint64_t kTailOffset = 32;
    WordWriter words;
    words.uint(kTailOffset).uint(heads.size());
    const Hash32* previous = nullptr;
    for (const Head& head : heads) {
        MARGRAVE_ASSERT(previous == nullptr || *previous < head.chain.key());
        previous = &head.chain.key();
        words.word(head.chain.key())
            .uint(head.number.value)
            .word(head.hash)
            .uint(head.events)
            .word(head.accumulator);
    }
    return words.hash();
}

Hash32 signers_hash(const std::vector<Address>& signers) {
    constexpr std::uint64_t kTailOffset = 32;
    WordWriter words;
    words.uint(kTailOffset).uint(signers.size());
    const Address* previous = nullptr;
    for (const Address& signer : signers) {
        MARGRAVE_ASSERT(previous == nullptr || *previous < signer);
        previous = &signer;
        words.address(signer);
    }
    return words.hash();
}

}  // namespace margrave::attest
