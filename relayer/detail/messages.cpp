// SPDX-License-Identifier: Apache-2.0
#include "relayer/detail/messages.hpp"

#include "attest/digest.hpp"

#include <algorithm>
#include <limits>

namespace margrave::relayer {

namespace {

constexpr std::uint64_t kProofSlots = 16;

Error corrupt(std::string_view name, std::string_view what) {
    return fail(
        Errc::kCorrupt,
        "a stored statement's field '" + std::string(name) + "' " + std::string(what)
    );
}

Result<std::vector<Canonical>> array_member(const Canonical& value, std::string_view name) {
    MARGRAVE_TRY(auto found, member(value, name));
    const auto* items = std::get_if<Canonical::Array>(&found.value());
    if (items == nullptr) {
        return corrupt(name, "is no array");
    }
    return *items;
}

Result<Hash32> hash_member(const Canonical& value, std::string_view name) {
    MARGRAVE_TRY(auto text, text_member(value, name));
    return parse_hash32(text);
}

Result<Money> money_member(const Canonical& value, std::string_view name) {
    MARGRAVE_TRY(auto text, text_member(value, name));
    return Money::parse_e18(text);
}

Result<AccountId> account_member(const Canonical& value, std::string_view name) {
    MARGRAVE_TRY(auto text, text_member(value, name));
    return parse_account(text);
}

Result<ChainId> chain_member(const Canonical& value, std::string_view name) {
    MARGRAVE_TRY(auto text, text_member(value, name));
    return ChainId::parse(text);
}

Result<AssetId> asset_member(const Canonical& value, std::string_view name) {
    MARGRAVE_TRY(auto text, text_member(value, name));
    return AssetId::parse(text);
}

Result<Head> parse_head(const Canonical& row) {
    Head head;
    MARGRAVE_TRY(head.chain, chain_member(row, "chain"));
    MARGRAVE_TRY(auto number, integer_member(row, "number"));
    head.number = BlockNum{number};
    MARGRAVE_TRY(head.hash, hash_member(row, "hash"));
    MARGRAVE_TRY(head.events, integer_member(row, "events"));
    MARGRAVE_TRY(head.accumulator, hash_member(row, "accumulator"));
    return head;
}

Result<PriceRow> parse_price(const Canonical& row) {
    PriceRow price;
    MARGRAVE_TRY(price.asset, asset_member(row, "asset"));
    MARGRAVE_TRY(price.price, money_member(row, "price"));
    MARGRAVE_TRY(price.confidence, money_member(row, "confidence"));
    MARGRAVE_TRY(auto published, integer_member(row, "publishedAt"));
    price.published_at = UnixSeconds{published};
    MARGRAVE_TRY(auto verdict, integer_member(row, "verdict"));
    if (verdict > static_cast<std::uint64_t>(PriceVerdict::kMissing)) {
        return corrupt("verdict", "is no verdict");
    }
    price.verdict = static_cast<PriceVerdict>(verdict);
    MARGRAVE_TRY(price.sources, hash_member(row, "sources"));
    return price;
}

}  // namespace

Result<Canonical> member(const Canonical& value, std::string_view name) {
    const auto* object = std::get_if<Canonical::Object>(&value.value());
    if (object == nullptr) {
        return corrupt(name, "is asked of something that is no object");
    }
    const auto it = object->find(name);
    if (it == object->end()) {
        return corrupt(name, "is missing");
    }
    return it->second;
}

Result<std::string> text_member(const Canonical& value, std::string_view name) {
    MARGRAVE_TRY(auto found, member(value, name));
    const auto* text = std::get_if<std::string>(&found.value());
    if (text == nullptr) {
        return corrupt(name, "is no text");
    }
    return *text;
}

Result<std::uint64_t> integer_member(const Canonical& value, std::string_view name) {
    MARGRAVE_TRY(auto text, text_member(value, name));
    MARGRAVE_TRY(auto amount, Amount::parse(text));
    return amount.to_u64();
}

Canonical heads_json(const std::vector<Head>& heads) {
    Canonical::Array rows;
    for (const Head& head : heads) {
        rows.push_back(Canonical::Object{
            {"accumulator", to_hex(head.accumulator)},
            {"chain", head.chain.text()},
            {"events", Canonical::integer(head.events)},
            {"hash", to_hex(head.hash)},
            {"number", Canonical::integer(head.number.value)},
        });
    }
    return rows;
}

Result<std::vector<Head>> parse_heads(const Canonical& rows) {
    const auto* array = std::get_if<Canonical::Array>(&rows.value());
    if (array == nullptr) {
        return corrupt("heads", "is no array");
    }
    std::vector<Head> out;
    for (const Canonical& row : *array) {
        MARGRAVE_TRY(auto head, parse_head(row));
        out.push_back(std::move(head));
    }
    return out;
}

Canonical prices_json(const std::vector<PriceRow>& rows) {
    Canonical::Array out;
    for (const PriceRow& row : rows) {
        out.push_back(Canonical::Object{
            {"asset", row.asset.text()},
            {"confidence", row.confidence.to_string_e18()},
            {"price", row.price.to_string_e18()},
            {"publishedAt", Canonical::integer(row.published_at.value)},
            {"sources", to_hex(row.sources)},
            {"verdict", Canonical::integer(static_cast<std::uint64_t>(row.verdict))},
        });
    }
    return out;
}

Canonical round_message(const RoundDraft& draft) {
    Canonical::Object documents;
    for (const auto& [name, bytes] : draft.documents) {
        documents.emplace(name, std::string(as_text(bytes)));
    }
    return Canonical::Object{
        {"documents", std::move(documents)},
        {"heads", heads_json(draft.heads)},
        {"prices", prices_json(draft.prices)},
        // The network is part of the digest, not of the message: the salt here is only a form.
        {"typedData", attest::typed_data(Hash32{}, draft.attestation)},
    };
}

Result<RoundDraft> parse_round_message(const Canonical& message) {
    RoundDraft draft;
    MARGRAVE_TRY(auto typed, member(message, "typedData"));
    MARGRAVE_TRY(draft.attestation, attest::parse_attestation(typed));
    MARGRAVE_TRY(auto heads, member(message, "heads"));
    MARGRAVE_TRY(draft.heads, parse_heads(heads));
    MARGRAVE_TRY(auto prices, array_member(message, "prices"));
    for (const Canonical& row : prices) {
        MARGRAVE_TRY(auto price, parse_price(row));
        draft.prices.push_back(std::move(price));
    }
    MARGRAVE_TRY(auto documents, member(message, "documents"));
    const auto* object = std::get_if<Canonical::Object>(&documents.value());
    if (object == nullptr) {
        return corrupt("documents", "is no object");
    }
    for (const auto& [name, value] : *object) {
        const auto* text = std::get_if<std::string>(&value.value());
        if (text == nullptr) {
            return corrupt(name, "is no text");
        }
        draft.documents.emplace_back(name, to_bytes(*text));
    }
    return draft;
}

Canonical release_message(const ReleaseDraft& draft) {
    Canonical::Object out{
        {"asset", draft.hold.asset.text()},
        {"chain", draft.hold.chain.text()},
        {"request", Canonical::integer(draft.request)},
        {"typedData", attest::typed_data(Hash32{}, draft.release)},
    };
    if (!draft.early.empty()) {
        out.emplace("early", attest::canonical(draft.early));
    }
    return out;
}

Result<ReleaseDraft> parse_release_message(const Canonical& message) {
    ReleaseDraft draft;
    MARGRAVE_TRY(auto typed, member(message, "typedData"));
    MARGRAVE_TRY(draft.release, attest::parse_release(typed));
    MARGRAVE_TRY(draft.request, integer_member(message, "request"));
    MARGRAVE_TRY(draft.hold.chain, chain_member(message, "chain"));
    MARGRAVE_TRY(draft.hold.asset, asset_member(message, "asset"));
    const auto& members = std::get<Canonical::Object>(message.value());
    if (const auto early = members.find("early"); early != members.end()) {
        MARGRAVE_TRY(draft.early, attest::parse_early(early->second));
    }
    draft.hold.release_id = draft.release.id;
    draft.hold.kind = draft.release.kind;
    draft.hold.request = draft.request;
    draft.hold.account = draft.release.account;
    draft.hold.amount = draft.release.amount;
    draft.hold.deadline = draft.release.deadline;
    return draft;
}

Canonical seizure_message(const SeizureDraft& draft) {
    return Canonical::Object{
        {"asset", draft.leg.asset.text()},
        {"debtAsset", draft.leg.debt_asset.text()},
        {"leg", Canonical::integer(draft.leg.number)},
        {"lock", Canonical::integer(draft.leg.lock)},
        {"typedData", attest::typed_data(Hash32{}, draft.seizure)},
    };
}

Result<SeizureDraft> parse_seizure_message(const Canonical& message) {
    SeizureDraft draft;
    MARGRAVE_TRY(auto typed, member(message, "typedData"));
    MARGRAVE_TRY(draft.seizure, attest::parse_seizure(typed));
    MARGRAVE_TRY(draft.leg.asset, asset_member(message, "asset"));
    MARGRAVE_TRY(draft.leg.debt_asset, asset_member(message, "debtAsset"));
    MARGRAVE_TRY(draft.leg.lock, integer_member(message, "lock"));
    MARGRAVE_TRY(draft.leg.number, integer_member(message, "leg"));
    draft.leg.seizure_id = draft.seizure.id;
    draft.leg.account = draft.seizure.account;
    draft.leg.amount = draft.seizure.amount;
    draft.leg.min_proceeds = draft.seizure.min_proceeds;
    draft.leg.sale = draft.seizure.sale;
    draft.leg.deadline = draft.seizure.deadline;
    return draft;
}

Canonical signed_seizure(
    const SeizureDraft& draft, const std::vector<SignerSignature>& signatures
) {
    return Canonical::Object{
        {"message", seizure_message(draft)},
        {"signatures", to_hex(ByteView{join(signatures)})},
    };
}

Result<SignedSeizure> parse_signed_seizure(const Canonical& document) {
    MARGRAVE_TRY(auto message, member(document, "message"));
    MARGRAVE_TRY(auto draft, parse_seizure_message(message));
    MARGRAVE_TRY(auto text, text_member(document, "signatures"));
    MARGRAVE_TRY(auto signatures, parse_hex(text));
    return SignedSeizure{std::move(draft), std::move(signatures)};
}

std::string proof_document(const AccountId& account, RoundNum round) {
    return "proof/" + to_hex(account) + "/slot-" + std::to_string(round.value % kProofSlots);
}

Canonical proof_json(const StoredProof& stored) {
    const AccountState& state = stored.state;
    Canonical::Array path;
    for (const Hash32& node : stored.proof) {
        path.push_back(to_hex(node));
    }
    return Canonical::Object{
        {"account", to_hex(state.account)},
        {"detail", to_hex(state.detail)},
        {"equity", state.equity.to_string_e18()},
        {"flags", Canonical::integer(state.flags)},
        {"initial", state.initial.to_string_e18()},
        {"liquidationEnd", state.liquidation_end.to_string_e18()},
        {"maintenance", state.maintenance.to_string_e18()},
        {"proof", std::move(path)},
        {"round", Canonical::integer(stored.round.value)},
        {"status", Canonical::integer(static_cast<std::uint64_t>(state.status))},
    };
}

Result<StoredProof> parse_proof(const Canonical& document) {
    StoredProof out;
    AccountState& state = out.state;
    MARGRAVE_TRY(auto round, integer_member(document, "round"));
    out.round = RoundNum{round};
    MARGRAVE_TRY(state.account, account_member(document, "account"));
    MARGRAVE_TRY(state.detail, hash_member(document, "detail"));
    MARGRAVE_TRY(state.equity, money_member(document, "equity"));
    MARGRAVE_TRY(state.initial, money_member(document, "initial"));
    MARGRAVE_TRY(state.liquidation_end, money_member(document, "liquidationEnd"));
    MARGRAVE_TRY(state.maintenance, money_member(document, "maintenance"));
    MARGRAVE_TRY(auto bits, integer_member(document, "flags"));
    if (bits > std::numeric_limits<std::uint32_t>::max()) {
        return corrupt("flags", "has more than 32 bits");
    }
    state.flags = static_cast<std::uint32_t>(bits);
    MARGRAVE_TRY(auto status, integer_member(document, "status"));
    if (status > static_cast<std::uint64_t>(Status::kUnattestable)) {
        return corrupt("status", "is no status");
    }
    state.status = static_cast<Status>(status);
    MARGRAVE_TRY(auto path, array_member(document, "proof"));
    for (const Canonical& node : path) {
        const auto* text = std::get_if<std::string>(&node.value());
        if (text == nullptr) {
            return corrupt("proof", "has a node that is no text");
        }
        MARGRAVE_TRY(auto hash, parse_hash32(*text));
        out.proof.push_back(hash);
    }
    return out;
}

}  // namespace margrave::relayer
