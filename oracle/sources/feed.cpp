// SPDX-License-Identifier: Apache-2.0
#include "oracle/sources/feed.hpp"

#include "core/keccak.hpp"
#include "infra/timeout.hpp"
#include "oracle/source.hpp"

#include <algorithm>
#include <chrono>
#include <optional>
#include <string_view>
#include <utility>

namespace margrave::oracle {
namespace feed {
namespace {

constexpr unsigned kDecimalsMax = 36;
constexpr std::size_t kRoundWords = 5;

Bytes selector(std::string_view signature) {
    constexpr std::size_t kSelectorSize = 4;
    const Hash32 hash = keccak256(signature);
    const ByteView head = hash.view().first(kSelectorSize);
    return {head.begin(), head.end()};
}

Error bad_length(std::string_view call, std::size_t got, std::size_t wanted) {
    return fail(
        Errc::kInvalid,
        std::string(call) + " returned " + std::to_string(got) + " bytes instead of " +
            std::to_string(wanted)
    );
}

// abi.decode of a uint80 refuses a word with higher bits, and so does this.
bool fits_uint80(const Hash32& word) {
    constexpr std::size_t kHighBytes = Hash32::kSize - 10;
    return std::all_of(word.data.begin(), word.data.begin() + kHighBytes, [](std::uint8_t b) {
        return b == 0;
    });
}

}  // namespace

Bytes latest_round_call() {
    return selector("latestRoundData()");
}

Bytes decimals_call() {
    return selector("decimals()");
}

Result<RoundData> decode_latest_round(ByteView returned, unsigned decimals) {
    if (returned.size() != kRoundWords * Hash32::kSize) {
        return bad_length("latestRoundData()", returned.size(), kRoundWords * Hash32::kSize);
    }
    ByteReader reader(returned);
    MARGRAVE_TRY(const auto round_id, reader.hash32());
    MARGRAVE_TRY(const auto answer, reader.hash32());
    MARGRAVE_TRY(const auto started_at, reader.hash32());
    MARGRAVE_TRY(const auto updated_at, reader.hash32());
    MARGRAVE_TRY(const auto answered_in, reader.hash32());
    static_cast<void>(started_at);
    if (!fits_uint80(round_id) || !fits_uint80(answered_in)) {
        return fail(Errc::kInvalid, "latestRoundData() returned a round id beyond uint80");
    }
    MARGRAVE_TRY(const auto raw, Money::from_word(answer));
    if (raw.sign() <= 0) {
        return fail(Errc::kInvalid, "the answer " + raw.to_string_e18() + " is not positive");
    }
    MARGRAVE_TRY(const auto seconds, Amount::from_word(updated_at).to_u64());
    const std::string round = Amount::from_word(round_id).to_string();
    if (seconds == 0) {
        return fail(Errc::kInvalid, "round " + round + " is not complete: updatedAt is 0");
    }
    if (answered_in < round_id) {
        return fail(
            Errc::kInvalid,
            "round " + round + " carries the answer of round " +
                Amount::from_word(answered_in).to_string()
        );
    }
    // The answer is a count of 10^-decimals dollars, as an amount is of 10^-decimals tokens.
    MARGRAVE_TRY(
        auto price, value_of(Amount::from_word(answer), decimals, Money::whole(1), Round::kDown)
    );
    return RoundData{
        .price = std::move(price), .published_at = UnixSeconds{seconds}, .round = round};
}

Result<unsigned> decode_decimals(ByteView returned) {
    if (returned.size() != Hash32::kSize) {
        return bad_length("decimals()", returned.size(), Hash32::kSize);
    }
    MARGRAVE_TRY(const auto word, ByteReader(returned).hash32());
    MARGRAVE_TRY(const auto value, Amount::from_word(word).to_u64());
    if (value > kDecimalsMax) {
        return fail(
            Errc::kInvalid,
            "decimals() returned " + std::to_string(value) + "; at most 36 are allowed"
        );
    }
    return static_cast<unsigned>(value);
}

}  // namespace feed

namespace {

constexpr std::chrono::milliseconds kReadTimeout{10'000};

class FeedSource final : public Source {
  public:
    FeedSource(FeedSourceSettings settings, CallAt call_at)
        : settings_(std::move(settings)),
          call_at_(std::move(call_at)) {}

    Task<Answer> read(const Heads& heads, UnixSeconds /*now*/) override {
        Answer answer = blank_answer();
        const auto head = heads.find(settings_.chain);
        if (head == heads.end()) {
            answer.error = "no block of " + settings_.chain.text() + " to read at";
            co_return answer;
        }
        answer.block = head->second;
        Result<void> known = co_await learn_decimals(answer.block);
        if (!known) {
            answer.error = known.error().detail;
            co_return answer;
        }
        Bytes data = feed::latest_round_call();
        Result<Bytes> returned = co_await call(std::move(data), answer.block);
        fill(answer, returned);
        co_return answer;
    }

    Task<Result<void>> probe(const Heads& heads) override {
        const auto head = heads.find(settings_.chain);
        if (head == heads.end()) {
            co_return fail(
                Errc::kConfig,
                describe() + " is on " + settings_.chain.text() +
                    ", which is not a chain of this "
                    "network"
            );
        }
        Result<void> known = co_await learn_decimals(head->second);
        co_return known;
    }

  private:
    [[nodiscard]] std::string origin() const {
        return settings_.chain.text() + ":" + to_hex(settings_.feed);
    }

    [[nodiscard]] std::string describe() const {
        return "price source " + settings_.name + " (" + origin() + ")";
    }

    [[nodiscard]] Answer blank_answer() const {
        Answer answer;
        answer.source = settings_.name;
        answer.origin = origin();
        answer.chain = settings_.chain;
        return answer;
    }

    void fill(Answer& answer, const Result<Bytes>& returned) const {
        if (!returned) {
            answer.error = returned.error().detail;
            return;
        }
        const auto round = feed::decode_latest_round(returned.value(), decimals_.value());
        if (!round) {
            answer.error = round.error().detail;
            return;
        }
        answer.price = round.value().price;
        answer.published_at = round.value().published_at;
        answer.round = round.value().round;
    }

    Task<Result<Bytes>> call(Bytes data, Hash32 block) {
        Task<Result<Bytes>> work =
            call_at_(settings_.chain, settings_.feed, std::move(data), block);
        std::string what = describe();
        Result<Bytes> returned =
            co_await infra::with_timeout(std::move(work), kReadTimeout, std::move(what));
        co_return returned;
    }

    // Read once and kept: a feed that changed its scale under us would be caught by the price band,
    // a feed that is read with a wrong scale would not be one.
    Task<Result<void>> learn_decimals(Hash32 block) {
        if (decimals_) {
            co_return ok();
        }
        Bytes data = feed::decimals_call();
        Result<Bytes> returned = co_await call(std::move(data), block);
        if (!returned) {
            // The node answered, and the answer is that the call failed: no feed lives there.
            const Errc code = returned.error().code;
            co_return fail(
                code == Errc::kRpc ? Errc::kConfig : code,
                describe() + ": " + returned.error().detail
            );
        }
        const Result<unsigned> decimals = feed::decode_decimals(returned.value());
        if (!decimals) {
            co_return fail(Errc::kConfig, describe() + ": " + decimals.error().detail);
        }
        decimals_ = decimals.value();
        co_return ok();
    }

    FeedSourceSettings settings_;
    CallAt call_at_;
    std::optional<unsigned> decimals_;
};

}  // namespace

std::unique_ptr<Source> make_feed_source(
    const FeedSourceSettings& settings, const CallAt& call_at
) {
    return std::make_unique<FeedSource>(settings, call_at);
}

}  // namespace margrave::oracle
