// SPDX-License-Identifier: Apache-2.0
#include "relayer/orders.hpp"

#include "attest/digest.hpp"
#include "attest/keys.hpp"
#include "attest/typed_data.hpp"
#include "core/keccak.hpp"
#include "infra/strict_json.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <map>
#include <utility>

namespace margrave::relayer {
namespace {

using nlohmann::json;

constexpr std::string_view kOrderType =
    "Order(bytes32 account,bytes32 watched,bool below,int256 trigger,bytes32 sell,uint256 amount,"
    "bytes32 proceeds,uint64 validFrom,uint64 expiry,uint64 nonce)";
constexpr std::string_view kCancelType = "OrderCancel(bytes32 account,uint64 nonce)";

Canonical field(std::string name, std::string type) {
    return Canonical::Object{{"name", std::move(name)}, {"type", std::move(type)}};
}

// "Name(type a,type b)" as the list of fields that JSON wallets take.
Canonical fields_of(std::string_view type) {
    Canonical::Array out;
    std::string_view list = type.substr(type.find('(') + 1);
    list.remove_suffix(1);
    while (!list.empty()) {
        const std::size_t comma = list.find(',');
        const std::string_view one = list.substr(0, comma);
        const std::size_t gap = one.find(' ');
        out.push_back(field(std::string(one.substr(gap + 1)), std::string(one.substr(0, gap))));
        list = comma == std::string_view::npos ? std::string_view{} : list.substr(comma + 1);
    }
    return out;
}

Canonical typed(const Hash32& network, std::string_view type, Canonical::Object message) {
    const std::string name(type.substr(0, type.find('(')));
    Canonical::Array domain_fields{
        field("name", "string"), field("version", "string"), field("salt", "bytes32")};
    Canonical::Object types;
    types.emplace("EIP712Domain", std::move(domain_fields));
    types.emplace(name, fields_of(type));
    Canonical::Object domain;
    domain.emplace("name", "Margrave");
    domain.emplace("salt", to_hex(network));
    domain.emplace("version", "1");
    Canonical::Object out;
    out.emplace("domain", std::move(domain));
    out.emplace("message", std::move(message));
    out.emplace("primaryType", name);
    out.emplace("types", std::move(types));
    return out;
}

Error malformed(const std::string& what) {
    return fail(Errc::kInvalid, "signed order: " + what);
}

// Reads members of one JSON object; the first trouble is kept.
class Members {
  public:
    explicit Members(const json& object)
        : object_(object) {}

    std::string text(const char* name) {
        const auto found = object_.find(name);
        if (found == object_.end() || !found->is_string()) {
            refuse(name, "is missing or not a string");
            return {};
        }
        return found->get<std::string>();
    }

    bool flag(const char* name) {
        const auto found = object_.find(name);
        if (found == object_.end() || !found->is_boolean()) {
            refuse(name, "is missing or not a bool");
            return false;
        }
        return found->get<bool>();
    }

    template <class T>
    T take(const char* name, Result<T> value) {
        if (!value) {
            refuse(name, value.error().detail);
            return T{};
        }
        return std::move(value).value();
    }

    Hash32 hash(const char* name) { return take(name, parse_hash32(text(name))); }

    Amount amount(const char* name) { return take(name, Amount::parse(text(name))); }

    std::uint64_t integer(const char* name) { return take(name, amount(name).to_u64()); }

    [[nodiscard]] const std::optional<Error>& trouble() const { return trouble_; }

  private:
    void refuse(const char* name, const std::string& what) {
        if (!trouble_) {
            trouble_ = malformed(std::string(name) + " " + what);
        }
    }

