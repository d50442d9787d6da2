// SPDX-License-Identifier: Apache-2.0
#include "attest/tlog.hpp"

#include "tests/unit/attest/samples.hpp"

#include <map>
#include <optional>
#include <sodium.h>

namespace margrave::attest {
namespace {

using namespace tests;
using nlohmann::json;

std::optional<Hash32> hash_of_base64(const json& text) {
    const std::string encoded = text;
    Hash32 out;
    std::size_t size = 0;
    Bytes bytes(encoded.size() + 1);
    if (sodium_base642bin(
            bytes.data(),
            bytes.size(),
            encoded.data(),
            encoded.size(),
            nullptr,
            &size,
            nullptr,
            sodium_base64_VARIANT_ORIGINAL
        ) != 0 ||
        size != Hash32::kSize) {
        return std::nullopt;
    }
    std::copy_n(bytes.begin(), size, out.data.begin());
    return out;
}

// Nothing when one of them is not 32 bytes: such a proof cannot reach the verifier.
std::optional<std::vector<Hash32>> proof_of(const json& list) {
    std::vector<Hash32> out;
    for (const json& item : list) {
        const auto hash = hash_of_base64(item);
        if (!hash) {
            return std::nullopt;
        }
        out.push_back(*hash);
    }
    return out;
}

std::unique_ptr<TileLog> memory_log(const std::filesystem::path& dir) {
    return TileLog::open(
               dir,
               "test.log",
               0,
               [](std::uint64_t) -> Result<Bytes> { return fail(Errc::kNotFound, "none"); }
    ).value();
}

TEST(Tlog, HashesAndRootsAreThoseOfRfc6962) {
    MARGRAVE_SKIP_WITHOUT_VECTORS();
    const json tree = public_vectors("transparency-log.json")["rfc6962_tree"];
    const TempDir dir;
    const auto log = memory_log(dir.path());
    EXPECT_EQ(to_hex(log->root()).substr(2), text_of(tree["root_by_size_hex"][0]));
    std::vector<Hash32> leaves;
    for (std::size_t i = 0; i < tree["leaf_inputs_hex"].size(); ++i) {
        const Bytes entry = bytes_of_hex(tree["leaf_inputs_hex"][i].get<std::string>());
        leaves.push_back(entry_hash(entry));
        EXPECT_EQ(to_hex(leaves.back()).substr(2), text_of(tree["leaf_hashes_hex"][i]));
        ASSERT_TRUE(log->append(entry));
        EXPECT_EQ(to_hex(log->root()).substr(2), text_of(tree["root_by_size_hex"][i + 1]));
    }
    for (const char* level : {"level1_hex", "level2_hex"}) {
        std::vector<Hash32> above;
        for (std::size_t i = 0; i + 1 < leaves.size(); i += 2) {
            above.push_back(node_hash(leaves[i], leaves[i + 1]));
            EXPECT_EQ(to_hex(above.back()).substr(2), text_of(tree[level][i / 2]));
        }
        leaves = above;
    }
}

TEST(Tlog, InclusionProofsAreJudgedAsTheVectorsSay) {
    MARGRAVE_SKIP_WITHOUT_VECTORS();
    const json cases = public_vectors("transparency-log.json")["inclusion_proofs"]["cases"];
    ASSERT_EQ(cases.size(), 49U);
    for (const json& row : cases) {
        const auto root = hash_of_base64(row["root"]);
        const auto leaf = hash_of_base64(row["leafHash"]);
        const auto proof = proof_of(row["proof"].is_null() ? json::array() : row["proof"]);
        const bool accepted =
            root && leaf && proof &&
            verify_inclusion(*root, row["treeSize"], row["leafIdx"], *leaf, *proof);
        EXPECT_EQ(accepted, !row["wantErr"].get<bool>()) << row["file"] << row["desc"];
    }
}

TEST(Tlog, ConsistencyProofsAreJudgedAsTheVectorsSay) {
    MARGRAVE_SKIP_WITHOUT_VECTORS();
    const json cases = public_vectors("transparency-log.json")["consistency_proofs"]["cases"];
    ASSERT_EQ(cases.size(), 49U);
    for (const json& row : cases) {
        const auto root1 = hash_of_base64(row["root1"]);
        const auto root2 = hash_of_base64(row["root2"]);
        const auto proof = proof_of(row["proof"].is_null() ? json::array() : row["proof"]);
        const bool accepted =
            root1 && root2 && proof &&
            verify_consistency(*root1, row["size1"], *root2, row["size2"], *proof);
        EXPECT_EQ(accepted, !row["wantErr"].get<bool>()) << row["file"] << row["desc"];
    }
}

TEST(Tlog, RootsUpToSeventyThousandEntriesAreThoseOfGo) {
    MARGRAVE_SKIP_WITHOUT_VECTORS();
    const json roots =
        public_vectors("transparency-log.json")["derived_tree_roots"]["root_b64_by_size"];
    const TempDir dir;
    const auto log = memory_log(dir.path());
    std::size_t seen = 0;
    for (std::uint64_t i = 0; i < 70'000; ++i) {
        ASSERT_TRUE(log->append(as_bytes("leaf " + std::to_string(i))));
        if (const auto row = roots.find(std::to_string(i + 1)); row != roots.end()) {
            EXPECT_EQ(log->root(), hash_of_base64(*row)) << i + 1;
            ++seen;
        }
    }
    EXPECT_EQ(seen, roots.size());
}

TEST(Tlog, ARecordHashesAsInGo) {
    MARGRAVE_SKIP_WITHOUT_VECTORS();
    const json text = public_vectors("transparency-log.json")["tree_text"];
    const std::string record = text["record_ascii"];
    EXPECT_EQ(entry_hash(as_bytes(record)), hash_of_base64(text["record_hash_b64"]));
}

TEST(Tlog, EveryProofTheLogMakesVerifiesAndNoOther) {
    const TempDir dir;
    const auto log = memory_log(dir.path());
    std::vector<Hash32> leaves;
    std::vector<Hash32> roots{log->root()};
    constexpr std::uint64_t kSize = 67;
    for (std::uint64_t size = 1; size <= kSize; ++size) {
        const std::string entry = "entry " + std::to_string(size);
        ASSERT_TRUE(log->append(as_bytes(entry)));
        leaves.push_back(entry_hash(as_bytes(entry)));
        roots.push_back(log->root());
        for (std::uint64_t index = 0; index < size; ++index) {
            const auto proof = log->inclusion(index).value();
            ASSERT_TRUE(verify_inclusion(roots[size], size, index, leaves[index], proof));
            ASSERT_FALSE(verify_inclusion(roots[size - 1], size, index, leaves[index], proof));
            ASSERT_FALSE(verify_inclusion(roots[size], size, index + 1, leaves[index], proof));
        }
        for (std::uint64_t old = 1; old <= size; ++old) {
            const auto proof = log->consistency(old).value();
            ASSERT_TRUE(verify_consistency(roots[old], old, roots[size], size, proof));
            ASSERT_FALSE(verify_consistency(roots[old - 1], old, roots[size], size, proof));
        }
        EXPECT_FALSE(log->inclusion(size));
        EXPECT_FALSE(log->consistency(0));
        EXPECT_FALSE(log->consistency(size + 1));
    }
}

TEST(Checkpoint, IsTheSignedNoteOfOriginSizeAndRoot) {
    const Checkpoint checkpoint{"log.example/x", 42, keccak256("root")};
    const LogKey key = sample_log_key();
    const std::string note = sign_checkpoint(checkpoint, key);
    EXPECT_TRUE(note.starts_with("log.example/x\n42\n"));
    const auto opened = open_checkpoint(note, log_vkey("log.example/x", key));
    ASSERT_TRUE(opened) << opened.error().detail;
    EXPECT_EQ(opened.value().size, 42U);
    EXPECT_EQ(opened.value().root, checkpoint.root);
    EXPECT_EQ(opened.value().origin, checkpoint.origin);
}

TEST(Checkpoint, ThoseOfTheTesseraLogAreMadeToTheByte) {
    MARGRAVE_SKIP_WITHOUT_VECTORS();
    const json log = public_vectors("transparency-log.json")["tlog_tiles_log"];
    const std::string vkey = log["vkey"];
    std::size_t size = 0;
    for (const json& note : log["checkpoints"]) {
        const auto opened = open_checkpoint(note.get<std::string>(), vkey);
        ASSERT_TRUE(opened) << opened.error().detail;
        EXPECT_EQ(opened.value().size, size++);
    }
}

TEST(Checkpoint, OfALargeLogInAnotherLanguageOpens) {
    MARGRAVE_SKIP_WITHOUT_VECTORS();
    const json row = public_vectors("transparency-log.json")["relayer_example_checkpoint"];
    const std::string vkey = row["vkey"];
    EXPECT_EQ(open_checkpoint(row["signed"].get<std::string>(), vkey).value().size, 70'000U);
    EXPECT_EQ(open_checkpoint(row["older_signed"].get<std::string>(), vkey).value().size, 46'666U);
}

TEST(Checkpoint, OfAnotherOriginThanTheKeysIsRefused) {
    const LogKey key = sample_log_key();
    const std::string text = "other.example\n1\n" + std::string(43, 'A') + "=\n";
    ASSERT_TRUE(parse_checkpoint_text(text));
    EXPECT_FALSE(open_checkpoint(
        sign_checkpoint({"other.example", 1, Hash32{}}, key), log_vkey("log.example", key)
    ));
}

TEST(Checkpoint, MalformedTextsAreRefused) {
    const std::string root = std::string(43, 'A') + "=";
    EXPECT_TRUE(parse_checkpoint_text("o\n0\n" + root + "\n"));
    EXPECT_TRUE(parse_checkpoint_text("o\n1\n" + root + "\nextension\n"));
    for (const std::string& bad :
         {std::string(),
          std::string("o\n1\n"),
          "o\n01\n" + root + "\n",
          "o\n-1\n" + root + "\n",
          "o\n1x\n" + root + "\n",
          "\n1\n" + root + "\n",
          std::string("o\n1\nAAAA\n"),
          "o\n1\n" + root,
          "o\n18446744073709551616\n" + root + "\n",
          "o\n1\n" + root + "=\n"}) {
        EXPECT_FALSE(parse_checkpoint_text(bad)) << bad;
    }
}

TEST(Checkpoint, TheOriginNamesNetworkAndOperator) {
    Hash32 network;
    network.data[0] = 0xab;
    EXPECT_EQ(log_origin(network, "op-1"), "margrave.ab00000000000000.op-1");
}

}  // namespace
}  // namespace margrave::attest
