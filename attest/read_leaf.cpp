// SPDX-License-Identifier: Apache-2.0
#include "attest/detail/canonical_reader.hpp"
#include "attest/detail/leaf_parts.hpp"
#include "attest/keys.hpp"
#include "attest/leaf.hpp"
#include "attest/note.hpp"
#include "attest/reconciliation.hpp"
#include "attest/tree.hpp"
#include "attest/typed_data.hpp"
#include "core/keccak.hpp"

#include <algorithm>
#include <string>

namespace margrave::attest {
namespace {

constexpr std::string_view kLeafWhere = "leaf";

Error wrong(const std::string& what) {
    return fail(Errc::kCheckFailed, "leaf: " + what);
}

Result<void> check_signatures(const Hash32& digest, const std::vector<SignerSignature>& all) {
    for (const SignerSignature& each : all) {
        auto signer = recover(digest, each.signature);
        if (!signer) {
            return wrong("signature of " + to_hex(each.signer) + ": " + signer.error().detail);
        }
        if (signer.value() != each.signer) {
            return wrong(
                "signature of " + to_hex(each.signer) + " is by " + to_hex(signer.value())
            );
        }
    }
    return ok();
}

// What every signed statement has: the digest is computed twice, by attest/digest.hpp from the
// parsed fields and by the generic encoder from the typed data as it stands.
template <class Statement>
Result<void> read_signed(
    const Hash32& network, const Canonical& typed, const Statement& s, Leaf& out
) {
    MARGRAVE_TRY(out.digest, detail::read_hash(out.body, "digest"));
    MARGRAVE_TRY(out.signatures, detail::read_signatures(out.body));
    MARGRAVE_TRY(const TypedDataHash generic, hash_typed_data(typed));
    if (generic.domain != domain_separator(network)) {
        return wrong("\"typedData\" is of another network: its domain salt is not this one's");
    }
    const Hash32 own = digest_of(network, s);
    if (own != generic.digest) {
        return wrong("two EIP-712 encoders disagree about the typed data; report this");
    }
    if (out.digest != own) {
        return wrong(
            "\"digest\" is " + to_hex(out.digest) + ", the typed data's is " + to_hex(own)
        );
    }
    return check_signatures(out.digest, out.signatures);
}

Result<Bytes> read_attestation(const Hash32& network, Leaf& out) {
    MARGRAVE_TRY(const Canonical* typed, detail::find(out.body, "typedData", kLeafWhere));
    MARGRAVE_TRY(const Attestation s, parse_attestation(*typed));
    MARGRAVE_TRY(read_signed(network, *typed, s, out));
    MARGRAVE_TRY(const auto heads, detail::read_heads(out.body));
    MARGRAVE_TRY(const auto prices, detail::read_prices(out.body));
    if (snapshot_hash(heads) != s.snapshot) {
        return wrong("the rows of \"snapshot\" do not hash to the statement's");
    }
    if (price_root(prices) != s.prices) {
        return wrong("the rows of \"prices\" do not hash to the statement's root");
    }
    return attestation_leaf(network, s, out.signatures, heads, prices);
}

Result<Bytes> read_release(const Hash32& network, Leaf& out) {
    MARGRAVE_TRY(const Canonical* typed, detail::find(out.body, "typedData", kLeafWhere));
    MARGRAVE_TRY(const Release s, parse_release(*typed));
    MARGRAVE_TRY(read_signed(network, *typed, s, out));
    MARGRAVE_TRY(const std::uint64_t request, detail::find_u64(out.body, "request", kLeafWhere));
    if (s.id != release_id(s.chain, s.vault, request)) {
        return wrong("the release id is not that of request " + std::to_string(request));
    }
    const auto& members = std::get<Canonical::Object>(out.body.value());
    const auto early = members.find("early");
    if (early == members.end()) {
        return release_leaf(network, s, out.signatures, request);
    }
    MARGRAVE_TRY(const auto uses, parse_early(early->second));
    return release_leaf(network, s, out.signatures, request, uses);
}

Result<Bytes> read_seizure(const Hash32& network, Leaf& out) {
    MARGRAVE_TRY(const Canonical* typed, detail::find(out.body, "typedData", kLeafWhere));
    MARGRAVE_TRY(const Seizure s, parse_seizure(*typed));
    MARGRAVE_TRY(read_signed(network, *typed, s, out));
    MARGRAVE_TRY(const std::uint64_t lock, detail::find_u64(out.body, "lock", kLeafWhere));
    MARGRAVE_TRY(const std::uint64_t leg, detail::find_u64(out.body, "leg", kLeafWhere));
    if (s.id != seizure_id(s.account, lock, leg)) {
        return wrong(
            "the seizure id is not that of lock " + std::to_string(lock) + ", leg " +
            std::to_string(leg)
        );
    }
    return seizure_leaf(network, s, out.signatures, lock, leg);
}

Result<Bytes> read_signer_set(const Hash32& network, Leaf& out) {
    MARGRAVE_TRY(const Canonical* typed, detail::find(out.body, "typedData", kLeafWhere));
    MARGRAVE_TRY(const SignerSet s, parse_signer_set(*typed));
    MARGRAVE_TRY(read_signed(network, *typed, s, out));
    MARGRAVE_TRY(const auto signers, detail::read_signers(out.body));
    if (s.signers != signers_hash(signers)) {
        return wrong("the addresses of \"signers\" do not hash to the statement's");
    }
    return signers_leaf(network, s, out.signatures, signers);
}

Result<Bytes> read_key(const Hash32& network, Leaf& out) {
    MARGRAVE_TRY(const std::string_view vkey, detail::find_text(out.body, "vkey", kLeafWhere));
    MARGRAVE_TRY(vkey_name(vkey));
    MARGRAVE_TRY(out.digest, detail::read_hash(out.body, "digest"));
    MARGRAVE_TRY(out.signatures, detail::read_signatures(out.body));
    if (out.digest != key_statement(network, vkey)) {
        return wrong("\"digest\" is not that of the vkey on this network");
    }
    if (out.signatures.size() != 1) {
        return wrong("a key leaf has one signature");
    }
    MARGRAVE_TRY(check_signatures(out.digest, out.signatures));
    return key_leaf(network, vkey, out.signatures.front());
}

Result<Bytes> read_genesis(const Hash32& network, Leaf& out) {
    MARGRAVE_TRY(const Canonical* genesis, detail::find(out.body, "genesis", kLeafWhere));
    if (const Hash32 hash = keccak256(genesis->dump()); hash != network) {
        return wrong("the genesis document hashes to " + to_hex(hash) + ", another network");
    }
    return genesis_leaf(*genesis);
}

Result<Bytes> read_parameters(Leaf& out) {
    MARGRAVE_TRY(const Canonical* parameters, detail::find(out.body, "parameters", kLeafWhere));
    MARGRAVE_TRY(const Hash32 hash, detail::read_hash(out.body, "hash"));
    MARGRAVE_TRY(const std::uint64_t from, detail::find_u64(out.body, "from", kLeafWhere));
    if (hash != keccak256(parameters->dump())) {
        return wrong("\"hash\" is not that of the parameter document");
    }
    return parameters_leaf(*parameters, RoundNum{from});
}

Result<Bytes> read_refusal(Leaf& out) {
    MARGRAVE_TRY(const ChainId chain, detail::read_chain(out.body));
    MARGRAVE_TRY(const Address vault, detail::read_address(out.body, "vault"));
    MARGRAVE_TRY(const std::uint64_t request, detail::find_u64(out.body, "request", kLeafWhere));
    MARGRAVE_TRY(const Hash32 account, detail::read_hash(out.body, "account"));
    MARGRAVE_TRY(const auto reason, detail::find_text(out.body, "reason", kLeafWhere));
    MARGRAVE_TRY(const std::uint64_t round, detail::find_u64(out.body, "round", kLeafWhere));
    return refusal_leaf(chain, vault, request, AccountId{account.data}, reason, RoundNum{round});
}

Result<Bytes> read_notice(Leaf& out) {
    MARGRAVE_TRY(const ChainId chain, detail::read_chain(out.body));
    MARGRAVE_TRY(const auto reason, detail::find_text(out.body, "reason", kLeafWhere));
    MARGRAVE_TRY(const Canonical* detail, detail::find(out.body, "detail", kLeafWhere));
    return notice_leaf(out.kind, chain, reason, *detail);
}

Result<Bytes> read_reconciliation(const Leaf& leaf) {
    MARGRAVE_TRY(const auto reading, parse_reconciliation(leaf.body));
    return reconciliation_leaf(reading);
}

// Such a leaf wants to be believed, so a reader that cannot check it must say so.
bool claims_signatures(const Canonical& body) {
    return detail::find(body, "typedData", kLeafWhere) ||
           detail::find(body, "signatures", kLeafWhere) || detail::find(body, "digest", kLeafWhere);
}

/// The leaf as its kind would be written now.
Result<Bytes> read_known(const Hash32& network, ByteView bytes, Leaf& out) {
    if (out.kind == "attestation") {
        return read_attestation(network, out);
    }
    if (out.kind == "release") {
        return read_release(network, out);
    }
    if (out.kind == "seizure") {
        return read_seizure(network, out);
    }
    if (out.kind == "signers") {
        return read_signer_set(network, out);
    }
    if (out.kind == "key") {
        return read_key(network, out);
    }
    if (out.kind == "genesis") {
        return read_genesis(network, out);
    }
    if (out.kind == "parameters") {
        return read_parameters(out);
    }
    if (out.kind == "refusal") {
        return read_refusal(out);
    }
    if (out.kind == "reconciliation") {
        return read_reconciliation(out);
    }
    if (is_notice(out.kind)) {
        return read_notice(out);
    }
    if (claims_signatures(out.body)) {
        return wrong("kind \"" + out.kind.substr(0, 40) + "\" is unknown but claims signatures");
    }
    return Bytes(bytes.begin(), bytes.end());
}

Result<Leaf> read(const Hash32& network, ByteView bytes) {
    Leaf out;
    MARGRAVE_TRY(out.body, parse_canonical(as_text(bytes)));
    MARGRAVE_TRY(const std::string_view kind, detail::find_text(out.body, "kind", kLeafWhere));
    out.kind = kind;
    MARGRAVE_TRY(
        const std::string_view version, detail::find_text(out.body, "apiVersion", kLeafWhere)
    );
    if (version != "1") {
        return wrong(
            "\"apiVersion\" is " + std::string(version.substr(0, 40)) + ", only 1 is known"
        );
    }
    MARGRAVE_TRY(const Bytes again, read_known(network, bytes, out));
    if (!std::ranges::equal(again, bytes)) {
        return wrong("it has a member or a spelling that kind \"" + out.kind + "\" has not");
    }
    return out;
}

}  // namespace

Result<Leaf> read_leaf(const Hash32& network, ByteView bytes) {
    auto out = read(network, bytes);
    if (!out && out.error().code != Errc::kCheckFailed) {
        return fail(Errc::kCheckFailed, out.error().detail);
    }
    return out;
}

}  // namespace margrave::attest
