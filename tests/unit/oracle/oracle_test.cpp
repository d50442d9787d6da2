// SPDX-License-Identifier: Apache-2.0
#include "oracle/oracle.hpp"

#include "core/keccak.hpp"
#include "core/words.hpp"
#include "infra/task_group.hpp"
#include "oracle/sources/feed.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <utility>

namespace margrave::oracle {
namespace {

constexpr UnixSeconds kNow{1'000'000};

template <class T>
T run(Task<T> task) {
    boost::asio::io_context io;
    std::optional<T> out;
    Task<void> stored = infra::detail::store_in_slot<T>(std::move(task), &out);
    boost::asio::co_spawn(io, std::move(stored), [](const std::exception_ptr& error) {
        if (error) {
            std::rethrow_exception(error);
        }
    });
    io.run();
    return std::move(*out);
}

Task<Result<Bytes>> answer_with(Result<Bytes> result) {
    co_return result;
}

Address address(std::uint8_t last) {
    Address out;
    out.data[19] = last;
    return out;
}

Hash32 block(std::uint8_t last) {
    Hash32 out;
    out.data[31] = last;
    return out;
}

ChainId one() {
    return ChainId::evm(1);
}

/// What aggregators on chain 1 answer, by address; a feed that is not named is an error of the
/// node.
class FakeFeeds {
  public:
    struct Feed {
        Bytes decimals{WordWriter().uint(8).bytes()};
        Bytes round;
        /// Absent: the call fails.
        std::optional<Address> aggregator{};
        std::int64_t least_e8{0};
        std::int64_t most_e8{0};
        /// The node fails at its bounds and does not say why.
        bool is_unexplained{false};
    };

    struct Asked {
        ChainId chain;
        Address to;
        Bytes data;
        Hash32 block;
    };

    void set(std::uint8_t feed, std::int64_t price_e8, std::uint64_t updated_at) {
        feeds[address(feed)].round = WordWriter()
                                         .uint(7)
                                         .money(Money::from_e18(price_e8))
                                         .uint(updated_at)
                                         .uint(updated_at)
                                         .uint(7)
                                         .bytes();
    }

    static Result<Bytes> answer_of(const Feed& feed, const Bytes& data) {
        if (data == feed::decimals_call()) {
            return feed.decimals;
        }
        if (data == feed::latest_round_call()) {
            return feed.round;
        }
        if (feed.is_unexplained) {
            return fail(Errc::kRpc, "internal error");
        }
        if (data == feed::min_answer_call()) {
            return WordWriter().money(Money::from_e18(feed.least_e8)).bytes();
        }
        if (data == feed::max_answer_call()) {
            return WordWriter().money(Money::from_e18(feed.most_e8)).bytes();
        }
        if (data == feed::aggregator_call() && feed.aggregator) {
            return WordWriter().address(*feed.aggregator).bytes();
        }
        return fail(Errc::kReverted, "execution reverted");
    }

    CallAt call_at() {
        return [this](ChainId chain, Address to, Bytes data, Hash32 at) {
            asked.push_back({.chain = chain, .to = to, .data = data, .block = at});
            const auto found = feeds.find(to);
            if (found == feeds.end()) {
                return answer_with(fail(Errc::kReverted, "execution reverted"));
            }
            return answer_with(answer_of(found->second, data));
        };
    }

