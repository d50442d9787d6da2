// SPDX-License-Identifier: Apache-2.0
// A vector that is returned takes another register where the wide ones are missing. No function
// here that returns one is ever called: all of them are inlined. To the file's end, where g++ would
// say it.
#pragma GCC diagnostic ignored "-Wpsabi"

#include "core/keccak.hpp"

#include "core/assert.hpp"
#include "core/detail/keccak_f.hpp"
#include "core/detail/keccak_means.hpp"

#include <array>
#include <bit>
#include <cstring>
#include <vector>

namespace margrave {
namespace {

static_assert(std::endian::native == std::endian::little, "a lane is its bytes as they lie");

// 1600 bits less twice the 256 of the capacity (FIPS 202 section 5.2).
constexpr std::size_t kRate = 136;
constexpr std::size_t kRateLanes = kRate / 8;

using Word = std::uint64_t;
// 4 and 8 states side by side: what the registers of AVX2 and AVX-512 hold.
using Word4 = Word __attribute__((vector_size(32)));
using Word8 = Word __attribute__((vector_size(64)));

[[gnu::always_inline]] inline Word load(const std::uint8_t* bytes) {
    Word out = 0;
    std::memcpy(&out, bytes, sizeof(out));
    return out;
}

// What is left after the last full block, with Keccak's padding.
[[gnu::always_inline]] inline void pad(
    std::uint8_t* block, const std::uint8_t* rest, std::size_t size
) {
    std::memset(block, 0, kRate);
    if (size > 0) {
        std::memcpy(block, rest, size);
    }
    block[size] ^= 0x01;
    block[kRate - 1] ^= 0x80;
}

void permute_anywhere(Word* state) {
    detail::KeccakF<Word>::permute(state);
}

// kWidth messages of one size, one behind the other.
template <class Lane, std::size_t kWidth>
[[gnu::always_inline]] inline void hash_group(
    const std::uint8_t* messages, std::size_t size, Hash32* out
) {
    Lane state[25] = {};
    std::size_t at = 0;
    for (; size - at >= kRate; at += kRate) {
        for (std::size_t i = 0; i < kRateLanes; ++i) {
            for (std::size_t lane = 0; lane < kWidth; ++lane) {
                state[i][lane] ^= load(messages + lane * size + at + 8 * i);
            }
        }
        detail::KeccakF<Lane>::permute(state);
    }
    std::uint8_t last[kWidth][kRate];
    for (std::size_t lane = 0; lane < kWidth; ++lane) {
        pad(last[lane], messages + lane * size + at, size - at);
    }
    for (std::size_t i = 0; i < kRateLanes; ++i) {
        for (std::size_t lane = 0; lane < kWidth; ++lane) {
            state[i][lane] ^= load(last[lane] + 8 * i);
        }
    }
    detail::KeccakF<Lane>::permute(state);
    for (std::size_t lane = 0; lane < kWidth; ++lane) {
        for (std::size_t i = 0; i < Hash32::kSize / 8; ++i) {
            const Word word = state[i][lane];
            std::memcpy(out[lane].data.data() + 8 * i, &word, sizeof(word));
        }
    }
}

#if defined(__x86_64__)
[[gnu::target("bmi,bmi2")]] void permute_bmi2(Word* state) {
    detail::KeccakF<Word>::permute(state);
}

[[gnu::target("avx2")]] void hash_four(
    const std::uint8_t* messages, std::size_t size, Hash32* out
) {
    hash_group<Word4, 4>(messages, size, out);
}

[[gnu::target("avx512f,avx512vl")]] void hash_eight(
    const std::uint8_t* messages, std::size_t size, Hash32* out
) {
    hash_group<Word8, 8>(messages, size, out);
}
#endif

std::vector<detail::KeccakMeans> find_means() {
    std::vector<detail::KeccakMeans> out{{"anywhere", &permute_anywhere}};
#if defined(__x86_64__)
    __builtin_cpu_init();
    const bool has_bmi = __builtin_cpu_supports("bmi") != 0 && __builtin_cpu_supports("bmi2") != 0;
    if (has_bmi) {
        out.push_back({"bmi2", &permute_bmi2});
    }
    const auto one_by_one = out.back().permute;
    if (__builtin_cpu_supports("avx2") != 0) {
        out.push_back({"avx2", one_by_one, &hash_four, 4});
    }
    if (__builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512vl") != 0) {
        out.push_back({"avx512", one_by_one, &hash_eight, 8});
    }
#endif
    return out;
}

const detail::KeccakMeans& best_means() {
    static const detail::KeccakMeans& kBest = detail::keccak_means().back();
    return kBest;
}

}  // namespace

namespace detail {

std::span<const KeccakMeans> keccak_means() {
    static const std::vector<KeccakMeans> kMeans = find_means();
    return kMeans;
}

Hash32 keccak256_by(const KeccakMeans& means, ByteView data) {
    Word state[25] = {};
    const auto absorb = [&state, &means](const std::uint8_t* block) {
        for (std::size_t i = 0; i < kRateLanes; ++i) {
            state[i] ^= load(block + 8 * i);
        }
        means.permute(state);
    };
    while (data.size() >= kRate) {
        absorb(data.data());
        data = data.subspan(kRate);
    }
    std::uint8_t last[kRate];
    pad(last, data.data(), data.size());
    absorb(last);
    Hash32 out;
    std::memcpy(out.data.data(), state, Hash32::kSize);
    return out;
}

void keccak256_each_by(
    const KeccakMeans& means, ByteView messages, std::size_t size, std::span<Hash32> out
) {
    MARGRAVE_ASSERT(messages.size() == size * out.size());
    while (means.width > 0 && out.size() >= means.width) {
        means.group(messages.data(), size, out.data());
        messages = messages.subspan(means.width * size);
        out = out.subspan(means.width);
    }
    for (Hash32& hash : out) {
        hash = keccak256_by(means, messages.first(size));
        messages = messages.subspan(size);
    }
}

}  // namespace detail

Hash32 keccak256(ByteView data) {
    return detail::keccak256_by(best_means(), data);
}

Hash32 keccak256(const Hash32& left, const Hash32& right) {
    std::array<std::uint8_t, 2 * Hash32::kSize> both;
    std::memcpy(both.data(), left.data.data(), Hash32::kSize);
    std::memcpy(both.data() + Hash32::kSize, right.data.data(), Hash32::kSize);
    return keccak256(ByteView(both));
}

void keccak256_each(ByteView messages, std::size_t size, std::span<Hash32> out) {
    detail::keccak256_each_by(best_means(), messages, size, out);
}

}  // namespace margrave
