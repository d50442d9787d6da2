// SPDX-License-Identifier: Apache-2.0
#include "chains/evm/proof/trie.hpp"
#include "chains/evm/rlp.hpp"
#include "core/keccak.hpp"
#include "tests/unit/chains/evm_proof_samples.hpp"

#include <random>

namespace margrave::chains::evm::trie {
namespace {

using nlohmann::json;
using tests::hex;
using tests::PlainTrie;

using Map = std::map<Bytes, Bytes>;

Hash32 fast_root(const Map& map) {
    std::vector<Entry> entries;
    for (const auto& [key, value] : map) {
        entries.push_back({key, value});
    }
    const auto root = map_root(std::move(entries));
    return root ? root.value() : Hash32{};
}

// Text as it is, or hex where it starts with 0x.
Bytes bytes_of(const json& text) {
    const auto& words = text.get_ref<const std::string&>();
    return words.starts_with("0x") ? hex(words) : to_bytes(words);
}

void put(Map& map, const Bytes& key, const json& value) {
    if (value.is_null()) {
        map.erase(key);
    } else {
        map[key] = bytes_of(value);
    }
}

// The `in` of a trie test: pairs in order, where null takes a key away, or a map.
Map read_map(const json& in, bool secure) {
    Map out;
    const auto key_of = [&](const Bytes& key) {
        const Hash32 hash = keccak256(key);
        return secure ? Bytes(hash.data.begin(), hash.data.end()) : key;
    };
    if (in.is_array()) {
        for (const json& pair : in) {
            put(out, key_of(bytes_of(pair[0])), pair[1]);
        }
        return out;
    }
    for (const auto& [key, value] : in.items()) {
        put(out, key_of(bytes_of(json(key))), value);
    }
    return out;
}

struct RootFile {
    const char* name;
    bool secure;
    std::size_t cases;
};

TEST(Trie, EveryRootOfEthereumTestsComesOutAndEveryKeyOfThemIsProved) {
    MARGRAVE_SKIP_WITHOUT_VECTORS();
    const std::vector<RootFile> files{
        {"trietest", false, 5},
        {"trieanyorder", false, 7},
        {"hex_encoded_securetrie_test", true, 3},
        {"trietest_secureTrie", true, 3},
        {"trieanyorder_secureTrie", true, 7}};
    for (const RootFile& file : files) {
        const json cases =
            tests::load_vectors("ethereum/TrieTests_" + std::string(file.name) + ".json");
        EXPECT_EQ(cases.size(), file.cases) << file.name;
        for (const auto& [name, entry] : cases.items()) {
            const Map map = read_map(entry["in"], file.secure);
            const Hash32 root = parse_hash32(entry["root"].get<std::string>()).value();
            EXPECT_EQ(fast_root(map), root) << file.name << " " << name;
            const PlainTrie plain(map);
            ASSERT_EQ(plain.root(), root) << file.name << " " << name;
            for (const auto& [key, value] : map) {
                const auto proved = verify_proof(root, key, plain.prove(key));
                ASSERT_TRUE(proved.has_value()) << name << ": " << proved.error().detail;
                EXPECT_EQ(proved.value(), value) << name;
            }
        }
    }
}

// trietestnextprev has no roots; its keys are there, and what lies between them is not.
TEST(Trie, EveryQueryOfNextPrevIsProvedPresentOrAbsent) {
    MARGRAVE_SKIP_WITHOUT_VECTORS();
    const json cases = tests::load_vectors("ethereum/TrieTests_trietestnextprev.json");
    ASSERT_FALSE(cases.empty());
    for (const auto& [name, entry] : cases.items()) {
        Map map;
        for (const json& key : entry["in"]) {
            map[bytes_of(key)] = bytes_of(key);
        }
        const PlainTrie plain(map);
        for (const json& query : entry["tests"]) {
            const Bytes key = bytes_of(query[0]);
            const auto proved = verify_proof(plain.root(), key, plain.prove(key));
            ASSERT_TRUE(proved.has_value()) << query << ": " << proved.error().detail;
            EXPECT_EQ(proved.value().has_value(), map.contains(key)) << query;
        }
    }
}

TEST(Trie, EveryHexPrefixOfEthereumTestsComesOut) {
    MARGRAVE_SKIP_WITHOUT_VECTORS();
    const json cases = tests::load_vectors("ethereum/BasicTests_hexencodetest.json");
    ASSERT_EQ(cases.size(), 12U);
    for (const auto& [name, entry] : cases.items()) {
        const auto nibbles = entry["seq"].get<std::vector<std::uint8_t>>();
        EXPECT_EQ(
            hex_prefix(nibbles, entry["term"].get<bool>()),
            hex("0x" + entry["out"].get<std::string>())
        ) << name;
    }
}

TEST(Trie, TheEmptyTrieHasTheKnownRootAndProvesEveryAbsence) {
    EXPECT_EQ(
        to_hex(empty_root()), "0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421"
    );
    EXPECT_EQ(list_root(std::span<const Bytes>{}), empty_root());
    EXPECT_EQ(map_root({}).value(), empty_root());
    const Bytes key{1, 2};
    EXPECT_EQ(verify_proof(empty_root(), key, {}).value(), std::nullopt);
    // The one node of the empty trie, spelled.
    const std::vector<Bytes> spelled{Bytes{0x80}};
    EXPECT_EQ(verify_proof(empty_root(), key, spelled).value(), std::nullopt);
    const std::vector<Bytes> other{Bytes{0xc0}};
    EXPECT_REFUSED(verify_proof(empty_root(), key, other), Errc::kUnproved, "empty trie");
}

TEST(Trie, MapsThatNoTrieCanHoldAreRefused) {
    const Bytes key{1};
    const Bytes value{2};
    const Bytes none;
    const Bytes long_key(kKeyMax + 1, 7);
    EXPECT_REFUSED(map_root({{key, none}}), Errc::kInvalid, "no value");
    EXPECT_REFUSED(map_root({{key, value}, {key, value}}), Errc::kInvalid, "twice");
    EXPECT_REFUSED(map_root({{long_key, value}}), Errc::kLimit, "65 bytes");
}

Bytes index_key(std::uint64_t index) {
    Bytes out;
    rlp::put_uint(out, index);
    return out;
}

TEST(Trie, AListHasTheRootOfTheMapFromIndexesToItsValues) {
    std::mt19937_64 random(7);
    for (const std::size_t size :
         {1U, 2U, 15U, 16U, 17U, 127U, 128U, 129U, 255U, 256U, 257U, 700U}) {
        std::vector<Bytes> values;
        Map map;
        for (std::size_t i = 0; i < size; ++i) {
            values.emplace_back(1 + random() % 90, static_cast<std::uint8_t>(random()));
            map[index_key(i)] = values.back();
        }
        const Hash32 root = list_root(std::span<const Bytes>(values));
        EXPECT_EQ(root, fast_root(map)) << size;
        EXPECT_EQ(root, PlainTrie(map).root()) << size;
    }
}

// Short keys and values: extensions, branches with values, and nodes embedded in nodes.
Map random_map(std::mt19937_64& random) {
    Map out;
    const std::size_t size = 1 + random() % 24;
    for (std::size_t i = 0; i < size; ++i) {
        Bytes key(random() % 5, 0);
        for (std::uint8_t& b : key) {
            b = static_cast<std::uint8_t>(random() % 3 * 0x11);
        }
        out[key] = Bytes(1 + random() % 40, static_cast<std::uint8_t>(1 + random() % 255));
    }
    return out;
}

TEST(Trie, RandomMapsHaveTheRootOfTheDefinitionAndProveEveryKey) {
    std::mt19937_64 random(1);
    for (int round = 0; round < 400; ++round) {
        const Map map = random_map(random);
        const PlainTrie plain(map);
        ASSERT_EQ(fast_root(map), plain.root()) << round;
        for (int i = 0; i < 12; ++i) {
            const Map other = random_map(random);
            const Bytes& key = other.begin()->first;
            const auto proved = verify_proof(plain.root(), key, plain.prove(key));
            ASSERT_TRUE(proved.has_value()) << round << ": " << proved.error().detail;
            const auto at = map.find(key);
            EXPECT_EQ(proved.value(), at == map.end() ? Proved{} : Proved{at->second}) << round;
        }
    }
}

struct Proof {
    Hash32 root;
    Bytes key;
    std::vector<Bytes> nodes;
};

Proof deep_proof() {
    Map map;
    for (std::uint64_t i = 0; i < 500; ++i) {
        const Hash32 key = keccak256(index_key(i));
        map[Bytes(key.data.begin(), key.data.end())] = index_key(i + 1);
    }
    const PlainTrie plain(map);
    return {plain.root(), map.begin()->first, plain.prove(map.begin()->first)};
}

TEST(Trie, AProofWithANodeMissingRepeatedSwappedOrAddedIsRefused) {
    const Proof proof = deep_proof();
    ASSERT_GE(proof.nodes.size(), 3U);
    ASSERT_TRUE(verify_proof(proof.root, proof.key, proof.nodes).has_value());
    for (std::size_t i = 0; i < proof.nodes.size(); ++i) {
        const auto at = static_cast<std::ptrdiff_t>(i);
        auto nodes = proof.nodes;
        nodes.erase(nodes.begin() + at);
        EXPECT_EQ(verify_proof(proof.root, proof.key, nodes).error().code, Errc::kUnproved) << i;
        nodes = proof.nodes;
        nodes.insert(nodes.begin() + at, proof.nodes[i]);
        EXPECT_EQ(verify_proof(proof.root, proof.key, nodes).error().code, Errc::kUnproved) << i;
        if (i > 0) {
            nodes = proof.nodes;
            std::swap(nodes[i - 1], nodes[i]);
            EXPECT_REFUSED(
                verify_proof(proof.root, proof.key, nodes), Errc::kUnproved, "hashes to"
            );
        }
    }
    auto padded = proof.nodes;
    padded.push_back(proof.nodes.front());
    EXPECT_REFUSED(verify_proof(proof.root, proof.key, padded), Errc::kUnproved, "nodes, the path");
    auto cut = proof.nodes;
    cut.pop_back();
    EXPECT_REFUSED(verify_proof(proof.root, proof.key, cut), Errc::kUnproved, "ends after");
    EXPECT_REFUSED(verify_proof(proof.root, proof.key, {}), Errc::kUnable, "no node");
}

TEST(Trie, EveryByteOfAProofCounts) {
    const Proof proof = deep_proof();
    for (std::size_t i = 0; i < proof.nodes.size(); ++i) {
        for (std::size_t b = 0; b < proof.nodes[i].size(); ++b) {
            auto nodes = proof.nodes;
            nodes[i][b] = static_cast<std::uint8_t>(nodes[i][b] ^ 1);
            const auto proved = verify_proof(proof.root, proof.key, nodes);
            ASSERT_FALSE(proved.has_value()) << i << " " << b;
            EXPECT_EQ(proved.error().code, Errc::kUnproved);
        }
        auto nodes = proof.nodes;
        nodes[i].push_back(0);
        EXPECT_EQ(verify_proof(proof.root, proof.key, nodes).error().code, Errc::kUnproved);
        nodes[i].resize(proof.nodes[i].size() - 1);
        EXPECT_EQ(verify_proof(proof.root, proof.key, nodes).error().code, Errc::kUnproved);
    }
}

TEST(Trie, NodesAndKeysOverTheirBoundsAreNotJudged) {
    const std::vector<Bytes> big{Bytes(kNodeMax + 1, 0)};
    const Bytes key{1};
    EXPECT_REFUSED(verify_proof(keccak256(big[0]), key, big), Errc::kUnable, "at most");
    const Bytes long_key(kKeyMax + 1, 0);
    EXPECT_REFUSED(verify_proof(keccak256(big[0]), long_key, big), Errc::kUnable, "65 bytes");
}

// A list of RLP values, as a node.
Bytes node_of(const std::vector<Bytes>& members) {
    Bytes payload;
    for (const Bytes& member : members) {
        put_bytes(payload, member);
    }
    Bytes out;
    rlp::put_list(out, payload);
    return out;
}

Bytes text(const Bytes& value) {
    Bytes out;
    rlp::put_bytes(out, value);
    return out;
}

Errc judge(const std::vector<Bytes>& nodes, const Bytes& key) {
    const auto proved = verify_proof(keccak256(nodes[0]), key, nodes);
    return proved ? Errc::kNotFound : proved.error().code;
}

TEST(Trie, NodesThatHashRightButAreNotCanonicalAreRefused) {
    const Bytes key{0x12};
    const Bytes value(40, 9);
    const Bytes leaf_path = text({0x20, 0x12});
    EXPECT_EQ(judge({node_of({leaf_path, text(value)})}, key), Errc::kNotFound);
    const std::vector<std::pair<const char*, Bytes>> roots{
        {"no list", text(value)},
        {"three items", node_of({leaf_path, text(value), text(value)})},
        {"empty list", node_of({})},
        {"no path", node_of({text({}), text(value)})},
        {"path is a list", node_of({node_of({}), text(value)})},
        {"flag above three", node_of({text({0x40, 0x12}), text(value)})},
        {"even path with a nibble in its flag", node_of({text({0x21, 0x12}), text(value)})},
        {"leaf without value", node_of({leaf_path, text({})})},
        {"leaf with a list", node_of({leaf_path, node_of({text({1}), text({2})})})},
        {"extension to nothing", node_of({text({0x00, 0x12}), text({})})},
        {"extension of no nibbles", node_of({text({0x00}), text(Bytes(32, 1))})},
        {"extension to half a hash", node_of({text({0x11}), text(Bytes(31, 1))})},
    };
    for (const auto& [name, root] : roots) {
        EXPECT_EQ(judge({root}, key), Errc::kUnproved) << name;
    }
    std::vector<Bytes> ways(17, text({}));
    ways[1] = text(Bytes(32, 1));
    EXPECT_EQ(judge({node_of(ways)}, key), Errc::kUnproved) << "a branch of one way";
    ways[2] = text(Bytes(33, 1));
    EXPECT_EQ(judge({node_of(ways)}, Bytes{0x99}), Errc::kUnproved) << "a child of 33 bytes";
    ways[2] = node_of({leaf_path, text(value)});
    EXPECT_EQ(judge({node_of(ways)}, Bytes{0x99}), Errc::kUnproved) << "a long child embedded";
    ways[2] = text(Bytes(32, 2));
    ways[16] = node_of({});
    EXPECT_EQ(judge({node_of(ways)}, Bytes{0x99}), Errc::kUnproved) << "a list for a value";
    ways[16] = text({});
    EXPECT_EQ(judge({node_of(ways)}, Bytes{0x99}), Errc::kNotFound) << "absent at an empty way";
}

TEST(Trie, ShortNodesMustBeEmbeddedAndAnExtensionMustLeadToABranch) {
    const Bytes short_leaf = node_of({text({0x32}), text({7})});
    std::vector<Bytes> ways(17, text({}));
    ways[2] = text(Bytes(32, 2));
    ways[1] = short_leaf;
    EXPECT_EQ(judge({node_of(ways)}, Bytes{0x12}), Errc::kNotFound);
    const Hash32 hash = keccak256(short_leaf);
    ways[1] = text(Bytes(hash.data.begin(), hash.data.end()));
    EXPECT_EQ(judge({node_of(ways), short_leaf}, Bytes{0x12}), Errc::kUnproved);

    const Bytes leaf = node_of({text({0x32}), text(Bytes(40, 7))});
    const Hash32 leaf_hash = keccak256(leaf);
    const Bytes extension =
        node_of({text({0x11}), text(Bytes(leaf_hash.data.begin(), leaf_hash.data.end()))});
    EXPECT_EQ(judge({extension, leaf}, Bytes{0x12}), Errc::kUnproved);
    EXPECT_EQ(judge({node_of({text({0x11}), short_leaf})}, Bytes{0x12}), Errc::kUnproved);
}

}  // namespace
}  // namespace margrave::chains::evm::trie
