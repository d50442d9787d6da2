// SPDX-License-Identifier: Apache-2.0
#include "attest/reconciliation.hpp"

#include "tests/unit/attest/samples.hpp"

namespace margrave::attest {
namespace {

using namespace tests;
using nlohmann::json;

const ChainId kChain = ChainId::evm(1);

CustodyRow row(std::uint64_t booked, std::optional<std::uint64_t> held) {
    CustodyRow out;
    out.asset = AssetId::native(kChain);
    out.booked = Amount{booked};
    if (held) {
        out.held = Amount{*held};
    } else {
        out.why = "pruned";
    }
    return out;
}

Reconciliation reading(
    std::uint64_t block, std::uint64_t booked, std::optional<std::uint64_t> held
) {
    Reconciliation out;
    out.chain = kChain;
    out.block.number = BlockNum{block};
    out.block.hash = keccak256("block " + std::to_string(block));
    out.block.time = UnixSeconds{1'700'000'000};
    out.after = RoundNum{1};
    out.rows = {row(booked, held)};
    return out;
}

TEST(ReconciliationLeaf, IsTheseBytes) {
    Reconciliation what = reading(7, 9, 8);
    what.block.hash = Hash32{};
    what.state = CustodyState::kSuspected;
    what.readings = 1;
    const std::string zero(64, '0');
    EXPECT_EQ(
        as_text(reconciliation_leaf(what)),
        R"({"apiVersion":"1","chain":"eip155:1","detail":{"after":"1","block":"7","hash":"0x)" +
            zero +
            R"(","ledgers":[{"asset":"eip155:1/slip44:60","booked":"9","held":"8","missing":"1",)"
            R"("unattributed":"0","verdict":"differs"}],"readings":"1","state":"suspected",)"
            R"("time":"1700000000","verdict":"differs"},"kind":"reconciliation",)"
            R"("reason":"the vault on eip155:1 holds 8 of eip155:1/slip44:60 at block 7, the )"
            R"(ledger says 9"})"
    );
}

TEST(ReconciliationLeaf, IsReadBack) {
    for (const auto held : {std::optional<std::uint64_t>(8), std::optional<std::uint64_t>()}) {
        const Reconciliation what = reading(7, 9, held);
        const Bytes bytes = reconciliation_leaf(what);
        const auto leaf = read_leaf(test_network(), bytes);
        ASSERT_TRUE(leaf) << leaf.error().detail;
        EXPECT_EQ(parse_reconciliation(leaf.value().body).value(), what);
    }
}

TEST(ReconciliationLeaf, WhatFollowsFromTheNumbersCannotBeSaidInAnotherWay) {
    const json good = json::parse(as_text(reconciliation_leaf(reading(7, 9, 8))));
    const auto refused = [](const json& leaf) {
        return !read_leaf(test_network(), to_bytes(leaf.dump())).has_value();
    };
    ASSERT_FALSE(refused(good));
    json bad = good;
    bad["detail"]["verdict"] = "match";
    EXPECT_TRUE(refused(bad));
    bad = good;
    bad["reason"] = "match";
    EXPECT_TRUE(refused(bad));
    bad = good;
    bad["detail"]["ledgers"][0]["missing"] = "0";
    EXPECT_TRUE(refused(bad));
    bad = good;
    bad["detail"]["ledgers"][0]["held"] = "009";
    EXPECT_TRUE(refused(bad));
    bad = good;
    bad["detail"]["ledgers"].push_back(good["detail"]["ledgers"][0]);
    EXPECT_TRUE(refused(bad)) << "one ledger twice";
    bad = good;
    bad["chain"] = "eip155:2";
    EXPECT_TRUE(refused(bad)) << "a ledger of another chain";
    bad = good;
    bad["detail"]["state"] = "fine";
    EXPECT_TRUE(refused(bad));
    bad = good;
    bad["detail"]["more"] = "1";
    EXPECT_TRUE(refused(bad));
}

/// A log with one round; more leaves are added to it.
class ReconciliationAudit : public ::testing::Test {
  protected:
    ReconciliationAudit() { log_ = sample_log(0, keys_); }

    void attest(std::uint64_t number) {
        SampleRound round(++round_, previous_);
        const std::string name = std::to_string(number);
        const Head head{
            kChain,
            BlockNum{number},
            keccak256("block " + name),
            number,
            keccak256("accumulator " + name)};
        round.heads = {head};
        round.attestation.snapshot = snapshot_hash(round.heads);
        previous_ = round.digest();
        log_.push_back(round.leaf(keys_));
    }

    void read(std::uint64_t block, std::uint64_t held, CustodyState state) {
        Reconciliation what = reading(block, 9, held);
        what.state = state;
        log_.push_back(reconciliation_leaf(what));
    }

    void notice(std::string_view kind) {
        log_.push_back(notice_leaf(kind, kChain, "as told", Canonical::Object{}));
    }

    [[nodiscard]] std::string findings() const {
        std::string out;
        for (const Finding& finding : audit(test_network(), log_, genesis_.addresses, 2).findings) {
            out += finding.what + "\n";
        }
        return out;
    }

    void expect_finding(const std::string& word) const {
        EXPECT_NE(findings().find(word), std::string::npos) << findings();
    }

    Keys genesis_{{"a", "b", "c"}};
    Keys keys_{{"a", "b"}};
    std::vector<Bytes> log_;
    std::uint64_t round_{0};
    Hash32 previous_;
};

TEST_F(ReconciliationAudit, ADeficitThatHaltsIsInOrder) {
    attest(5);
    read(6, 9, CustodyState::kClear);
    attest(6);
    read(7, 8, CustodyState::kSuspected);
    read(8, 8, CustodyState::kDeficit);
    notice("halt");
    attest(6);
    read(9, 9, CustodyState::kDeficit);
    read(10, 9, CustodyState::kClear);
    notice("resume");
    attest(10);
    EXPECT_EQ(findings(), "");
}

TEST_F(ReconciliationAudit, ARoundOnABlockThatLacksSomethingIsFound) {
    read(7, 8, CustodyState::kSuspected);
    attest(7);
    expect_finding("stands where the vault on eip155:1 holds 8");
}

TEST_F(ReconciliationAudit, ADeficitWithoutAHaltIsFound) {
    attest(6);
    read(7, 8, CustodyState::kSuspected);
    read(8, 8, CustodyState::kDeficit);
    attest(6);
    expect_finding("not halted");
}

TEST_F(ReconciliationAudit, ADeficitThatIsCalledClearIsFound) {
    read(7, 8, CustodyState::kClear);
    expect_finding("calls the chain clear");
}

TEST_F(ReconciliationAudit, AReadingOfAnotherBlockThanTheAttestedOneIsFound) {
    attest(7);
    Reconciliation what = reading(7, 9, 9);
    what.block.hash = keccak256("a fork");
    log_.push_back(reconciliation_leaf(what));
    expect_finding("the attestation before is of");
}

TEST_F(ReconciliationAudit, AReadingThatGoesBackIsFound) {
    read(7, 9, CustodyState::kClear);
    read(6, 9, CustodyState::kClear);
    expect_finding("goes back from block 7");
}

}  // namespace
}  // namespace margrave::attest
