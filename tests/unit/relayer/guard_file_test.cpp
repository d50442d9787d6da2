// SPDX-License-Identifier: Apache-2.0
#include "relayer/guard_file.hpp"

#include "core/keccak.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace margrave::relayer {
namespace {

using nlohmann::json;

const Hash32 kNetwork = keccak256("network");
const Hash32 kSubject = keccak256("attestation");

store::GuardEntry entry(std::uint64_t epoch) {
    store::GuardEntry out;
    out.signer = low_address(keccak256("signer"));
    out.domain = keccak256("domain");
    out.subject = kSubject;
    out.epoch = epoch;
    out.digest = keccak256("digest " + std::to_string(epoch));
    return out;
}

GuardFile sample() {
    GuardFile file;
    file.network = kNetwork;
    file.entries = {entry(1), entry(2)};
    store::GuardEntry& newest = file.entries.back();
    newest.message = to_bytes("message");
    Head head;
    head.chain = ChainId::evm(10);
    head.number = BlockNum{5};
    head.hash = keccak256("block");
    head.events = 3;
    head.accumulator = keccak256("accumulator");
    newest.as_of = {head};
    file.entries.push_back(entry(1));
    file.entries.back().signer = low_address(keccak256("second"));
    return file;
}

bool same(const store::GuardEntry& a, const store::GuardEntry& b) {
    return a.signer == b.signer && a.domain == b.domain && a.subject == b.subject &&
           a.epoch == b.epoch && a.digest == b.digest && a.message == b.message &&
           a.as_of == b.as_of;
}

TEST(GuardInterchange, TheCompleteFormComesBackWhole) {
    const GuardFile file = sample();
    const std::string text = write_guard_file(file, /*minimal=*/false);
    const auto read = read_guard_file(text, kNetwork);
    ASSERT_TRUE(read.has_value()) << read.error().detail;
    ASSERT_EQ(read.value().entries.size(), file.entries.size());
    for (std::size_t i = 0; i < file.entries.size(); ++i) {
        EXPECT_TRUE(same(read.value().entries[i], file.entries[i])) << i;
    }
    EXPECT_EQ(write_guard_file(read.value(), false), text);
    EXPECT_EQ(json::parse(text)["data"].size(), 2U);
}

TEST(GuardInterchange, TheMinimalFormHasNeitherDigestsNorMessages) {
    const std::string text = write_guard_file(sample(), /*minimal=*/true);
    EXPECT_EQ(text.find("digest"), std::string::npos);
    EXPECT_EQ(text.find("message"), std::string::npos);
    const auto read = read_guard_file(text, kNetwork);
    ASSERT_TRUE(read.has_value()) << read.error().detail;
    EXPECT_TRUE(read.value().entries[1].digest.is_zero());
    EXPECT_EQ(read.value().entries[1].as_of, sample().entries[1].as_of);
}

TEST(GuardInterchange, AnEmptyFileIsAFile) {
    const auto read = read_guard_file(write_guard_file({kNetwork, {}}, false), kNetwork);
    ASSERT_TRUE(read.has_value()) << read.error().detail;
    EXPECT_TRUE(read.value().entries.empty());
}

struct Bad {
    const char* pointer;
    /// JSON; empty removes what is there.
    const char* value;
    const char* words;
};

constexpr Bad kBad[] = {
    {"/metadata", "", "/metadata: is missing"},
    {"/metadata", "[]", "/metadata: is no object"},
    {"/metadata/network", "", "/metadata/network: is missing"},
    {"/metadata/network", "\"0x12\"", "/metadata/network:"},
    {"/metadata/network",
     "\"0x0000000000000000000000000000000000000000000000000000000000000001\"",
     "is another network than the config's"},
    {"/metadata/interchange_format", "\"eip-3076\"", "this version reads margrave-guard version 1"},
    {"/metadata/interchange_format_version", "\"2\"", "version \"2\""},
    {"/metadata/interchange_format_version", "1", "is no string"},
    {"/metadata/other", "\"x\"", "/metadata/other: is no member that is known here"},
    {"/data", "", "/data: is missing"},
    {"/data", "{}", "/data: is no array"},
    {"/more", "1", "/more: is no member"},
    {"/data/0", "7", "/data/0: is no object"},
    {"/data/0/signer", "", "/data/0/signer: is missing"},
    {"/data/0/signer", "\"0x1\"", "/data/0/signer:"},
    {"/data/0/signed", "", "/data/0/signed: is missing"},
    {"/data/0/signed_blocks", "[]", "/data/0/signed_blocks: is no member"},
    {"/data/0/signed/1/domain", "", "/data/0/signed/1/domain: is missing"},
    {"/data/0/signed/1/subject", "", "/data/0/signed/1/subject: is missing"},
    {"/data/0/signed/1/epoch", "", "/data/0/signed/1/epoch: is missing"},
    {"/data/0/signed/1/epoch", "2", "is no string"},
    {"/data/0/signed/1/epoch", "\"0\"", "epochs begin with 1"},
    {"/data/0/signed/1/epoch", "\"-1\"", "/data/0/signed/1/epoch:"},
    {"/data/0/signed/1/epoch", "\"18446744073709551616\"", "/data/0/signed/1/epoch:"},
    {"/data/0/signed/1/digest", "\"0x\"", "/data/0/signed/1/digest:"},
    {"/data/0/signed/1/digest", "null", "is no string"},
    {"/data/0/signed/1/digest",
     "\"0x0000000000000000000000000000000000000000000000000000000000000000\"",
     "no statement has the digest zero"},
    {"/data/0/signed/1/message", "\"zz\"", "/data/0/signed/1/message:"},
    {"/data/0/signed/1/heads", "{}", "is no array"},
    {"/data/0/signed/1/heads/0/chain", "\"ethereum\"", "/data/0/signed/1/heads/0/chain:"},
    {"/data/0/signed/1/heads/0/number", "", "/data/0/signed/1/heads/0/number: is missing"},
    {"/data/0/signed/1/heads/0/height", "\"1\"", "/data/0/signed/1/heads/0/height: is no member"},
};

TEST(GuardInterchange, EveryWrongMemberIsNamed) {
    for (const Bad& bad : kBad) {
        json document = json::parse(write_guard_file(sample(), false));
        const json::json_pointer at(bad.pointer);
        if (*bad.value == '\0') {
            document.at(at.parent_pointer()).erase(at.back());
        } else {
            document[at] = json::parse(bad.value);
        }
        const auto read = read_guard_file(document.dump(), kNetwork);
        ASSERT_FALSE(read.has_value()) << bad.pointer << " " << bad.value;
        EXPECT_EQ(read.error().code, Errc::kConfig);
        EXPECT_NE(read.error().detail.find(bad.words), std::string::npos)
            << bad.pointer << ": " << read.error().detail;
    }
}

TEST(GuardInterchange, WhatIsNoStrictJsonIsRefused) {
    const std::string good = write_guard_file(sample(), false);
    std::string twice = good;
    twice.insert(1, "\"data\": [], ");
    for (const std::string& text :
         {std::string{}, good.substr(0, good.size() / 2), good + "x", twice}) {
        const auto read = read_guard_file(text, kNetwork);
        ASSERT_FALSE(read.has_value());
        EXPECT_EQ(read.error().code, Errc::kConfig);
    }
}

}  // namespace
}  // namespace margrave::relayer
