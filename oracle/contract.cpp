// SPDX-License-Identifier: Apache-2.0
#include "oracle/detail/contract.hpp"

#include "core/keccak.hpp"
#include "infra/timeout.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace margrave::oracle::detail {
namespace {

constexpr std::chrono::milliseconds kCallTimeout{10'000};
constexpr std::size_t kSelectorSize = 4;
constexpr unsigned kBitsPerByte = 8;

}  // namespace

Bytes selector(std::string_view signature) {
    const Hash32 hash = keccak256(signature);
    const ByteView head = hash.view().first(kSelectorSize);
    return {head.begin(), head.end()};
}

Bytes encode_call(std::string_view signature, const WordWriter& arguments) {
    Bytes out = selector(signature);
    put_bytes(out, arguments.bytes());
    return out;
}

Result<std::vector<Hash32>> decode_words(
    ByteView returned, std::size_t count, std::string_view call
) {
    if (returned.size() != count * Hash32::kSize) {
        return fail(
            Errc::kInvalid,
            std::string(call) + " returned " + std::to_string(returned.size()) +
                " bytes instead of " + std::to_string(count * Hash32::kSize)
        );
    }
    std::vector<Hash32> out;
    ByteReader reader(returned);
    for (std::size_t i = 0; i < count; ++i) {
        MARGRAVE_TRY(const Hash32 word, reader.hash32());
        out.push_back(word);
    }
    return out;
}

Result<std::uint64_t> decode_uint(const Hash32& word, std::uint64_t max, std::string_view what) {
    const Amount value = Amount::from_word(word);
    if (value > Amount(max)) {
        return fail(
            Errc::kInvalid,
            std::string(what) + " is " + value.to_string() + "; at most " + std::to_string(max) +
                " is allowed"
        );
    }
    return value.to_u64();
}

Result<std::int64_t> decode_int(const Hash32& word, unsigned bits, std::string_view what) {
    const std::size_t sign_byte = Hash32::kSize - bits / kBitsPerByte;
    const std::uint8_t fill = (word.data[sign_byte] & 0x80U) != 0 ? 0xff : 0x00;
    for (std::size_t i = 0; i < sign_byte; ++i) {
        if (word.data[i] != fill) {
            return fail(
                Errc::kInvalid, std::string(what) + " is beyond int" + std::to_string(bits)
            );
        }
    }
    std::uint64_t out = fill == 0 ? 0 : ~std::uint64_t{0};
    for (std::size_t i = sign_byte; i < Hash32::kSize; ++i) {
        out = (out << kBitsPerByte) | word.data[i];
    }
    return static_cast<std::int64_t>(out);
}

Money::Rep power_of_ten(unsigned exponent) {
    Money::Rep out = 1;
    for (unsigned i = 0; i < exponent; ++i) {
        out *= 10;
    }
    return out;
}

Result<Money> scale(const Money::Rep& value, int exponent, Round round) {
    constexpr int kUp = 54;
    constexpr int kDown = -72;
    if (exponent > kUp || exponent < kDown || value.sign() < 0 ||
        (!value.is_zero() && boost::multiprecision::msb(value) > 256)) {
        return fail(
            Errc::kOverflow,
            "a value scaled by 10^" + std::to_string(exponent) + " is no amount of money"
        );
    }
    if (exponent >= 0) {
        return Money::from_rep(value * power_of_ten(static_cast<unsigned>(exponent)));
    }
    const Money::Rep divisor = power_of_ten(static_cast<unsigned>(-exponent));
    Money::Rep quotient = value / divisor;
    if (round == Round::kUp && quotient * divisor != value) {
        quotient += 1;
    }
    return Money::from_rep(std::move(quotient));
}

Contract::Contract(std::string source, ChainId chain, Address address, CallAt call_at)
    : source_(std::move(source)),
      chain_(std::move(chain)),
      address_(address),
      call_at_(std::move(call_at)) {}

std::string Contract::origin() const {
    return chain_.text() + ":" + to_hex(address_);
}

std::string Contract::describe() const {
    return "price source " + source_ + " (" + origin() + ")";
}

Answer Contract::blank_answer(const Heads& heads) const {
    Answer answer;
    answer.source = source_;
    answer.origin = origin();
    answer.chain = chain_;
    const auto head = heads.find(chain_);
    if (head == heads.end()) {
        answer.error = "no block of " + chain_.text() + " to read at";
    } else {
        answer.block = head->second.hash;
    }
    return answer;
}

Result<BlockRef> Contract::head_for_probe(const Heads& heads) const {
    const auto head = heads.find(chain_);
    if (head == heads.end()) {
        return fail(
            Errc::kUnable, describe() + " could not be asked: no block of its chain is known yet"
        );
    }
    return head->second;
}

Task<Result<Bytes>> Contract::call(Bytes data, Hash32 block) const {
    Result<Bytes> returned = co_await call_other(address_, std::move(data), block);
    co_return returned;
}

Task<Result<Bytes>> Contract::call_other(Address to, Bytes data, Hash32 block) const {
    Task<Result<Bytes>> work = call_at_(chain_, to, std::move(data), block);
    std::string what = describe();
    Result<Bytes> returned =
        co_await infra::with_timeout(std::move(work), kCallTimeout, std::move(what));
    co_return returned;
}

Error Contract::not_such(const Error& error) const {
    // An error of a node is no word of the contract.
    const bool refuted = error.code == Errc::kReverted || error.code == Errc::kInvalid;
    return fail(refuted ? Errc::kConfig : error.code, describe() + ": " + error.detail);
}

}  // namespace margrave::oracle::detail
