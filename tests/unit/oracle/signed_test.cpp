// SPDX-License-Identifier: Apache-2.0
#include "oracle/sources/signed.hpp"

#include "core/keccak.hpp"
#include "infra/files.hpp"
#include "tests/support/test_signer.hpp"
#include "tests/unit/oracle/source_probe.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <string_view>
#include <unistd.h>

namespace margrave::oracle {
namespace {

using reports::Report;
using reports::SignedReport;
using tests::TestSigner;

constexpr UnixSeconds kNow{1'764'345'630};

const TestSigner& signer(std::size_t index) {
    static const TestSigner kSigners[]{
        TestSigner(keccak256(std::string_view("reporter 0"))),
        TestSigner(keccak256(std::string_view("reporter 1"))),
        TestSigner(keccak256(std::string_view("reporter 2")))};
    return kSigners[index];
}

Report report(std::string_view price = "3000", std::uint64_t at = kNow.value) {
    return {
        "ETH", "USD", Money::parse(price).value(), Money::parse("1.5").value(), UnixSeconds{at}};
}

std::string document(const Report& given, std::initializer_list<std::size_t> by) {
    const Hash32 digest = reports::digest_of(given);
    std::string out = R"({"report":{"base":")" + given.base + R"(","confidence":")" +
                      given.confidence.to_string_e18() + R"(","price":")" +
                      given.price.to_string_e18() + R"(","publishedAt":")" +
                      std::to_string(given.published_at.value) + R"(","quote":")" + given.quote +
                      R"("},"signatures":[)";
    for (const std::size_t index : by) {
        const Signature signature = signer(index).sign(digest).value();
        out += (out.back() == '[' ? "\"" : ",\"") + to_hex(ByteView(signature)) + "\"";
    }
    return out + "]}";
}

class SignedTest : public ::testing::Test {
  protected:
    SignedTest() {
        path = std::filesystem::temp_directory_path() /
               ("margrave-report-" + std::to_string(::getpid()) + ".json");
        Canonical::Array signers;
        for (const std::size_t index : {0U, 1U, 2U}) {
            signers.emplace_back(to_hex(signer(index).address()));
        }
        auto made = make_source(
            settings_of(
                "signed",
                {{"base", "ETH"}, {"file", path.string()}, {"signers", signers}, {"threshold", "2"}}
            ),
            {}
        );
        EXPECT_TRUE(made.has_value());
        source = std::move(made).value();
    }

    ~SignedTest() override { std::filesystem::remove(path); }

    Answer read(std::string_view text) {
        EXPECT_TRUE(infra::write_file_atomic(path, text, 0600).has_value());
        return read_once(loop, *source, kNow);
    }

    void expect_refused(const std::string& text, std::string_view words) {
        const Answer answer = read(text);
        EXPECT_FALSE(answer.price.has_value());
        EXPECT_NE(answer.error.find(words), std::string::npos) << answer.error;
    }

    tests::Loop loop;
    std::filesystem::path path;
    std::unique_ptr<Source> source;
};

TEST_F(SignedTest, TwoOfThreeAreEnough) {
    const Answer answer = read(document(report(), {2, 0}));
    ASSERT_TRUE(answer.price.has_value()) << answer.error;
    EXPECT_EQ(*answer.price, Money::whole(3'000));
    EXPECT_EQ(answer.confidence, Money::parse("1.5").value());
    EXPECT_EQ(answer.published_at, kNow);
    EXPECT_EQ(answer.round, to_hex(reports::digest_of(report())));
    EXPECT_TRUE(answer.origin.starts_with("signers:0x"));
}

TEST_F(SignedTest, RefusesTooFewStrangersAndRepeats) {
    expect_refused(document(report(), {1}), "1 signed; 2 are needed");
    expect_refused(document(report(), {1, 1}), "signed twice");
    std::string other = document(report(), {0, 1});
    // A digit of the price is not what was signed, so the signatures are of somebody else.
    other.replace(other.find("3000"), 4, "3001");
    expect_refused(other, "not in the signer set");
    expect_refused(document(report(), {}), "0 signed");
}

TEST_F(SignedTest, AReportOfAnotherPairDoesNotPass) {
    Report other = report();
    other.base = "CBETH";
    expect_refused(document(other, {0, 1}), "another pair than ETH in USD");
    other = report();
    other.quote = "ETH";
    expect_refused(document(other, {0, 1}), "another pair");
}

TEST_F(SignedTest, TimeOnlyGoesOn) {
    EXPECT_TRUE(read(document(report(), {0, 1})).price.has_value());
    EXPECT_TRUE(read(document(report(), {1, 2})).price.has_value());
    expect_refused(document(report("2000", kNow.value - 1), {0, 1}), "was seen already");
    expect_refused(document(report("2000"), {0, 1}), "signed two reports");
    EXPECT_TRUE(read(document(report("2000", kNow.value + 1), {0, 1})).price.has_value());
}

TEST_F(SignedTest, RefusesOtherForms) {
    expect_refused("{}", "the report is no object of 2 members");
    expect_refused(R"({"report": {}, "signatures": []})", "/report is no object of 5 members");
    std::string high = document(report(), {0, 1});
    high.replace(high.find("\"0x") + 3, 2, "zz");
    expect_refused(high, "hex");
    expect_refused(document(report("0"), {0, 1}), "the price is zero");
}

// From the TypedDataEncoder of ethers.
TEST_F(SignedTest, TheDigestIsThatOfOtherImplementations) {
    EXPECT_EQ(
        to_hex(reports::digest_of(report())),
        "0x89ea06054a21fd43ad6e34422052ee4c4d9707bf47d2062312a17f28a1d34260"
    );
}

}  // namespace
}  // namespace margrave::oracle
