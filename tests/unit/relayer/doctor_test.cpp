// SPDX-License-Identifier: Apache-2.0
#include "relayer/doctor.hpp"

#include "chains/evm/proof/header.hpp"
#include "core/keccak.hpp"
#include "relayer/doctor_node.hpp"
#include "tests/support/fake_clock.hpp"
#include "tests/support/http_server.hpp"
#include "tests/support/loop.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <filesystem>
#include <fstream>
#include <unistd.h>

namespace margrave::relayer {
namespace {

using namespace std::chrono_literals;
using margrave::tests::HttpServer;
using margrave::tests::Loop;
using nlohmann::json;

constexpr std::uint64_t kNow = 1'900'000'000;

SeenBlock block_at(std::uint64_t number, std::uint64_t time = kNow) {
    SeenBlock out;
    out.number = BlockNum{number};
    out.time = UnixSeconds{time};
    return out;
}

using Seen = Result<std::optional<SeenBlock>>;

Seen seen(std::uint64_t number, std::uint64_t time = kNow) {
    return std::optional<SeenBlock>(block_at(number, time));
}

TEST(DoctorJudges, ChainId) {
    const ChainId chain = ChainId::parse("eip155:8453").value();
    EXPECT_EQ(judge_chain_id(chain, 8453).state, CheckState::kOk);
    const Finding wrong = judge_chain_id(chain, 1);
    EXPECT_EQ(wrong.state, CheckState::kFail);
    EXPECT_EQ(wrong.seen, "chain id 1");
    EXPECT_NE(wrong.advice.find("eip155:8453"), std::string::npos);
    EXPECT_EQ(judge_chain_id(chain, fail(Errc::kRpc, "no")).state, CheckState::kUnable);
}

TEST(DoctorJudges, Finality) {
    chains::FinalitySettings tag;
    const SeenBlock latest = block_at(100);
    const Seen none = std::optional<SeenBlock>();
    const auto judge = [&](const Seen& first, const Seen& last) {
        return judge_finality(tag, latest, first, last);
    };
    EXPECT_EQ(judge(seen(64), seen(96)).state, CheckState::kOk);
    EXPECT_EQ(judge(seen(100), seen(100)).state, CheckState::kOk);
    EXPECT_EQ(judge(seen(101), seen(101)).state, CheckState::kFail);
    EXPECT_EQ(judge(seen(64), seen(63)).state, CheckState::kFail);
    EXPECT_EQ(judge(seen(64, kNow - 3601), seen(64)).state, CheckState::kWarn);
    const Finding missing = judge(fail(Errc::kRpc, "finalized block not found"), none);
    EXPECT_EQ(missing.state, CheckState::kFail);
    EXPECT_NE(
        missing.advice.find(R"("finality": {"mode": "depth", "depth": N})"), std::string::npos
    );
    EXPECT_EQ(judge(none, none).state, CheckState::kFail);
    tag.mode = chains::FinalityMode::kDepth;
    EXPECT_EQ(judge(none, none).state, CheckState::kOk);
}

TEST(DoctorJudges, ClockAheadAndBehind) {
    const UnixSeconds now{kNow};
    const auto state = [&](std::int64_t skew) {
        const auto time = static_cast<std::uint64_t>(static_cast<std::int64_t>(kNow) + skew);
        return judge_clock(UnixSeconds{time}, now).state;
    };
    EXPECT_EQ(state(0), CheckState::kOk);
    EXPECT_EQ(state(15), CheckState::kOk);
    EXPECT_EQ(state(16), CheckState::kFail);
    EXPECT_EQ(state(-60), CheckState::kOk);
    EXPECT_EQ(state(-61), CheckState::kWarn);
    EXPECT_EQ(state(-300), CheckState::kWarn);
    EXPECT_EQ(state(-301), CheckState::kFail);
}

TEST(DoctorJudges, TheLocalClockWhenAllEndpointsDisagreeWithIt) {
    const UnixSeconds now{kNow};
    const UnixSeconds far{kNow + 100};
    EXPECT_EQ(judge_local_clock(std::vector{far, far}, now).state, CheckState::kFail);
    EXPECT_EQ(judge_local_clock(std::vector{far, now}, now).state, CheckState::kWarn);
    EXPECT_EQ(judge_local_clock(std::vector{far}, now).state, CheckState::kWarn);
    EXPECT_EQ(judge_local_clock(std::vector{now}, now).state, CheckState::kOk);
    EXPECT_EQ(judge_local_clock({}, now).state, CheckState::kUnable);
}

TEST(DoctorJudges, LogRangeSaysWhatToWrite) {
    EXPECT_EQ(judge_log_range(2000, 2000, 2000).state, CheckState::kOk);
    EXPECT_EQ(judge_log_range(11, 11, 2000).state, CheckState::kOk);
    const Finding small = judge_log_range(500, 2000, 2000);
    EXPECT_EQ(small.state, CheckState::kFail);
    EXPECT_NE(small.advice.find("\"log_range\": 500"), std::string::npos);
    EXPECT_EQ(judge_log_range(0, 2000, 2000).state, CheckState::kFail);
}

TEST(DoctorJudges, ArchiveDepth) {
    const auto state = [](std::optional<BlockNum> oldest) {
        return judge_archive(BlockNum{10}, BlockNum{1000}, oldest).state;
    };
    EXPECT_EQ(state(BlockNum{10}), CheckState::kOk);
    EXPECT_EQ(state(BlockNum{873}), CheckState::kWarn);
    EXPECT_EQ(state(BlockNum{874}), CheckState::kFail);
    EXPECT_EQ(state(std::nullopt), CheckState::kFail);
}

TEST(DoctorJudges, OperatorsAgainstAgreement) {
    chains::ChainSettings settings;
    for (const char* name : {"a", "b", "b"}) {
        chains::EndpointSettings endpoint;
        endpoint.operator_name = name;
        settings.endpoints.push_back(endpoint);
    }
    settings.agreement = 3;
    EXPECT_EQ(judge_operators(settings).state, CheckState::kFail);
    settings.agreement = 2;
    EXPECT_EQ(judge_operators(settings).state, CheckState::kWarn);
    settings.endpoints[2].operator_name = "c";
    EXPECT_EQ(judge_operators(settings).state, CheckState::kOk);
    settings.agreement = 1;
    EXPECT_EQ(judge_operators(settings).state, CheckState::kWarn);
}

TEST(DoctorJudges, Latency) {
    EXPECT_EQ(judge_latency({30ms, 10ms, 20ms}, 5s).seen, "min 10 ms, median 20 ms of 3");
    EXPECT_EQ(judge_latency({3000ms}, 5s).state, CheckState::kWarn);
    EXPECT_EQ(judge_latency({}, 5s).state, CheckState::kUnable);
}

TEST(DoctorJudges, KeystoreMode) {
    const std::filesystem::path file =
        testing::TempDir() + "margrave-doctor-" + std::to_string(::getpid());
    EXPECT_EQ(judge_keystore(file).state, CheckState::kFail);
    std::ofstream(file) << "{}";
    std::filesystem::permissions(file, std::filesystem::perms{0640});
    EXPECT_EQ(judge_keystore(file).state, CheckState::kFail);
    EXPECT_EQ(judge_keystore(file).advice, "chmod 600 " + file.string());
    std::filesystem::permissions(file, std::filesystem::perms{0600});
    EXPECT_EQ(judge_keystore(file).state, CheckState::kOk);
    std::filesystem::remove(file);
}

/// A node whose answers a test changes one by one.
class DoctorNodes : public testing::Test {
  protected:
    DoctorNodes()
        : server(loop.executor(), [this](const HttpServer::Request& r) { return answer(r); }),
          clock(kNow) {
        chains::EndpointSettings endpoint;
        endpoint.name = "alpha";
        endpoint.operator_name = "one";
        endpoint.http = server.url("/secret-key");
        settings.chain = ChainId::parse("eip155:31337").value();
        settings.endpoints.push_back(endpoint);
        settings.agreement = 1;
        settings.log_range = 1000;
        settings.rpc_timeout = 1000ms;
        loop.start(server.run());
    }

