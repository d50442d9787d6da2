// SPDX-License-Identifier: Apache-2.0
#include "attest/early.hpp"

#include "attest/detail/canonical_reader.hpp"

#include <string>
#include <string_view>
#include <tuple>
#include <utility>

namespace margrave::attest {
namespace {

constexpr std::string_view kEarlyWhere = "early use";

Error wrong_use(const EarlyUse& use, const std::string& what) {
    return fail(Errc::kInvalid, "early use of " + use.asset.text() + ": " + what);
}

Result<Amount> find_amount(const Canonical& row, std::string_view name) {
    MARGRAVE_TRY(const std::string_view text, detail::find_text(row, name, kEarlyWhere));
    return Amount::parse(text);
}

Result<std::pair<BlockNum, Hash32>> find_block(const Canonical& row, const std::string& name) {
    MARGRAVE_TRY(const std::uint64_t number, detail::find_u64(row, name, kEarlyWhere));
    MARGRAVE_TRY(const std::string_view hash, detail::find_text(row, name + "Hash", kEarlyWhere));
    MARGRAVE_TRY(const Hash32 parsed, parse_hash32(hash));
    return std::pair(BlockNum{number}, parsed);
}

Result<EarlyUse> parse_use(const Canonical& row) {
    EarlyUse out;
    MARGRAVE_TRY(const std::string_view asset, detail::find_text(row, "asset", kEarlyWhere));
    MARGRAVE_TRY(out.asset, AssetId::parse(asset));
    MARGRAVE_TRY(out.amount, find_amount(row, "amount"));
    MARGRAVE_TRY(out.firm, find_amount(row, "firm"));
    MARGRAVE_TRY(out.ahead, find_amount(row, "ahead"));
    MARGRAVE_TRY(out.others, find_amount(row, "others"));
    MARGRAVE_TRY(const auto firm, find_block(row, "firmBlock"));
    std::tie(out.firm_block, out.firm_hash) = firm;
    MARGRAVE_TRY(const auto depth, find_block(row, "depthBlock"));
    std::tie(out.depth_block, out.depth_hash) = depth;
    MARGRAVE_TRY(const auto head, find_block(row, "headBlock"));
    std::tie(out.head, out.head_hash) = head;
    return out;
}

Result<void> check_use(const EarlyUse& use) {
    if (use.amount.is_zero()) {
        return wrong_use(use, "nothing counts");
    }
    if (sub_or_zero(use.ahead, use.firm) < use.amount) {
        return wrong_use(use, "more counts than is there above the firm balance");
    }
    if (!(use.firm_block < use.depth_block) || !(use.depth_block < use.head)) {
        return wrong_use(use, "its blocks do not ascend");
    }
    return ok();
}

}  // namespace

Canonical canonical(const std::vector<EarlyUse>& uses) {
    Canonical::Array rows;
    for (const EarlyUse& use : uses) {
        rows.push_back(Canonical::Object{
            {"ahead", use.ahead.to_string()},
            {"amount", use.amount.to_string()},
            {"asset", use.asset.text()},
            {"depthBlock", Canonical::integer(use.depth_block.value)},
            {"depthBlockHash", to_hex(use.depth_hash)},
            {"firm", use.firm.to_string()},
            {"firmBlock", Canonical::integer(use.firm_block.value)},
            {"firmBlockHash", to_hex(use.firm_hash)},
            {"headBlock", Canonical::integer(use.head.value)},
            {"headBlockHash", to_hex(use.head_hash)},
            {"others", use.others.to_string()},
        });
    }
    return Canonical(std::move(rows));
}

Result<std::vector<EarlyUse>> parse_early(const Canonical& rows) {
    const auto* items = std::get_if<Canonical::Array>(&rows.value());
    if (items == nullptr || items->empty()) {
        return fail(Errc::kInvalid, "early uses are no array, or an empty one");
    }
    std::vector<EarlyUse> out;
    for (const Canonical& item : *items) {
        MARGRAVE_TRY(EarlyUse use, parse_use(item));
        MARGRAVE_TRY(check_use(use));
        if (!out.empty() && !(out.back().asset < use.asset)) {
            return wrong_use(use, "it is not above the one before");
        }
        out.push_back(std::move(use));
    }
    return out;
}

}  // namespace margrave::attest
