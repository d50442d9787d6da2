// SPDX-License-Identifier: Apache-2.0
#include "core/keccak.hpp"

#include "core/detail/keccak_means.hpp"

#include <gtest/gtest.h>

#include <array>
#include <botan/hash.h>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace margrave {
namespace {

Bytes pattern(std::size_t size) {
    Bytes out(size);
    for (std::size_t i = 0; i < size; ++i) {
        out[i] = static_cast<std::uint8_t>(i * 7 + 3);
    }
    return out;
}

TEST(Keccak, GivesThePublishedDigests) {
    EXPECT_EQ(
        to_hex(keccak256(std::string_view{})),
        "0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"
    );
    EXPECT_EQ(
        to_hex(keccak256("abc")),
        "0x4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45"
    );
    EXPECT_EQ(
        to_hex(keccak256("Transfer(address,address,uint256)")),
        "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
    );
}

// The rate is 136 bytes: the lengths around its multiples are where padding goes wrong. The digests
// are those of ethers 6 for the same bytes.
TEST(Keccak, IsRightAroundEveryBlockBoundary) {
    const std::vector<std::pair<std::size_t, std::string_view>> cases = {
        {1, "0x69c322e3248a5dfc29d73c5b0553b0185a35cd5bb6386747517ef7e53b15e287"},
        {31, "0x8522dc30be01c01348c0591309ac2948c9ae4ce02facbb745f85a5297286d3dd"},
        {32, "0x04d1b47ed3b04c5ff6a0280293cb2ab55bd297c9c2e0c3449831b419285d7df2"},
        {64, "0x0251cf13aa5b18f1cbda7cddbe85f3dc536fc93df590c2d20ca9b28af1ed2c39"},
        {135, "0x00ef96af9cf4b24c7f269d922294444a197d0a33638c2e56634c57e892103a8f"},
        {136, "0x742061bcad767ed4c4f5883b1dcb1aad11afdcc140dc469d953759b127b9f9ed"},
        {137, "0xe3371f61e770abf254c34239c3b0099ad90594507415bc81dd0a10b9692bbf2a"},
        {271, "0x4401c4afbe16ff911bdbf2d38e556e5b861f3fdf0f9d4306b1c46f6ae4f73584"},
        {272, "0xac141fd7b0a0ffcd2e967254d508da3ec616596493c36fa304425647d90e6de5"},
        {273, "0x16192ea86793083e47731cb3c970600f04768414d92bc0540e54ce8607a0fce0"},
        {1000, "0x80cdc8dd52cbb3dbaea8f383209893fa2bb52efbd5aedbb4b26dcfe307fcdc9b"},
    };
    for (const auto& [size, digest] : cases) {
        EXPECT_EQ(to_hex(keccak256(pattern(size))), digest) << size << " bytes";
    }
}

TEST(Keccak, OfTwoWordsIsTheHashOfTheirConcatenation) {
    Hash32 left = keccak256("left");
    const Hash32 right = keccak256("right");
    Bytes both;
    put_bytes(both, left.view());
    put_bytes(both, right.view());
    EXPECT_EQ(keccak256(left, right), keccak256(both));
    EXPECT_NE(keccak256(left, right), keccak256(right, left));
    EXPECT_EQ(
        to_hex(keccak256(Hash32{}, Hash32{})),
        "0xad3228b676f7d3cd4284a5443f17f1962b36e491b30a40b2405849e597ba5fb5"
    );
}

Hash32 by_botan(const Bytes& data) {
    const auto hasher = Botan::HashFunction::create_or_throw("Keccak-1600(256)");
    hasher->update(data.data(), data.size());
    Hash32 out;
    hasher->final(out.data.data());
    return out;
}

// Another processor takes another way, so each one that can be gone here is.
TEST(Keccak, IsBotansForEveryLengthUpToFourBlocksByEveryMeans) {
    for (std::size_t size = 0; size <= 4 * 136; ++size) {
        const Hash32 expected = by_botan(pattern(size));
        EXPECT_EQ(keccak256(pattern(size)), expected) << size << " bytes";
        for (const detail::KeccakMeans& means : detail::keccak_means()) {
            EXPECT_EQ(detail::keccak256_by(means, pattern(size)), expected)
                << size << " bytes by " << means.name;
        }
    }
}

// 19 messages: two groups of eight and a rest of three, or four of four and the same rest.
TEST(Keccak, OfManyMessagesIsThatOfEach) {
    constexpr std::size_t kMessages = 19;
    for (const std::size_t size : {0U, 1U, 32U, 64U, 135U, 136U, 137U, 256U, 272U, 300U}) {
        Bytes all(kMessages * size);
        for (std::size_t i = 0; i < all.size(); ++i) {
            all[i] = static_cast<std::uint8_t>(i * i + i / 251);
        }
        std::vector<Hash32> expected;
        for (std::size_t i = 0; i < kMessages; ++i) {
            const auto first = all.begin() + static_cast<std::ptrdiff_t>(i * size);
            expected.push_back(by_botan(Bytes(first, first + static_cast<std::ptrdiff_t>(size))));
        }
        std::vector<Hash32> hashes(kMessages);
        keccak256_each(all, size, hashes);
        EXPECT_EQ(hashes, expected) << size << " bytes";
        for (const detail::KeccakMeans& means : detail::keccak_means()) {
            std::vector<Hash32> by_means(kMessages);
            detail::keccak256_each_by(means, all, size, by_means);
            EXPECT_EQ(by_means, expected) << size << " bytes by " << means.name;
        }
    }
}

TEST(Keccak, MayBeCalledFromManyThreadsAtOnce) {
    const Hash32 expected = keccak256(pattern(500));
    std::array<bool, 4> right{};
    std::vector<std::jthread> threads;
    for (bool& slot : right) {
        threads.emplace_back([&slot, &expected] {
            slot = true;
            for (int i = 0; i < 1000; ++i) {
                slot = slot && keccak256(pattern(500)) == expected;
            }
        });
    }
    threads.clear();
    for (const bool slot : right) {
        EXPECT_TRUE(slot);
    }
}

}  // namespace
}  // namespace margrave