    const json& object_;
    std::optional<Error> trouble_;
};

struct SignedParts {
    json message;
    json envelope;
    AccountId account;
    Hash32 digest;
};

Result<attest::TypedDataHash> hash_in_domain(
    const Hash32& network, std::string_view type, const json& typed_data
) {
    MARGRAVE_TRY(auto hash, attest::hash_typed_json(typed_data.dump()));
    if (hash.domain != attest::domain_separator(network)) {
        return malformed("its domain is not that of this network");
    }
    const Hash32 type_hash = keccak256(as_bytes(type));
    const bool is_ours =
        hash.encoded.size() >= 32 &&
        std::equal(type_hash.data.begin(), type_hash.data.end(), hash.encoded.begin());
    if (!is_ours) {
        return malformed("its primary type is not " + std::string(type));
    }
    return hash;
}

// What every signed file has: typed data of that type in our domain, signed by the account's owner.
Result<SignedParts> check_signed(
    const Hash32& network, std::string_view type, std::string_view text
) {
    MARGRAVE_TRY(auto document, infra::parse_strict(text));
    if (!document.is_object() || !document.contains("typedData") ||
        !document.at("typedData").is_object() || !document.at("typedData").contains("message") ||
        !document.at("typedData").at("message").is_object()) {
        return malformed("it has no typedData with a message");
    }
    SignedParts out;
    MARGRAVE_TRY(const auto hash, hash_in_domain(network, type, document.at("typedData")));
    out.digest = hash.digest;
    out.message = document.at("typedData").at("message");
    Members envelope(document);
    const Bytes bytes = envelope.take("signature", parse_hex(envelope.text("signature")));
    const std::uint64_t sub = document.contains("sub") ? envelope.integer("sub") : 0;
    Members message(out.message);
    out.account.data = message.hash("account").data;
    for (const auto* part : {&envelope, &message}) {
        if (part->trouble()) {
            return *part->trouble();
        }
    }
    Signature signature{};
    if (bytes.size() != signature.size()) {
        return malformed("signature is not of 65 bytes");
    }
    std::ranges::copy(bytes, signature.begin());
    MARGRAVE_TRY(const auto signer, attest::recover(hash.digest, signature));
    if (sub_account_of(signer, sub) != out.account) {
        return fail(
            Errc::kSignature,
            "signed order: " + to_checksum(signer) + " signed it, which does not own account " +
                to_hex(out.account) + " as its number " + std::to_string(sub)
        );
    }
    out.envelope = std::move(document);
    return out;
}

Result<std::map<Hash32, AssetId>> named_assets(const json& envelope) {
    std::map<Hash32, AssetId> out;
    const auto list = envelope.find("assets");
    if (list == envelope.end() || !list->is_array()) {
        return malformed("assets is missing or not a list of CAIP-19 ids");
    }
    for (const json& item : *list) {
        if (!item.is_string()) {
            return malformed("assets holds something that is no CAIP-19 id");
        }
        MARGRAVE_TRY(auto asset, AssetId::parse(item.get<std::string>()));
        out.emplace(asset.key(), asset);
    }
    return out;
}

Result<AssetId> asset_named(const std::map<Hash32, AssetId>& assets, const Hash32& key) {
    const auto found = assets.find(key);
    if (found == assets.end()) {
        return malformed("assets has no id whose key is " + to_hex(key));
    }
    return found->second;
}

Result<void> check_sense(const margin::PriceOrder& order) {
    if (order.trigger.sign() <= 0) {
        return malformed("trigger is not above zero");
    }
    if (order.amount.is_zero()) {
        return malformed("amount is zero");
    }
    if (order.expiry < order.valid_from) {
        return malformed("expiry lies before validFrom");
    }
    if (order.sell.chain() != order.proceeds.chain() || order.sell == order.proceeds) {
        return malformed("sell and proceeds are not two tokens of one chain");
    }
    return ok();
}

}  // namespace

Canonical order_typed_data(const Hash32& network, const margin::PriceOrder& order) {
    Canonical::Object message;
    message.emplace("account", to_hex(order.account));
    message.emplace("amount", order.amount.to_string());
    message.emplace("below", order.below);
    message.emplace("expiry", Canonical::integer(order.expiry.value));
    message.emplace("nonce", Canonical::integer(order.nonce));
    message.emplace("proceeds", to_hex(order.proceeds.key()));
    message.emplace("sell", to_hex(order.sell.key()));
    message.emplace("trigger", order.trigger.to_string_e18());
    message.emplace("validFrom", Canonical::integer(order.valid_from.value));
    message.emplace("watched", to_hex(order.watched.key()));
    return typed(network, kOrderType, std::move(message));
}

Canonical cancel_typed_data(const Hash32& network, const AccountId& account, std::uint64_t nonce) {
    Canonical::Object message;
    message.emplace("account", to_hex(account));
    message.emplace("nonce", Canonical::integer(nonce));
    return typed(network, kCancelType, std::move(message));
}

Result<SignedOrder> read_order(const Hash32& network, std::string_view text) {
    MARGRAVE_TRY(const auto checked, check_signed(network, kOrderType, text));
    MARGRAVE_TRY(const auto assets, named_assets(checked.envelope));
    SignedOrder out;
    out.digest = checked.digest;
    out.signed_text = std::string(text);
    Members in(checked.message);
    out.order.account = checked.account;
    out.order.below = in.flag("below");
    out.order.trigger = in.take("trigger", Money::parse_e18(in.text("trigger")));
    out.order.amount = in.amount("amount");
    out.order.valid_from = UnixSeconds{in.integer("validFrom")};
    out.order.expiry = UnixSeconds{in.integer("expiry")};
    out.order.nonce = in.integer("nonce");
    const Hash32 watched = in.hash("watched");
    const Hash32 sell = in.hash("sell");
    const Hash32 proceeds = in.hash("proceeds");
    if (in.trouble()) {
        return *in.trouble();
    }
    MARGRAVE_TRY(out.order.watched, asset_named(assets, watched));
    MARGRAVE_TRY(out.order.sell, asset_named(assets, sell));
    MARGRAVE_TRY(out.order.proceeds, asset_named(assets, proceeds));
    MARGRAVE_TRY(check_sense(out.order));
    return out;
}

Result<SignedCancel> read_cancel(const Hash32& network, std::string_view text) {
    MARGRAVE_TRY(const auto checked, check_signed(network, kCancelType, text));
    Members in(checked.message);
    SignedCancel out{{checked.account, in.integer("nonce")}, checked.envelope.dump()};
    if (in.trouble()) {
        return *in.trouble();
    }
    return out;
}

}  // namespace margrave::relayer