    ~DoctorNodes() override { loop.stop(); }

    static json block(std::uint64_t number, std::uint64_t time) {
        char text[32];
        std::snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(number));
        json out = json::object();
        out["number"] = text;
        std::snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(time));
        out["timestamp"] = text;
        const std::string word = "0x" + std::string(64, '0');
        for (const char* key :
             {"parentHash",
              "sha3Uncles",
              "stateRoot",
              "transactionsRoot",
              "receiptsRoot",
              "mixHash"}) {
            out[key] = word;
        }
        out["miner"] = "0x" + std::string(40, '0');
        out["logsBloom"] = "0x" + std::string(512, '0');
        out["nonce"] = "0x0000000000000000";
        out["extraData"] = "0x";
        for (const char* key : {"difficulty", "gasLimit", "gasUsed"}) {
            out[key] = "0x0";
        }
        const auto fields = chains::evm::read_header_fields(out).value();
        out["hash"] = to_hex(keccak256(chains::evm::encode_header(fields)));
        return out;
    }

    HttpServer::Reply answer(const HttpServer::Request& request) {
        const json call = json::parse(request.body);
        const std::string method = call.at("method");
        ++asked[method];
        json out = json::object();
        out["jsonrpc"] = "2.0";
        out["id"] = call.at("id");
        json result = respond(method, call.at("params"));
        if (result.is_object() && result.contains("code")) {
            out["error"] = std::move(result);
        } else {
            out["result"] = std::move(result);
        }
        return HttpServer::Reply(out.dump());
    }

