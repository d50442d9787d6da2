// SPDX-License-Identifier: Apache-2.0
#include "infra/log.hpp"

#include "infra/files.hpp"
#include "infra/strict_json.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>

namespace margrave::infra {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

class Log : public testing::Test {
  protected:
    std::unique_ptr<LogSink> open(LogOptions::Format format, LogLevel level = LogLevel::kInfo) {
        LogOptions options;
        options.format = format;
        options.level = level;
        options.channels["store"] = LogLevel::kWarn;
        options.write = [this](const std::string& line) {
            lines.push_back(line);
        };
        return LogSink::open(std::move(options)).value();
    }

    json only_line() {
        EXPECT_EQ(lines.size(), 1U);
        return parse_strict(lines.at(0)).value();
    }

    std::vector<std::string> lines;
};

TEST_F(Log, JsonCarriesEveryKindOfValue) {
    const auto sink = open(LogOptions::Format::kJson);
    const Logger log = sink->logger("chains");
    Hash32 hash;
    hash.data[31] = 1;
    log.info(
        "block.applied",
        {{"text", "a b"},
         {"view", std::string_view("v")},
         {"small", 7},
         {"negative", -7L},
         {"big", std::uint64_t{18'446'744'073'709'551'615U}},
         {"flag", true},
         {"block_num", BlockNum{12}},
         {"hash", hash},
         {"chain", ChainId::evm(8453)},
         {"error", fail(Errc::kTimeout, "too late")},
         {"took_ms", 35ms}}
    );
    const json line = only_line();
    EXPECT_EQ(line["level"], "info");
    EXPECT_EQ(line["channel"], "chains");
    EXPECT_EQ(line["event"], "block.applied");
    EXPECT_EQ(line["text"], "a b");
    EXPECT_EQ(line["negative"], -7);
    EXPECT_EQ(line["big"], 18'446'744'073'709'551'615U);
    EXPECT_EQ(line["flag"], true);
    EXPECT_EQ(line["block_num"], 12);
    EXPECT_EQ(line["hash"], to_hex(hash));
    EXPECT_EQ(line["chain"], "eip155:8453");
    EXPECT_EQ(line["error"], "timeout: too late");
    EXPECT_EQ(line["took_ms"], 35);
    EXPECT_EQ(
        line["time"].get<std::string>().size(), std::string("2026-01-02T03:04:05.678Z").size()
    );
}

TEST_F(Log, WhatAPeerSendsStaysOneHarmlessLine) {
    const std::string nasty =
        "a\n\x1b[31m\"b\"\\ \xff \xe2\x80\xae \xc2\x9b" + std::string(1, '\0');
    for (const auto format : {LogOptions::Format::kJson, LogOptions::Format::kHuman}) {
        lines.clear();
        const auto sink = open(format);
        sink->logger("rpc").warn("peer.said", {{"text", nasty}});
        ASSERT_EQ(lines.size(), 1U);
        EXPECT_EQ(lines[0].find('\n'), std::string::npos);
        EXPECT_EQ(lines[0].find('\x1b'), std::string::npos);
        EXPECT_EQ(lines[0].find("\xe2\x80\xae"), std::string::npos);
        EXPECT_EQ(lines[0].find("\xc2\x9b"), std::string::npos);
        EXPECT_EQ(lines[0].find('\xff'), std::string::npos);
    }
    lines.clear();
    const auto sink = open(LogOptions::Format::kJson);
    sink->logger("rpc").warn("peer.said", {{"text", "caf\xc3\xa9 \"x\"\n"}});
    EXPECT_EQ(only_line()["text"], "caf\xc3\xa9 \"x\"\n");
}

TEST_F(Log, LongValuesAreCut) {
    const auto sink = open(LogOptions::Format::kJson);
    sink->logger("rpc").info("x", {{"text", std::string(100'000, 'a')}});
    EXPECT_LT(lines.at(0).size(), 5000U);
    EXPECT_TRUE(only_line()["text"].get<std::string>().ends_with("a..."));
}

TEST_F(Log, HumanLinesQuoteOnlyWhatNeedsIt) {
    const auto sink = open(LogOptions::Format::kHuman);
    sink->logger("store").error(
        "db.opened", {{"path", "/x/y"}, {"note", "a b"}, {"empty", ""}, {"n", 3}}
    );
    ASSERT_EQ(lines.size(), 1U);
    EXPECT_NE(
        lines[0].find("error store    db.opened  path=/x/y  note=\"a b\"  empty=\"\"  n=3"),
        std::string::npos
    ) << lines[0];
}

TEST_F(Log, EachChannelHasItsLevel) {
    const auto sink = open(LogOptions::Format::kJson);
    const Logger store = sink->logger("store");
    const Logger chains = sink->logger("chains");
    store.info("hidden");
    chains.debug("hidden");
    EXPECT_TRUE(lines.empty());
    chains.info("seen");
    store.warn("seen");
    EXPECT_EQ(lines.size(), 2U);
    sink->set_level("store", LogLevel::kDebug);
    store.debug("seen");
    EXPECT_EQ(lines.size(), 3U);
    sink->set_level("store", LogLevel::kOff);
    store.error("hidden");
    EXPECT_EQ(lines.size(), 3U);
    EXPECT_TRUE(chains.enabled(LogLevel::kInfo));
    EXPECT_FALSE(chains.enabled(LogLevel::kDebug));
}

TEST_F(Log, ADefaultLoggerSaysNothing) {
    const Logger log;
    log.error("nobody.hears", {{"a", 1}});
    EXPECT_FALSE(log.enabled(LogLevel::kError));
}

TEST_F(Log, AFileIsPrivateAndAppendedTo) {
    const std::string path =
        testing::TempDir() + "margrave-log-" + std::to_string(::getpid()) + ".log";
    for (int i = 0; i < 2; ++i) {
        LogOptions options;
        options.file = path;
        const auto sink = LogSink::open(std::move(options)).value();
        sink->logger("x").info("line.written");
    }
    const std::string text = read_file(path, 10'000).value();
    EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 2);
    EXPECT_TRUE(parse_strict(text.substr(0, text.find('\n'))));

    struct stat facts {};

    ::stat(path.c_str(), &facts);
    EXPECT_EQ(facts.st_mode & 0777U, 0600U);
    std::filesystem::remove(path);
}

TEST_F(Log, AFileThatCannotBeOpenedIsAnError) {
    LogOptions options;
    options.file = "/nonexistent/dir/x.log";
    EXPECT_EQ(LogSink::open(std::move(options)).error().code, Errc::kIo);
}

TEST(LogLevel, IsReadByName) {
    EXPECT_EQ(parse_log_level("warn").value(), LogLevel::kWarn);
    EXPECT_EQ(parse_log_level("WARN").error().code, Errc::kConfig);
}

TEST(LogLimiter, LetsABurstPassAndCountsTheRest) {
    LogLimiter limiter(2, 1000ms);
    const LogLimiter::Time start{};
    EXPECT_EQ(limiter.pass(start), 0U);
    EXPECT_EQ(limiter.pass(start), 0U);
    EXPECT_EQ(limiter.pass(start + 1ms), std::nullopt);
    EXPECT_EQ(limiter.pass(start + 999ms), std::nullopt);
    EXPECT_EQ(limiter.pass(start + 1000ms), 2U);
    EXPECT_EQ(limiter.pass(start + 1001ms), 0U);
}

TEST(Printable, KeepsGoodTextAndCutsOnACharacter) {
    EXPECT_EQ(printable("caf\xc3\xa9", 100), "caf\xc3\xa9");
    EXPECT_EQ(printable("caf\xc3\xa9", 4), "caf...");
    EXPECT_EQ(printable("a\tb\x01", 100), "a\\tb\\u0001");
    EXPECT_EQ(printable("\xf0\x9f\x98\x80", 100), "\xf0\x9f\x98\x80");
    EXPECT_EQ(printable("\xed\xa0\x80", 100), "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
}

}  // namespace
}  // namespace margrave::infra
