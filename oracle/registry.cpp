// SPDX-License-Identifier: Apache-2.0
#include "oracle/source.hpp"

#include <algorithm>
#include <array>

namespace margrave::oracle {

std::span<const SourceKind* const> source_kinds() {
    static const std::array kKinds{
        &feed_kind(),
        &fixed_kind(),
        &pyth_kind(),
        &uniswap_v3_kind(),
        &erc4626_kind(),
        &rate_kind(),
        &event_kind(),
        &https_kind(),
        &signed_kind(),
    };
    return kKinds;
}

const SourceKind* find_kind(std::string_view name) {
    const auto kinds = source_kinds();
    const auto found =
        std::ranges::find(kinds, name, [](const SourceKind* kind) { return kind->name; });
    return found == kinds.end() ? nullptr : *found;
}

std::string maker_of(const SourceSettings& settings) {
    if (!settings.made_by.empty()) {
        return settings.made_by;
    }
    const auto made = make_source(settings, Reach{});
    return made ? made.value()->origin() : std::string{};
}

Result<std::unique_ptr<Source>> make_source(const SourceSettings& settings, const Reach& reach) {
    const SourceKind* kind = find_kind(settings.kind);
    if (kind == nullptr) {
        return fail(
            Errc::kConfig,
            "price source " + settings.name + ": there is no kind \"" + settings.kind + "\""
        );
    }
    return kind->make(settings, reach);
}

}  // namespace margrave::oracle