    static json refusal(const std::string& words) {
        json out = json::object();
        out["code"] = -32000;
        out["message"] = words;
        return out;
    }

    json respond(const std::string& method, const json& params) {
        if (method == "eth_chainId") {
            return chain_id;
        }
        if (method == "web3_clientVersion") {
            return "fake/1";
        }
        if (method == "eth_getBlockByNumber") {
            if (params[0] == "finalized") {
                return has_tag ? block(4990, kNow) : refusal("finalized block not found");
            }
            return params[0] == "latest" ? block(5000, kNow + skew) : block(0, 1);
        }
        if (method == "eth_getBlockByHash") {
            json out = block(5000, kNow + skew);
            if (forged) {
                out["timestamp"] = "0x1";
            }
            return out;
        }
        if (method == "eth_getCode") {
            return has_code ? "0x60" : "0x";
        }
        if (method == "eth_getLogs" && params[0].contains("topics")) {
            return told;
        }
        if (method == "eth_getLogs") {
            const auto from =
                std::stoull(params[0].at("fromBlock").get<std::string>(), nullptr, 16);
            return 5001 - from > range ? refusal("exceed maximum block range") : json::array();
        }
        if (method == "eth_getBalance") {
            const auto at = std::stoull(params[1].get<std::string>(), nullptr, 16);
            return at < oldest_state ? refusal("missing trie node") : json("0x0");
        }
        return json::object();
    }

    std::vector<CheckRow> examine_all() {
        DoctorLimits limits;
        limits.endpoint = 20s;
        std::vector<chains::ChainSettings> chains;
        chains.push_back(settings);
        auto rows = loop.run(examine(loop.executor(), chains, false, clock, limits, std::nullopt));
        return std::move(rows).value();
    }

    static const Finding& row(const std::vector<CheckRow>& rows, const std::string& check) {
        static const Finding none{CheckState::kUnable, "there is no such row", ""};
        for (const CheckRow& row : rows) {
            if (row.check == check) {
                return row.finding;
            }
        }
        return none;
    }

    /// All rows of the endpoint but these are ok or warn.
    static void expect_only(
        const std::vector<CheckRow>& rows, const std::vector<std::string>& failing
    ) {
        std::vector<std::string> seen;
        for (const CheckRow& row : rows) {
            if (!row.endpoint.empty() && row.finding.state == CheckState::kFail) {
                seen.push_back(row.check);
            }
            EXPECT_EQ(
                (row.finding.seen + row.finding.advice).find("secret-key"), std::string::npos
            );
        }
        EXPECT_EQ(seen, failing) << doctor_table(rows);
    }

    Loop loop;
    HttpServer server;
    tests::FakeClock clock;
    chains::ChainSettings settings;
    std::map<std::string, int> asked;
    std::string chain_id{"0x7a69"};
    bool has_tag{true};
    bool has_code{true};
    /// Logs of events that tell a price.
    json told = json::array();
    bool forged{false};
    std::uint64_t skew{0};
    std::uint64_t range{1000};
    std::uint64_t oldest_state{0};
};