    std::map<Address, Feed> feeds;
    std::vector<Asked> asked;
};

AssetOracleSettings asset(std::string name, std::vector<AssetId> forms) {
    AssetOracleSettings out;
    out.name = std::move(name);
    out.assets = std::move(forms);
    out.max_age_s = 60;
    out.price_min = Money::parse("0.01").value();
    out.price_max = Money::whole(1'000'000);
    out.max_spread = Money::parse("0.01").value();
    return out;
}

SourceSettings feed_source(std::string name, std::uint8_t feed) {
    return oracle::feed_source(std::move(name), one(), address(feed));
}

std::map<ChainId, BlockRef> heads() {
    return {{one(), BlockRef{BlockNum{9}, block(9), block(8), UnixSeconds{kNow.value - 12}}}};
}

AssetId eth(std::uint64_t chain) {
    return AssetId::native(ChainId::evm(chain));
}

const PriceRow& row_of(const PriceSet& set, const AssetId& asset) {
    return *std::ranges::find(set.rows, asset, &PriceRow::asset);
}

class OracleTest : public ::testing::Test {
  protected:
    OracleTest() {
        AssetOracleSettings ether = asset("eth", {eth(1), eth(10)});
        ether.sources = {feed_source("a", 1), feed_source("b", 2)};
        AssetOracleSettings dollar = asset("usd", {AssetId::erc20(one(), address(0x55))});
        dollar.sources = {fixed_source("peg", Money::whole(1))};
        settings = {ether, dollar};
        feeds.set(1, 200'000'000'000, kNow.value - 10);
        feeds.set(2, 200'100'000'000, kNow.value - 20);
    }

    PriceSet read() {
        Oracle oracle(settings, feeds.call_at());
        return run(oracle.read(heads(), kNow));
    }

    std::vector<AssetOracleSettings> settings;
    FakeFeeds feeds;
};

TEST_F(OracleTest, EveryFormGetsARowAscendingByKey) {
    const PriceSet set = read();
    ASSERT_EQ(set.rows.size(), 3U);
    EXPECT_TRUE(std::ranges::is_sorted(set.rows, {}, [](const PriceRow& r) {
        return r.asset.key();
    }));
    EXPECT_EQ(row_of(set, eth(1)).price, Money::whole(2'000));
    EXPECT_EQ(row_of(set, eth(10)).price, Money::whole(2'000));
    EXPECT_EQ(row_of(set, eth(10)).confidence, Money::parse("0.5").value());
    EXPECT_EQ(row_of(set, eth(10)).published_at, UnixSeconds{kNow.value - 20});
    EXPECT_EQ(row_of(set, eth(1)).sources, row_of(set, eth(10)).sources);
}

TEST_F(OracleTest, AFixedPriceIsPublishedNow) {
    const PriceSet set = read();
    const PriceRow& row = row_of(set, settings[1].assets[0]);
    EXPECT_EQ(row.price, Money::whole(1));
    EXPECT_EQ(row.published_at, kNow);
    EXPECT_EQ(row.verdict, PriceVerdict::kUsable);
}

TEST_F(OracleTest, ReadsAtTheBlockHashItWasGivenAndDecimalsOnce) {
    Oracle oracle(settings, feeds.call_at());
    run(oracle.read(heads(), kNow));
    run(oracle.read(heads(), kNow));
    // Decimals and whether there is an aggregator with bounds: once each.
    EXPECT_EQ(feeds.asked.size(), 8U);
    EXPECT_EQ(std::ranges::count(feeds.asked, feed::decimals_call(), &FakeFeeds::Asked::data), 2);
    for (const FakeFeeds::Asked& call : feeds.asked) {
        EXPECT_EQ(call.block, block(9));
        EXPECT_EQ(call.chain, one());
    }
}

TEST_F(OracleTest, OneStaleSourceIsLeftOutAndTwoMakeTheRowStale) {
    feeds.set(1, 200'000'000'000, kNow.value - 61);
    EXPECT_EQ(row_of(read(), eth(1)).price, Money::whole(2'001));
    feeds.set(2, 200'100'000'000, kNow.value - 61);
    const PriceSet set = read();
    EXPECT_EQ(row_of(set, eth(1)).verdict, PriceVerdict::kStale);
    EXPECT_EQ(row_of(set, eth(1)).price, Money::whole(2'000));
    EXPECT_EQ(row_of(set, settings[1].assets[0]).verdict, PriceVerdict::kUsable);
}

TEST_F(OracleTest, AFeedThatFailsIsAnAnswerWithoutPrice) {
    feeds.feeds.erase(address(1));
    feeds.feeds[address(2)].round = {};
    const PriceSet set = read();
    EXPECT_EQ(row_of(set, eth(1)).verdict, PriceVerdict::kMissing);
    const std::string text = set.document.dump();
    EXPECT_NE(text.find("execution reverted"), std::string::npos);
    EXPECT_NE(text.find("returned 0 bytes instead of 160"), std::string::npos);
}

TEST_F(OracleTest, AChainWithoutABlockIsAnAnswerWithoutPrice) {
    Oracle oracle(settings, feeds.call_at());
    const PriceSet set = run(oracle.read({}, kNow));
    EXPECT_EQ(row_of(set, eth(1)).verdict, PriceVerdict::kMissing);
    EXPECT_NE(set.document.dump().find("no block of eip155:1 to read at"), std::string::npos);
    EXPECT_TRUE(feeds.asked.empty());
}

TEST_F(OracleTest, WhatIsQuotedInSomethingElseIsMadeDollarsByItsPrice) {
    // First of all by name, and read before what it is quoted in.
    AssetOracleSettings staked = asset("cbeth", {AssetId::erc20(one(), address(0x77))});
    SourceSettings rate = feed_source("rate", 3);
    rate.quote = "eth";
    staked.sources = {rate};
    settings.insert(settings.begin(), staked);
    feeds.set(3, 112'000'000, kNow.value - 5);
    const PriceSet set = read();
    const PriceRow& row = row_of(set, staked.assets[0]);
    EXPECT_EQ(row.verdict, PriceVerdict::kUsable);
    EXPECT_EQ(row.price, Money::whole(2'240));
    EXPECT_EQ(row.published_at, UnixSeconds{kNow.value - 20});
    const std::string text = set.document.dump();
    EXPECT_NE(text.find("\"quote\":\"eth\""), std::string::npos);
    EXPECT_NE(text.find("\"rate\":\"1120000000000000000\""), std::string::npos);
    EXPECT_EQ(parse_canonical(text).value().dump(), text);

    feeds.set(1, 200'000'000'000, kNow.value - 61);
    feeds.set(2, 200'000'000'000, kNow.value - 61);
    EXPECT_EQ(row_of(read(), staked.assets[0]).verdict, PriceVerdict::kMissing);
}

TEST_F(OracleTest, AReferenceHasAPriceAndNoRow) {
    AssetOracleSettings reference = asset("steth", {});
    reference.sources = {feed_source("steth-eth", 3)};
    reference.sources[0].quote = "eth";
    AssetOracleSettings wrapped = asset("wsteth", {AssetId::erc20(one(), address(0x78))});
    wrapped.sources = {feed_source("wsteth-steth", 4)};
    wrapped.sources[0].quote = "steth";
    settings.push_back(wrapped);
    settings.push_back(reference);
    feeds.set(3, 99'000'000, kNow.value - 5);
    feeds.set(4, 120'000'000, kNow.value - 5);
    const PriceSet set = read();
    ASSERT_EQ(set.rows.size(), 4U);
    EXPECT_EQ(row_of(set, wrapped.assets[0]).price, Money::whole(2'376));
}

TEST_F(OracleTest, ACircleOfQuotesHasNoPrice) {
    settings[0].sources = {feed_source("a", 1)};
    settings[0].sources[0].quote = "usd";
    settings[1].sources = {feed_source("b", 2)};
    settings[1].sources[0].quote = "eth";
    const PriceSet set = read();
    for (const PriceRow& row : set.rows) {
        EXPECT_EQ(row.verdict, PriceVerdict::kMissing);
    }
}

TEST_F(OracleTest, SettingsThatMakeNoSourceSaySo) {
    settings[1].sources[0].kind = "oracle-of-delphi";
    const PriceSet set = read();
    EXPECT_EQ(row_of(set, settings[1].assets[0]).verdict, PriceVerdict::kMissing);
    Oracle oracle(settings, feeds.call_at());
    const Result<void> probed = run(oracle.probe(heads()));
    ASSERT_FALSE(probed);
    EXPECT_EQ(probed.error().code, Errc::kConfig);
    EXPECT_NE(probed.error().detail.find("oracle-of-delphi"), std::string::npos);
}

// LUNA in May 2022: the feed stood at the least it could say while the market was far below.
TEST_F(OracleTest, AFeedAtTheBoundsOfItsAggregatorIsNoPrice) {
    settings[0].sources = {feed_source("a", 1)};
    feeds.feeds[address(1)].aggregator = address(0xa1);
    feeds.feeds[address(0xa1)].least_e8 = 10'000'000;
    feeds.feeds[address(0xa1)].most_e8 = 100'000'000'000;
    feeds.set(1, 10'000'001, kNow.value);
    EXPECT_EQ(row_of(read(), eth(1)).verdict, PriceVerdict::kUsable);
    feeds.set(1, 10'000'000, kNow.value);
    const PriceSet low = read();
    EXPECT_EQ(row_of(low, eth(1)).verdict, PriceVerdict::kOutOfBounds);
    EXPECT_NE(low.document.dump().find("lowest the feed can say"), std::string::npos);
    feeds.set(1, 100'000'000'000, kNow.value);
    EXPECT_EQ(row_of(read(), eth(1)).verdict, PriceVerdict::kOutOfBounds);
}

// An error that says nothing of the contract is not remembered as a feed without bounds.
TEST_F(OracleTest, BoundsThatANodeFailedToTellAreAskedForAgain) {
    settings[0].sources = {feed_source("a", 1)};
    feeds.feeds[address(1)].aggregator = address(0xa1);
    FakeFeeds::Feed& bounds = feeds.feeds[address(0xa1)];
    bounds.least_e8 = 10'000'000;
    bounds.most_e8 = 100'000'000'000;
    bounds.is_unexplained = true;
    feeds.set(1, 10'000'000, kNow.value);
    Oracle oracle(settings, feeds.call_at());
    EXPECT_EQ(row_of(run(oracle.read(heads(), kNow)), eth(1)).verdict, PriceVerdict::kUsable);
    bounds.is_unexplained = false;
    EXPECT_EQ(row_of(run(oracle.read(heads(), kNow)), eth(1)).verdict, PriceVerdict::kOutOfBounds);
    const std::size_t asked = feeds.asked.size();
    run(oracle.read(heads(), kNow));
    EXPECT_EQ(feeds.asked.size(), asked + 1);
}

TEST_F(OracleTest, MemoryGoesThroughTheDocumentAndBack) {
    settings[0].max_unchanged_s = 600;
    SlowSettings slow;
    slow.max_per_hour = Money::parse("0.06").value();
    slow.max_from_delayed = Money::parse("0.5").value();
    slow.soft = Money::parse("0.1").value();
    slow.hard = Money::whole(5);
    settings[0].slow = slow;
    Oracle oracle(settings, feeds.call_at());
    const PriceSet first = run(oracle.read(heads(), kNow));
    EXPECT_EQ(memory_of(first.document).value(), first.memory);
    ASSERT_EQ(first.memory.size(), 1U);
    EXPECT_EQ(first.memory.at("eth").slow->price, Money::whole(2'000));
    EXPECT_EQ(first.memory.at("eth").unchanged.size(), 2U);
    EXPECT_EQ(first.uses.at(eth(10)).initial, Use::kUsable);
    // A set that was not signed leaves nothing behind.
    feeds.set(1, 210'000'000'000, kNow.value);
    feeds.set(2, 210'000'000'000, kNow.value);
    const UnixSeconds later{kNow.value + 60};
    EXPECT_EQ(run(oracle.read(heads(), later)).memory.at("eth").slow->price, Money::whole(2'100));
    oracle.remember(first.memory);
    const PriceSet second = run(oracle.read(heads(), later));
    EXPECT_EQ(second.memory.at("eth").slow->price, Money::whole(2'002));
    EXPECT_EQ(second.uses.at(eth(1)).slow, Money::whole(2'002));
    const std::string text = second.document.dump();
    EXPECT_NE(text.find("\"uses\":{\"initial\":\"usable\""), std::string::npos) << text;
    EXPECT_FALSE(memory_of(Canonical("x")).has_value());
    EXPECT_TRUE(memory_of(parse_canonical(R"({"assets":[]})").value()).value().empty());
    EXPECT_FALSE(
        memory_of(parse_canonical(R"({"assets":[{"memory":{"slow":{}},"name":"eth"}]})").value())
    );
}

TEST_F(OracleTest, TheDocumentIsCanonicalAndHoldsTheListsTheRowsName) {
    const PriceSet set = read();
    const std::string text = set.document.dump();
    const auto parsed = parse_canonical(text);
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed.value().dump(), text);
    const auto& document = std::get<Canonical::Object>(set.document.value());
    const auto& assets = std::get<Canonical::Array>(document.at("assets").value());
    ASSERT_EQ(assets.size(), 2U);
    const auto& ether = std::get<Canonical::Object>(assets[0].value());
    EXPECT_EQ(keccak256(ether.at("answers").dump()), row_of(set, eth(1)).sources);
    for (const std::string_view words :
         {"\"now\":\"1000000\"",
          "\"verdict\":\"",
          "\"round\":\"7\"",
          "\"max_age_s\":\"60\"",
          "\"origin\":\"eip155:1:0x0000000000000000000000000000000000000001\"",
          "\"origin\":\"config\""}) {
        EXPECT_NE(text.find(words), std::string::npos) << words;
    }
}

TEST_F(OracleTest, ProbeAcceptsFeedsAndFixedPrices) {
    Oracle oracle(settings, feeds.call_at());
    EXPECT_TRUE(run(oracle.probe(heads())));
    EXPECT_EQ(feeds.asked.size(), 2U);
    // What was learned is not asked again.
    EXPECT_TRUE(run(oracle.probe(heads())));
    EXPECT_EQ(feeds.asked.size(), 2U);
}

TEST_F(OracleTest, ProbeNamesTheFeedThatIsNone) {
    struct Case {
        std::optional<Bytes> decimals;
        Errc code;
        std::string_view words;
    };

    const Case cases[]{
        {std::nullopt, Errc::kConfig, "execution reverted"},
        {Bytes{}, Errc::kConfig, "decimals() returned 0 bytes"},
        {WordWriter().uint(37).bytes(), Errc::kConfig, "at most 36"},
    };
    for (const Case& c : cases) {
        feeds.feeds.erase(address(2));
        if (c.decimals) {
            feeds.feeds[address(2)].decimals = *c.decimals;
        }
        Oracle oracle(settings, feeds.call_at());
        const Result<void> probed = run(oracle.probe(heads()));
        ASSERT_FALSE(probed);
        const Error& why = probed.error();
        EXPECT_EQ(why.code, c.code);
        EXPECT_NE(why.detail.find(c.words), std::string::npos) << why.detail;
        EXPECT_NE(why.detail.find("price source b (eip155:1:0x"), std::string::npos);
    }
}

TEST_F(OracleTest, ProbeNamesEverySourceThatIsNone) {
    feeds.feeds.clear();
    Oracle oracle(settings, feeds.call_at());
    const Result<void> probed = run(oracle.probe(heads()));
    ASSERT_FALSE(probed);
    EXPECT_EQ(probed.error().code, Errc::kConfig);
    for (const std::string_view words : {"price source a (", "; price source b ("}) {
        EXPECT_NE(probed.error().detail.find(words), std::string::npos) << probed.error().detail;
    }
}

TEST_F(OracleTest, WhatCannotBeAskedIsNoConfigErrorAndIsAskedAgain) {
    Oracle oracle(settings, feeds.call_at());
    EXPECT_EQ(run(oracle.probe({})).error().code, Errc::kUnable);
    EXPECT_TRUE(feeds.asked.empty());
    EXPECT_TRUE(run(oracle.probe(heads())));

    for (const Errc code : {Errc::kTimeout, Errc::kRpc, Errc::kUnable, Errc::kUnproved}) {
        const CallAt silent = [code](ChainId, Address, Bytes, Hash32) {
            return answer_with(fail(code, "no answer"));
        };
        Oracle deaf(settings, silent);
        EXPECT_EQ(run(deaf.probe(heads())).error().code, code);
    }
}

// One that is wrong is told although another cannot be asked.
TEST_F(OracleTest, AWrongSourceIsToldBesideOneThatIsSilent) {
    feeds.feeds[address(2)].decimals = Bytes{};
    const CallAt half = [this](ChainId chain, Address to, Bytes data, Hash32 at) {
        return to == address(1) ? answer_with(fail(Errc::kTimeout, "no answer"))
                                : feeds.call_at()(chain, to, std::move(data), at);
    };
    Oracle oracle(settings, half);
    const Result<void> probed = run(oracle.probe(heads()));
    ASSERT_FALSE(probed);
    EXPECT_EQ(probed.error().code, Errc::kConfig);
    EXPECT_EQ(probed.error().detail.find("no answer"), std::string::npos);
}

}  // namespace
}  // namespace margrave::oracle
