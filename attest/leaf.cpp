// SPDX-License-Identifier: Apache-2.0
#include "attest/leaf.hpp"

#include "attest/tree.hpp"
#include "core/assert.hpp"
#include "core/words.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace margrave::attest {
namespace {

Bytes finish(std::string_view kind, Canonical::Object members) {
    members.emplace("kind", std::string(kind));
    members.emplace("apiVersion", "1");
    return to_bytes(Canonical(std::move(members)).dump());
}

Canonical signatures_json(const std::vector<SignerSignature>& signatures) {
    Canonical::Array out;
    for (const SignerSignature& each : signatures) {
        out.push_back(Canonical::Object{
            {"signer", to_hex(each.signer)}, {"signature", to_hex(ByteView(each.signature))}});
    }
    return out;
}

template <class Statement>
Bytes signed_leaf(
    std::string_view kind,
    const Hash32& network,
    const Statement& s,
    const std::vector<SignerSignature>& signatures,
    Canonical::Object members
) {
    members.emplace("typedData", typed_data(network, s));
    members.emplace("digest", to_hex(digest_of(network, s)));
    members.emplace("signatures", signatures_json(signatures));
    return finish(kind, std::move(members));
}

Canonical heads_json(const std::vector<Head>& heads) {
    Canonical::Array out;
    for (const Head& head : heads) {
        out.push_back(Canonical::Object{
            {"chain", head.chain.text()},
            {"number", Canonical::integer(head.number.value)},
            {"hash", to_hex(head.hash)},
            {"events", Canonical::integer(head.events)},
            {"accumulator", to_hex(head.accumulator)}});
    }
    return out;
}

Canonical prices_json(const std::vector<PriceRow>& prices) {
    Canonical::Array out;
    for (const PriceRow& row : prices) {
        out.push_back(Canonical::Object{
            {"asset", row.asset.text()},
            {"price", row.price.to_string_e18()},
            {"confidence", row.confidence.to_string_e18()},
            {"publishedAt", Canonical::integer(row.published_at.value)},
            {"verdict", Canonical::integer(static_cast<std::uint64_t>(row.verdict))},
            {"sources", to_hex(row.sources)}});
    }
    return out;
}

}  // namespace

Bytes attestation_leaf(
    const Hash32& network,
    const Attestation& s,
    const std::vector<SignerSignature>& signatures,
    const std::vector<Head>& heads,
    const std::vector<PriceRow>& prices
) {
    MARGRAVE_ASSERT(s.snapshot == snapshot_hash(heads));
    MARGRAVE_ASSERT(s.prices == price_root(prices));
    return signed_leaf(
        "attestation",
        network,
        s,
        signatures,
        {{"snapshot", heads_json(heads)}, {"prices", prices_json(prices)}}
    );
}

Bytes release_leaf(
    const Hash32& network,
    const Release& s,
    const std::vector<SignerSignature>& signatures,
    std::uint64_t request,
    const std::vector<EarlyUse>& early
) {
    Canonical::Object members{{"request", Canonical::integer(request)}};
    if (!early.empty()) {
        members.emplace("early", canonical(early));
    }
    return signed_leaf("release", network, s, signatures, std::move(members));
}

Bytes seizure_leaf(
    const Hash32& network,
    const Seizure& s,
    const std::vector<SignerSignature>& signatures,
    std::uint64_t lock,
    std::uint64_t leg
) {
    return signed_leaf(
        "seizure",
        network,
        s,
        signatures,
        {{"lock", Canonical::integer(lock)}, {"leg", Canonical::integer(leg)}}
    );
}

Bytes signers_leaf(
    const Hash32& network,
    const SignerSet& s,
    const std::vector<SignerSignature>& signatures,
    const std::vector<Address>& signers
) {
    MARGRAVE_ASSERT(s.signers == signers_hash(signers));
    Canonical::Array list;
    for (const Address& signer : signers) {
        list.push_back(to_hex(signer));
    }
    return signed_leaf("signers", network, s, signatures, {{"signers", std::move(list)}});
}

Bytes refusal_leaf(
    const ChainId& chain,
    const Address& vault,
    std::uint64_t request,
    const AccountId& account,
    std::string_view reason,
    RoundNum round
) {
    return finish(
        "refusal",
        {{"chain", chain.text()},
         {"vault", to_hex(vault)},
         {"request", Canonical::integer(request)},
         {"account", to_hex(account)},
         {"reason", std::string(reason)},
         {"round", Canonical::integer(round.value)}}
    );
}

Bytes parameters_leaf(const Canonical& parameters, RoundNum from) {
    return finish(
        "parameters",
        {{"parameters", parameters},
         {"hash", to_hex(keccak256(parameters.dump()))},
         {"from", Canonical::integer(from.value)}}
    );
}

Bytes genesis_leaf(const Canonical& genesis) {
    return finish("genesis", {{"genesis", genesis}});
}

Hash32 key_statement(const Hash32& network, std::string_view vkey) {
    constexpr std::uint64_t kTailOffset = 3 * 32;
    return WordWriter{}
        .uint(kTailOffset)
        .word(network)
        .word(keccak256(vkey))
        .tail(as_bytes("margrave log key v1"))
        .hash();
}

Bytes key_leaf(const Hash32& network, std::string_view vkey, const SignerSignature& signature) {
    return finish(
        "key",
        {{"vkey", std::string(vkey)},
         {"digest", to_hex(key_statement(network, vkey))},
         {"signatures", signatures_json({signature})}}
    );
}

bool is_notice(std::string_view kind) {
    constexpr std::array<std::string_view, 5> kKinds{
        "retraction", "halt", "resume", "reconciliation", "equivocation"};
    return std::ranges::find(kKinds, kind) != kKinds.end();
}

Bytes notice_leaf(
    std::string_view kind, const ChainId& chain, std::string_view reason, const Canonical& detail
) {
    MARGRAVE_ASSERT(is_notice(kind));
    return finish(
        kind, {{"chain", chain.text()}, {"reason", std::string(reason)}, {"detail", detail}}
    );
}

}  // namespace margrave::attest
