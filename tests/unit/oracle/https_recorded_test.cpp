// SPDX-License-Identifier: Apache-2.0
#include "tests/support/self_signed.hpp"
#include "tests/support/tls_server.hpp"
#include "tests/unit/oracle/source_probe.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unistd.h>

// What four exchanges answered on 13 March 2024 within some seconds of 11:10:41 UTC to who asked
// for the price of a bitcoin in USDT, served over TLS. The replies are recorded in the tests of
// ccxt (ccxt/ccxt, ts/src/test/static/response, MIT), which kept neither spacing nor headers.
namespace margrave::oracle {
namespace {

constexpr UnixSeconds kNow{1'710'328'250};
constexpr std::string_view kDate = "Wed, 13 Mar 2024 11:10:44 GMT";

constexpr std::string_view kBitstamp = R"({
    "timestamp": "1710328241", "open": "71448", "high": "73656", "low": "68626", "last": "73285",
    "volume": "135.29692054", "vwap": "70853", "bid": "73353", "ask": "73367", "side": "0",
    "open_24": "72144", "percent_change_24": "1.58"})";

constexpr std::string_view kCoinbase = R"({
    "ask": "73369.19", "bid": "73360.34", "volume": "1207.50668151", "trade_id": "18502105",
    "price": "73367.8", "size": "0.00730812", "time": "2024-03-13T11:10:41.270099Z",
    "rfq_volume": "7.669923"})";

constexpr std::string_view kGemini = R"({
    "bid": "73367.96", "ask": "73385.27", "last": "73268.24",
    "volume": {"BTC": "3.5434218", "USDT": "259620.278863632", "timestamp": "1710328245000"}})";

constexpr std::string_view kKraken = R"({"error": [], "result": {"XBTUSDT": {
    "a": ["73380.70000", "1", "1.000"], "b": ["73380.60000", "1", "1.000"],
    "c": ["73380.60000", "0.00160710"], "v": ["165.16072288", "598.03698452"],
    "p": ["72647.97204", "71501.57520"], "t": [6405, 21103],
    "l": ["71321.80000", "68666.00000"], "h": ["73580.00000", "73580.00000"],
    "o": "71450.70000"}}})";

class RecordedReplies : public ::testing::Test {
  protected:
    RecordedReplies()
        : identity("localhost"),
          server(
              loop.executor(),
              identity,
              [this](const std::string& target) { return std::string(replies.at(target)); }
          ),
          ca_file(testing::TempDir() + "margrave-replies-" + std::to_string(::getpid()) + ".pem") {
        std::ofstream(ca_file) << identity.cert_pem;
        server.date = kDate;
        server.close = true;
        loop.start(server.run());
    }

    ~RecordedReplies() override {
        loop.stop();
        std::filesystem::remove(ca_file);
    }

    [[nodiscard]] SourceSettings exchange(
        const std::string& name, std::string_view price, Canonical::Object dated
    ) const {
        Canonical::Object settings = std::move(dated);
        settings.emplace("price", std::string(price));
        settings.emplace("ca_file", ca_file);
        settings.emplace("url", server.url("localhost", "/" + name));
        SourceSettings out = settings_of("https", std::move(settings));
        out.name = name;
        // The server stands for four.
        out.made_by = name;
        return out;
    }

    [[nodiscard]] SourceSettings bitstamp() const {
        return exchange("bitstamp", "/last", {{"time", "/timestamp"}});
    }

    [[nodiscard]] SourceSettings coinbase() const {
        return exchange("coinbase", "/price", {{"time", "/time"}, {"time_form", "rfc3339"}});
    }

    [[nodiscard]] SourceSettings gemini() const {
        return exchange(
            "gemini", "/last", {{"time", "/volume/timestamp"}, {"time_form", "milliseconds"}}
        );
    }

    // Its ticker has no time.
    [[nodiscard]] SourceSettings kraken() const {
        return exchange("kraken", "/result/XBTUSDT/c/0", {{"dated_by", "reply"}});
    }

    Answer read(const SourceSettings& settings) {
        auto made = make_source(settings, {});
        EXPECT_TRUE(made.has_value());
        return read_once(loop, *made.value(), kNow);
    }

