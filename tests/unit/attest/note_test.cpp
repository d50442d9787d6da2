// SPDX-License-Identifier: Apache-2.0
#include "attest/note.hpp"

#include "tests/unit/attest/samples.hpp"

namespace margrave::attest {
namespace {

using namespace tests;
using nlohmann::json;

TEST(Note, EveryPublicNoteOpensOrIsRefusedAsItsVectorSays) {
    MARGRAVE_SKIP_WITHOUT_VECTORS();
    const json vectors = public_vectors("transparency-log.json");
    ASSERT_EQ(vectors["notes"].size(), 6U);
    for (const json& row : vectors["notes"]) {
        const auto opened =
            open_note(row["signed"].get<std::string>(), row["vkey"].get<std::string>());
        EXPECT_EQ(opened.has_value(), !row["wantErr"].get<bool>()) << row["source"];
        if (opened && row.contains("text")) {
            EXPECT_EQ(opened.value(), text_of(row["text"]));
        }
        if (row.contains("skey_public_test_key")) {
            const LogKey key = key_of_go(text_of(row["skey_public_test_key"]));
            const std::string vkey = row["vkey"];
            const std::string name = vkey.substr(0, vkey.find('+'));
            EXPECT_EQ(note_vkey(name, key), vkey);
            EXPECT_EQ(sign_note(row["text"].get<std::string>(), name, key), text_of(row["signed"]));
        }
    }
}

TEST(Note, BadVerifierKeysAreRefused) {
    MARGRAVE_SKIP_WITHOUT_VECTORS();
    const json vectors = public_vectors("transparency-log.json");
    const std::string note = vectors["notes"][0]["signed"];
    for (const json& vkey : vectors["bad_vkeys"]["cases"]) {
        const auto opened = open_note(note, vkey.get<std::string>());
        ASSERT_FALSE(opened) << vkey;
        EXPECT_EQ(opened.error().code, Errc::kInvalid);
    }
}

// Cosignatures stand beside the log's own line, which must open as if it stood alone.
TEST(Note, LinesOfWitnessesAreSkipped) {
    MARGRAVE_SKIP_WITHOUT_VECTORS();
    const json vectors = public_vectors("transparency-log.json");
    for (const json& row : vectors["cosignatures_v1_ed25519"]) {
        const std::string foreign = row["signed"];
        const std::string text = foreign.substr(0, foreign.rfind("\n\n") + 1);
        const LogKey key = sample_log_key();
        std::string note = sign_note(text, "log.example", key);
        note += foreign.substr(foreign.rfind("\n\n") + 2);
        EXPECT_EQ(open_note(note, note_vkey("log.example", key)).value(), text);
    }
}

class Notes : public ::testing::Test {
  protected:
    LogKey key_ = sample_log_key();
    std::string vkey_ = note_vkey("name", key_);
    std::string note_ = sign_note("text\n\nmore\n", "name", key_);
};

TEST_F(Notes, TheTextEndsAtTheLastBlankLine) {
    EXPECT_EQ(open_note(note_, vkey_).value(), "text\n\nmore\n");
}

TEST_F(Notes, AnyChangedByteIsFound) {
    for (std::size_t i = 0; i < note_.size(); ++i) {
        for (const int flip : {1, 0x80}) {
            std::string changed = note_;
            changed[i] = static_cast<char>(changed[i] ^ flip);
            const auto opened = open_note(changed, vkey_);
            ASSERT_FALSE(opened) << i;
            EXPECT_EQ(opened.error().code, Errc::kSignature);
        }
    }
}

TEST_F(Notes, AnyCutNoteIsRefused) {
    for (std::size_t size = 0; size < note_.size(); ++size) {
        EXPECT_FALSE(open_note(note_.substr(0, size), vkey_)) << size;
    }
}

TEST_F(Notes, AnotherKeyOfTheSameNameIsAStranger) {
    const LogKey other = derive_log_key(key_of("b"));
    const auto opened = open_note(note_, note_vkey("name", other));
    ASSERT_FALSE(opened);
    EXPECT_NE(opened.error().detail.find("no signature by name"), std::string::npos);
}

TEST_F(Notes, OneBadLineOfOursSpoilsTheNoteEvenBesideAGoodOne) {
    std::string line = note_.substr(note_.rfind("\n\n") + 2);
    std::string forged = sign_note("other\n", "name", key_);
    forged = forged.substr(forged.rfind("\n\n") + 2);
    EXPECT_TRUE(open_note(note_ + line, vkey_));
    EXPECT_FALSE(open_note(note_ + forged, vkey_));
    EXPECT_FALSE(open_note(note_ + "no signature line\n", vkey_));
    EXPECT_FALSE(open_note(note_ + "\xe2\x80\x94 name \n", vkey_));
}

TEST_F(Notes, AHundredLinesAreReadAndNotOneMore) {
    const std::string line = note_.substr(note_.rfind("\n\n") + 2);
    std::string note = note_;
    for (int i = 1; i < 100; ++i) {
        note += line;
    }
    EXPECT_TRUE(open_note(note, vkey_));
    EXPECT_FALSE(open_note(note + line, vkey_));
}

TEST_F(Notes, NamesThatWouldBreakALineAreRefused) {
    for (const char* name : {"", "a b", "a+b", "a\nb", "a\x01", "a\xff"}) {
        EXPECT_FALSE(is_note_name(name)) << name;
    }
    EXPECT_TRUE(is_note_name("margrave.0123456789abcdef.operator-1"));
    EXPECT_TRUE(is_note_name("\xc3\xa9"));
}

TEST_F(Notes, VerifierKeysAreReadStrictly) {
    EXPECT_EQ(vkey_name(vkey_).value(), "name");
    for (const std::string& bad :
         {std::string(),
          std::string("name"),
          std::string("name+00000000"),
          std::string("name+00000000+"),
          "x" + vkey_,
          vkey_ + "A",
          vkey_.substr(0, vkey_.size() - 1),
          "name+" + vkey_}) {
        EXPECT_FALSE(vkey_name(bad)) << bad;
    }
}

TEST(Wycheproof, Ed25519VerificationAgreesWithEveryVector) {
    MARGRAVE_SKIP_WITHOUT_VECTORS();
    const json vectors = public_vectors("wycheproof/ed25519_test.json");
    std::size_t cases = 0;
    for (const json& group : vectors["testGroups"]) {
        const Bytes key = bytes_of_hex(group["publicKey"]["pk"].get<std::string>());
        for (const json& test : group["tests"]) {
            ++cases;
            const Bytes message = bytes_of_hex(test["msg"].get<std::string>());
            const Bytes signature = bytes_of_hex(test["sig"].get<std::string>());
            EXPECT_EQ(verify_ed25519(key, message, signature), test["result"] == "valid")
                << test["tcId"] << test["comment"];
        }
    }
    EXPECT_EQ(cases, vectors["numberOfTests"]);
}

}  // namespace
}  // namespace margrave::attest