TEST_F(DoctorNodes, AHealthyNodeFailsNothingAndEveryCheckHasItsRow) {
    const auto rows = examine_all();
    expect_only(rows, {});
    for (const char* check :
         {"reachable",
          "chain-id",
          "latency",
          "client",
          "genesis",
          "latest",
          "clock",
          "log-range",
          "archive",
          "header",
          "receipts",
          "proof",
          "websocket",
          "finality",
          "operators",
          "contracts",
          "sender",
          "local-clock"}) {
        EXPECT_NE(row(rows, check).seen, "there is no such row") << check;
    }
}

TEST_F(DoctorNodes, AWrongChainIdFailsAndEverythingElseStillRuns) {
    chain_id = "0x1";
    const auto rows = examine_all();
    expect_only(rows, {"chain-id"});
    EXPECT_EQ(row(rows, "archive").state, CheckState::kOk);
}

TEST_F(DoctorNodes, AHeaderThatDoesNotGiveItsHashFails) {
    forged = true;
    const auto rows = examine_all();
    expect_only(rows, {"header"});
    EXPECT_NE(row(rows, "header").seen.find("hashes to"), std::string::npos);
}

TEST_F(DoctorNodes, AMissingTagFails) {
    has_tag = false;
    expect_only(examine_all(), {"finality"});
}

TEST_F(DoctorNodes, ASmallLogRangeIsFoundWithFewQuestions) {
    range = 100;
    const auto rows = examine_all();
    expect_only(rows, {"log-range"});
    EXPECT_LE(asked["eth_getLogs"], 10);
    const std::string& seen = row(rows, "log-range").seen;
    const auto works = std::stoull(seen);
    EXPECT_LE(works, 100U) << seen;
    EXPECT_GE(works, 88U) << seen;
}

TEST_F(DoctorNodes, ASkewedClockFails) {
    skew = 100;
    expect_only(examine_all(), {"clock"});
}

TEST_F(DoctorNodes, PrunedStateIsMeasured) {
    oldest_state = 4900;
    const auto rows = examine_all();
    expect_only(rows, {"archive"});
    EXPECT_EQ(row(rows, "archive").seen, "state 64 blocks back, to block 4936 of 0");
    EXPECT_LE(asked["eth_getBalance"], 12);
}

TEST_F(DoctorNodes, ADeadEndpointLeavesTheRestToRun) {
    chains::EndpointSettings dead = settings.endpoints[0];
    dead.name = "beta";
    dead.http = "http://127.0.0.1:1/secret-key";
    settings.endpoints.insert(settings.endpoints.begin(), dead);
    const auto rows = examine_all();
    expect_only(rows, {"reachable"});
    std::size_t unable = 0;
    std::size_t alive = 0;
    for (const CheckRow& row : rows) {
        unable += row.endpoint == "beta" && row.finding.state == CheckState::kUnable ? 1U : 0U;
        alive += row.endpoint == "alpha" && row.finding.state == CheckState::kOk ? 1U : 0U;
    }
    EXPECT_EQ(unable, 13U);
    EXPECT_GE(alive, 10U) << doctor_table(rows);
}

TEST_F(DoctorNodes, WatchedContractsNeedCodeAndPricesShouldBeTold) {
    EXPECT_EQ(row(examine_all(), "watches").seen, "there is no such row");
    chains::WatchEventSettings event;
    event.event = "event Told(uint256 price)";
    event.meaning = chains::Meaning::kPrice;
    event.price = "price";
    chains::WatchSettings watch;
    watch.name = "eth-usd";
    watch.contract = Address{};
    watch.contract->data.fill(0x11);
    watch.events.push_back(event);
    settings.watch.push_back(watch);
    auto rows = examine_all();
    expect_only(rows, {});
    EXPECT_EQ(row(rows, "watches").state, CheckState::kWarn);
    EXPECT_EQ(
        row(rows, "watches").seen,
        "no price was told in the last 1000 blocks by Told(uint256) of 0x" + std::string(40, '1')
    );
    told.push_back(json::object());
    rows = examine_all();
    EXPECT_EQ(row(rows, "watches").state, CheckState::kOk);
    EXPECT_EQ(
        row(rows, "watches").seen, "contracts with code: 1; prices told in the last 1000 blocks: 1"
    );
    has_code = false;
    rows = examine_all();
    expect_only(rows, {"watches"});
    EXPECT_NE(row(rows, "watches").seen.find("has no code"), std::string::npos);
}

}  // namespace
}  // namespace margrave::relayer
