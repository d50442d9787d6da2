// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/bytes.hpp"
#include "core/result.hpp"
#include "tests/support/vectors.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace margrave::tests {

/// A file of the public vectors, which are there.
nlohmann::json load_vectors(const std::string& name);

Bytes hex(std::string_view text);

/// A block that exists nowhere, but is whole: seven receipts of types 0, 1, 2, 3, 4, 0x7e and 0x6a
/// with twelve logs, a header that commits to them and labels that fit. The tests change one thing
/// at a time.
struct SampleBlock {
    nlohmann::json header;
    nlohmann::json receipts;

    SampleBlock();

    /// Makes the header commit to the receipts as they are now, and the labels name its hash.
    void seal();
    /// The labels alone: block hash and number, indexes.
    void label();
};

/// keccak of the header's fields, in the header.
void rehash(nlohmann::json& header);

/// A trie made the slow and plain way, by the definition: what the fast one is compared with, and
/// what proofs are taken from.
class PlainTrie {
  public:
    explicit PlainTrie(const std::map<Bytes, Bytes>& entries);

    [[nodiscard]] const Hash32& root() const { return root_; }

    /// Nodes on the path of the key, the root's first, embedded ones left out.
    [[nodiscard]] std::vector<Bytes> prove(const Bytes& key) const;

  private:
    using Pairs = std::vector<std::pair<Bytes, Bytes>>;
    Bytes encode(const Pairs& pairs, std::size_t depth) const;
    void walk(const Pairs& pairs, std::size_t depth, const Bytes& key, std::vector<Bytes>& out)
        const;

    Pairs pairs_;
    Hash32 root_;
};

}  // namespace margrave::tests

/// That an answer is refused as `errc`, with `part` in its reason.
#define EXPECT_REFUSED(answer, errc, part)                                             \
    do {                                                                               \
        const auto refused_answer = (answer);                                          \
        ASSERT_FALSE(refused_answer.has_value());                                      \
        EXPECT_EQ(refused_answer.error().code, errc) << refused_answer.error().detail; \
        EXPECT_NE(refused_answer.error().detail.find(part), std::string::npos)         \
            << refused_answer.error().detail;                                          \
    } while (false)
