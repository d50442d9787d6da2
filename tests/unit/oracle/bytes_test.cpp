// SPDX-License-Identifier: Apache-2.0
#include "core/keccak.hpp"
#include "oracle/detail/judgement.hpp"
#include "oracle/oracle.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

// What a price set is signed with, byte by byte: guards, slow price and what is remembered. The
// constant holds for every compiler and optimisation level (scripts/bytes).
namespace margrave::oracle {
namespace {

constexpr unsigned kSets = 1'500;

Money usd(std::string_view decimal) {
    return Money::parse(decimal).value();
}

// In [0, most], the same with every compiler and library.
std::uint64_t draw(unsigned set, std::string_view what, std::uint64_t most) {
    const Hash32 hash = keccak256(std::string(what) + std::to_string(set));
    std::uint64_t out = 0;
    for (unsigned i = 0; i < 8; ++i) {
        out = out << 8U | hash.data[i];
    }
    return out % (most + 1);
}

AssetOracleSettings settings() {
    AssetOracleSettings out;
    out.name = "eth";
    out.assets = {AssetId::native(ChainId::evm(1)), AssetId::native(ChainId::evm(10))};
    for (const char* name : {"one", "two", "three"}) {
        SourceSettings source;
        source.name = name;
        source.made_by = name;
        out.sources.push_back(std::move(source));
    }
    out.max_age_s = 90;
    out.price_min = usd("200");
    out.price_max = usd("9000");
    out.min_sources = 2;
    out.max_spread = usd("0.02");
    out.max_unchanged_s = 900;
    out.slow = SlowSettings{
        .max_per_hour = usd("0.06"),
        .delay_hours = 4,
        .max_from_delayed = usd("0.2"),
        .soft = usd("0.05"),
        .hard = usd("3")};
    return out;
}

// Near `price`, sometimes late, off, unsure or not there at all.
Answer answer(unsigned set, const std::string& source, const Money& price, UnixSeconds now) {
    Answer out;
    out.source = source;
    out.origin = "eip155:1:" + source;
    out.round = std::to_string(set);
    if (draw(set, source + " silent", 19) == 0) {
        out.error = "timed out";
        return out;
    }
    const std::uint64_t part = 9'920 + draw(set, source + " part", 160);
    const Money factor = Money::from_e18(static_cast<std::int64_t>(part * 100'000'000'000'000U));
    out.price = mul(price, factor, Round::kDown).value();
    out.published_at = UnixSeconds{now.value - draw(set, source + " age", 95)};
    if (draw(set, source + " unsure", 3) == 0) {
        const std::uint64_t wide = draw(set, source + " confidence", 25) * 1'000'000'000'000'000U;
        const Money of = Money::from_e18(static_cast<std::int64_t>(wide));
        out.confidence = mul(*out.price, of, Round::kUp).value();
    }
    return out;
}

TEST(BytesOfPrices, JudgedSetsHashToOneConstant) {
    const AssetOracleSettings guards = settings();
    const std::vector<AssetOracleSettings> assets{guards};
    AssetMemory memory;
    Money price = usd("2000");
    UnixSeconds now{1'764'345'600};
    Hash32 running;
    unsigned usable = 0;
    unsigned bounded = 0;
    for (unsigned set = 0; set < kSets; ++set) {
        now.value += 5 + draw(set, "step", 200);
        const std::uint64_t move = draw(set, "jump", 99) == 0 ? 7'000 + draw(set, "far", 6'000)
                                                              : 9'900 + draw(set, "near", 200);
        const Money factor =
            Money::from_e18(static_cast<std::int64_t>(move * 100'000'000'000'000U));
        price = std::clamp(mul(price, factor, Round::kDown).value(), usd("150"), usd("9500"));
        std::vector<Answer> answers;
        for (const SourceSettings& source : guards.sources) {
            answers.push_back(answer(set, source.name, price, now));
        }
        const std::vector<detail::Judgement> judged{detail::judge(guards, answers, now, memory)};
        const Canonical document = detail::document(assets, {answers}, judged, now);
        running = keccak256(running, keccak256(document.dump()));
        memory = judged.front().memory;
        usable += judged.front().row.verdict == PriceVerdict::kUsable ? 1U : 0U;
        bounded += judged.front().use.initial == Use::kWorseOfBoth ? 1U : 0U;
    }
    // Every branch was walked, or the constant would say little.
    EXPECT_GT(usable, kSets / 4);
    EXPECT_LT(usable, kSets);
    EXPECT_GT(bounded, 20U);
    EXPECT_EQ(
        to_hex(running), "0xab12a73275a9cde6422add2462d715bb924ed05e4bfba88a321e38268fccd83a"
    );
}

}  // namespace
}  // namespace margrave::oracle