    void expect(const SourceSettings& settings, std::string_view price, std::uint64_t at) {
        const Answer answer = read(settings);
        ASSERT_TRUE(answer.price.has_value()) << answer.error;
        EXPECT_EQ(answer.price->to_decimal(), price);
        EXPECT_EQ(answer.published_at, UnixSeconds{at});
        EXPECT_EQ(answer.origin + "/", server.url("localhost"));
    }

    std::map<std::string, std::string_view> replies{
        {"/bitstamp", kBitstamp},
        {"/coinbase", kCoinbase},
        {"/gemini", kGemini},
        {"/kraken", kKraken}};
    tests::Loop loop;
    tests::SelfSigned identity;
    tests::TlsServer server;
    std::string ca_file;
};

TEST_F(RecordedReplies, EachFormIsRead) {
    expect(bitstamp(), "73285", 1'710'328'241);
    expect(coinbase(), "73367.8", 1'710'328'241);
    expect(gemini(), "73268.24", 1'710'328'245);
    expect(kraken(), "73380.6", 1'710'328'244);
}

TEST_F(RecordedReplies, FourExchangesAreOnePrice) {
    AssetOracleSettings asset;
    asset.name = "btc";
    asset.assets = {AssetId::erc20(ChainId::evm(1), Address{})};
    asset.sources = {bitstamp(), coinbase(), gemini(), kraken()};
    asset.max_age_s = 9;
    asset.price_min = Money::whole(1'000);
    asset.price_max = Money::whole(1'000'000);
    asset.min_sources = 4;
    asset.max_spread = Money::parse("0.002").value();
    const auto ask = [&] {
        Oracle oracle({asset}, {});
        return loop.run(oracle.read({}, kNow));
    };
    const PriceSet set = ask();
    ASSERT_EQ(set.rows.size(), 1U);
    EXPECT_EQ(set.rows[0].verdict, PriceVerdict::kUsable) << set.document.dump();
    EXPECT_GE(set.rows[0].price, Money::whole(73'285));
    EXPECT_LE(set.rows[0].price, Money::parse("73367.8").value());
    EXPECT_EQ(set.rows[0].published_at, UnixSeconds{1'710'328'241});
    // Gemini's newest trade was old: 112 dollars below Kraken's, and 0.15 percent is less.
    asset.max_spread = Money::parse("0.0015").value();
    EXPECT_NE(ask().rows[0].verdict, PriceVerdict::kUsable);
    asset.max_spread = Money::parse("0.002").value();
    asset.max_age_s = 8;
    EXPECT_EQ(ask().rows[0].verdict, PriceVerdict::kStale);
}

TEST_F(RecordedReplies, WithoutATimeThereIsNoPriceUnlessTheReplysDateIsWanted) {
    SourceSettings settings = kraken();
    Canonical::Object given = std::get<Canonical::Object>(settings.settings.value());
    EXPECT_TRUE(https_kind().check(settings.settings).empty());
    given.insert_or_assign("time", "/at");
    ASSERT_EQ(https_kind().check(given).size(), 1U);
    EXPECT_EQ(https_kind().check(given)[0].pointer, "/time");
    given.insert_or_assign("dated_by", "document");
    EXPECT_TRUE(https_kind().check(given).empty());
    settings.settings = given;
    const Answer undated = read(settings);
    EXPECT_FALSE(undated.price.has_value());
    EXPECT_EQ(undated.error, "the answer has nothing at /at");
    given.erase("time");
    ASSERT_EQ(https_kind().check(given).size(), 1U);
    EXPECT_NE(https_kind().check(given)[0].what.find("\"time\""), std::string::npos);
    settings.settings = given;
    EXPECT_FALSE(make_source(settings, {}).has_value());

    for (const std::string_view date : {"", "2024-03-13T11:10:44Z", "Wed, 13 Mar 2024 11:10:44"}) {
        server.date = date;
        const Answer answer = read(kraken());
        EXPECT_FALSE(answer.price.has_value());
        EXPECT_EQ(answer.error, "the reply has no Date header that is a date");
    }
}

TEST_F(RecordedReplies, AServerThatNoAuthorityKnowsIsNotAsked) {
    SourceSettings settings = bitstamp();
    Canonical::Object given = std::get<Canonical::Object>(settings.settings.value());
    given.erase("ca_file");
    settings.settings = given;
    const Answer answer = read(settings);
    EXPECT_FALSE(answer.price.has_value());
    EXPECT_NE(answer.error.find("certificate verify failed"), std::string::npos) << answer.error;
}

}  // namespace
}  // namespace margrave::oracle
