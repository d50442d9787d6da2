// SPDX-License-Identifier: Apache-2.0
#include "relayer/audit.hpp"

#include "attest/keys.hpp"
#include "core/keccak.hpp"
#include "infra/files.hpp"
#include "relayer/detail/messages.hpp"

#include <algorithm>
#include <utility>

namespace margrave::relayer {

namespace {

constexpr std::size_t kBundleBytesMax = 256 * (2 + 65'535);

/// The first entries, before any signature is known: just enough to learn whose log this is.
Result<std::vector<Bytes>> first_entries(const std::filesystem::path& dir) {
    const std::filesystem::path full = dir / "tile" / "entries" / "000";
    std::filesystem::path found = full;
    std::error_code error;
    if (!std::filesystem::is_regular_file(full, error)) {
        const std::filesystem::path parts = dir / "tile" / "entries" / "000.p";
        std::uint64_t widest = 0;
        for (const auto& file : std::filesystem::directory_iterator(parts, error)) {
            auto width = Amount::parse(file.path().filename().string());
            if (!width) {
                continue;
            }
            auto number = width.value().to_u64();
            if (number && number.value() > widest) {
                widest = number.value();
            }
        }
        if (widest == 0) {
            return fail(
                Errc::kNotFound, "no log at " + dir.string() + ": tile/entries/000 is not there"
            );
        }
        found = parts / std::to_string(widest);
    }
    MARGRAVE_TRY(auto bytes, infra::read_file(found, kBundleBytesMax));
    ByteReader reader(as_bytes(bytes));
    std::vector<Bytes> entries;
    while (reader.left() != 0 && entries.size() < 2) {
        const auto length = reader.u16();
        const Result<ByteView> entry =
            length ? reader.bytes(length.value()) : Result<ByteView>(length.error());
        if (!entry) {
            return fail(
                Errc::kCorrupt,
                found.string() + " ends inside entry " + std::to_string(entries.size())
            );
        }
        entries.emplace_back(entry.value().begin(), entry.value().end());
    }
    if (entries.size() < 2) {
        return fail(
            Errc::kCheckFailed,
            "the log has no genesis and key entries: it holds " + std::to_string(entries.size()) +
                " entries"
        );
    }
    return entries;
}

Result<Canonical> leaf_of_kind(const Hash32& network, const Bytes& entry, std::string_view kind) {
    MARGRAVE_TRY(auto leaf, attest::read_leaf(network, entry));
    if (leaf.kind != kind) {
        return fail(
            Errc::kCheckFailed,
            "the log should open with a " + std::string(kind) + " entry, it has '" + leaf.kind + "'"
        );
    }
    return leaf.body;
}

Result<void> read_genesis(PublishedLog& out, const Canonical& body, const Hash32& network) {
    MARGRAVE_TRY(auto genesis, member(body, "genesis"));
    const Hash32 hash = keccak256(genesis.dump());
    if (hash != network) {
        return fail(
            Errc::kCheckFailed,
            "the log's genesis document hashes to " + to_hex(hash) + ", not to network " +
                to_hex(network)
        );
    }
    MARGRAVE_TRY(out.threshold, integer_member(genesis, "threshold"));
    MARGRAVE_TRY(auto signers, member(genesis, "signers"));
    const auto* rows = std::get_if<Canonical::Array>(&signers.value());
    if (rows == nullptr) {
        return fail(Errc::kCheckFailed, "the genesis document's signers are no array");
    }
    for (const Canonical& row : *rows) {
        const auto* text = std::get_if<std::string>(&row.value());
        if (text == nullptr) {
            return fail(Errc::kCheckFailed, "the genesis document has a signer that is no text");
        }
        MARGRAVE_TRY(auto signer, parse_address(*text));
        out.signers.push_back(signer);
    }
    return ok();
}

Result<std::string> read_key(const PublishedLog& log, const Hash32& network, const Bytes& entry) {
    MARGRAVE_TRY(auto leaf, attest::read_leaf(network, entry));
    if (leaf.kind != "key" || leaf.signatures.size() != 1) {
        return fail(
            Errc::kCheckFailed, "the log's second entry is no key entry with one signature"
        );
    }
    MARGRAVE_TRY(auto vkey, text_member(leaf.body, "vkey"));
    const SignerSignature& signature = leaf.signatures.front();
    MARGRAVE_TRY(
        auto signer, attest::recover(attest::key_statement(network, vkey), signature.signature)
    );
    if (signer != signature.signer ||
        std::find(log.signers.begin(), log.signers.end(), signer) == log.signers.end()) {
        return fail(
            Errc::kSignature,
            "the log's key is signed by " + to_hex(signer) + ", who is no signer of this network"
        );
    }
    return vkey;
}

}  // namespace

Result<PublishedLog> read_published(const std::filesystem::path& dir, const Hash32& network) {
    PublishedLog out;
    MARGRAVE_TRY(auto entries, first_entries(dir));
    MARGRAVE_TRY(auto genesis, leaf_of_kind(network, entries[0], "genesis"));
    MARGRAVE_TRY(read_genesis(out, genesis, network));
    MARGRAVE_TRY(out.vkey, read_key(out, network, entries[1]));
    MARGRAVE_TRY(out.log, attest::read_log(dir, out.vkey));
    return out;
}

std::string early_fault(const margin::Parameters& parameters, const attest::EarlyUse& use) {
    const std::string what = use.amount.to_string() + " raw units of " + use.asset.text();
    const margin::AssetOnChain* form = parameters.find_on(use.asset);
    if (form == nullptr || form->early.empty()) {
        return what + " count early, but it has no tiers in the parameters";
    }
    const std::uint64_t blocks = use.head.value - use.depth_block.value;
    const auto tier = std::ranges::find(form->early, blocks, &margin::EarlyTier::blocks);
    if (tier == form->early.end()) {
        return what + " count early by a tier of " + std::to_string(blocks) +
               " blocks, which the parameters have not";
    }
    if (tier->up_to < use.amount) {
        return what + " count early, the tier allows " + tier->up_to.to_string();
    }
    const auto sum = add(use.amount, use.others);
    if (!sum || form->early_total < sum.value()) {
        return what + " count early beside " + use.others.to_string() +
               " of others, more than the total of " + form->early_total.to_string();
    }
    return {};
}

namespace {

/// The account's collateral in a form as of a block, as the ledger has it.
Result<Amount> collateral_seen(
    const store::Ledger& ledger, const AccountId& account, const AssetId& asset, BlockNum block
) {
    MARGRAVE_TRY(const auto state, ledger.holdings(account, {{asset.chain(), block}}));
    const auto row = std::ranges::find(state.holdings, asset, &Holding::asset);
    return row == state.holdings.end() ? Amount{} : row->collateral;
}

std::string differs(std::string_view what, const Amount& said, const Amount& seen) {
    return "the collateral " + std::string(what) + " is " + seen.to_string() +
           " in the ledger, the release says " + said.to_string();
}

}  // namespace

EarlySeen early_seen(
    const store::Ledger& ledger, const AccountId& account, const attest::EarlyUse& use
) {
    const ChainId& chain = use.asset.chain();
    const std::string what = "early use of " + use.asset.text() + ": ";
    const auto is_there = [&](BlockNum number, const Hash32& hash) {
        const auto block = ledger.block_at(chain, number);
        return block && block->hash == hash;
    };
    const auto at_firm = collateral_seen(ledger, account, use.asset, use.firm_block);
    if (!ledger.block_at(chain, use.firm_block) || !at_firm) {
        return {.unable = what + "the ledger has not kept its firm block"};
    }
    if (!is_there(use.firm_block, use.firm_hash)) {
        return {.fault = what + "its firm block is not the one in the ledger"};
    }
    if (at_firm.value() != use.firm) {
        return {.fault = what + differs("at the firm block", use.firm, at_firm.value())};
    }
    if (!is_there(use.depth_block, use.depth_hash) || !is_there(use.head, use.head_hash)) {
        return {.unable = what + "a block above the firm one was orphaned or is not kept"};
    }
    const auto at_depth = collateral_seen(ledger, account, use.asset, use.depth_block);
    const auto at_head = collateral_seen(ledger, account, use.asset, use.head);
    if (!at_depth || !at_head) {
        return {.unable = what + "the ledger has not kept a state above the firm one"};
    }
    const Amount& ahead = min(at_depth.value(), at_head.value());
    return ahead == use.ahead ? EarlySeen{}
                              : EarlySeen{.fault = what + differs("ahead", use.ahead, ahead)};
}

void ParametersRead::named(std::optional<margin::Parameters> parameters) {
    before_ = std::exchange(last_, std::move(parameters));
    if (!last_ || !last_->change) {
        before_.reset();
    }
}

void ParametersRead::attested(UnixSeconds issued_at) {
    if (before_ && !(issued_at < last_->change->from)) {
        before_.reset();
    }
}

std::string ParametersRead::fault(const attest::EarlyUse& use) const {
    if (!last_) {
        return use.amount.to_string() + " raw units of " + use.asset.text() +
               " count early, which cannot be checked: the parameters before it are not readable";
    }
    if (before_ && early_fault(*before_, use).empty()) {
        return {};
    }
    return early_fault(*last_, use);
}

}  // namespace margrave::relayer
