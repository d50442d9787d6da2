// SPDX-License-Identifier: Apache-2.0
#include "oracle/sources/feed.hpp"

#include "oracle/detail/contract.hpp"
#include "oracle/detail/settings_reader.hpp"
#include "oracle/source.hpp"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

namespace margrave::oracle {
namespace feed {
namespace {

constexpr unsigned kDecimalsMax = 36;
constexpr std::size_t kRoundWords = 5;

// abi.decode of a uint80 refuses a word with higher bits, and so does this.
bool fits_uint80(const Hash32& word) {
    constexpr std::size_t kHighBytes = Hash32::kSize - 10;
    return std::all_of(word.data.begin(), word.data.begin() + kHighBytes, [](std::uint8_t b) {
        return b == 0;
    });
}

}  // namespace

Bytes latest_round_call() {
    return detail::selector("latestRoundData()");
}

Bytes decimals_call() {
    return detail::selector("decimals()");
}

Bytes aggregator_call() {
    return detail::selector("aggregator()");
}

Bytes min_answer_call() {
    return detail::selector("minAnswer()");
}

Bytes max_answer_call() {
    return detail::selector("maxAnswer()");
}

Bytes min_submission_call() {
    return detail::selector("minSubmissionValue()");
}

Bytes max_submission_call() {
    return detail::selector("maxSubmissionValue()");
}

std::optional<Money> decode_bound(ByteView returned, unsigned decimals) {
    const auto words = detail::decode_words(returned, 1, "the bound");
    const auto raw =
        words ? Money::from_word(words.value().front()) : Result<Money>(words.as_failure());
    if (!raw || raw.value().sign() <= 0) {
        return std::nullopt;
    }
    const Amount units = Amount::from_word(words.value().front());
    const auto value = value_of(units, decimals, Money::whole(1), Round::kDown);
    return value ? std::optional(value.value()) : std::nullopt;
}

Result<RoundData> decode_latest_round(ByteView returned, unsigned decimals) {
    MARGRAVE_TRY(
        const auto words, detail::decode_words(returned, kRoundWords, "latestRoundData()")
    );
    const Hash32& round_id = words[0];
    const Hash32& answer = words[1];
    const Hash32& updated_at = words[3];
    const Hash32& answered_in = words[4];
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
    MARGRAVE_TRY(const auto words, detail::decode_words(returned, 1, "decimals()"));
    MARGRAVE_TRY(const auto value, detail::decode_uint(words[0], kDecimalsMax, "decimals()"));
    return static_cast<unsigned>(value);
}

}  // namespace feed

namespace {

class FeedSource final : public Source {
  public:
    explicit FeedSource(detail::Contract contract)
        : contract_(std::move(contract)) {}

    [[nodiscard]] std::string origin() const override { return contract_.origin(); }

    Task<Answer> read(const Heads& heads, UnixSeconds /*now*/) override {
        Answer answer = contract_.blank_answer(heads);
        if (!answer.error.empty()) {
            co_return answer;
        }
        Result<void> known = co_await learn_decimals(answer.block);
        if (!known) {
            answer.error = known.error().detail;
            co_return answer;
        }
        Bytes data = feed::latest_round_call();
        Result<Bytes> returned = co_await contract_.call(std::move(data), answer.block);
        fill(answer, returned);
        if (!answer.price) {
            co_return answer;
        }
        Result<void> bounded = co_await learn_bounds(phase_of(answer.round), answer.block);
        if (!bounded) {
            answer.price.reset();
            answer.error = bounded.error().detail;
            co_return answer;
        }
        answer.floor = floor_;
        answer.ceiling = ceiling_;
        co_return answer;
    }

    Task<Result<void>> probe(const Heads& heads) override {
        const Result<BlockRef> head = contract_.head_for_probe(heads);
        if (!head) {
            co_return head.as_failure();
        }
        Result<void> known = co_await learn_decimals(head.value().hash);
        co_return known;
    }

  private:
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

    // A proxy counts its rounds in phases of 2^64, one for each aggregator it ever had.
    static std::string phase_of(const std::string& round) {
        const Result<Amount> id = Amount::parse(round);
        return id ? Amount::Rep(id.value().rep() >> 64U).str() : std::string{};
    }

    Task<Result<Bytes>> ask_aggregator(Address aggregator, Bytes data, Hash32 block) {
        Result<Bytes> returned = co_await contract_.call_other(aggregator, std::move(data), block);
        // A contract that does not know the call is no feed with bounds; a node that does not
        // answer is trouble. An error that the node does not explain may be either, so it is asked
        // again the next time.
        if (!returned &&
            (returned.error().code == Errc::kRpc || returned.error().code == Errc::kReverted)) {
            is_unsure_ = is_unsure_ || returned.error().code == Errc::kRpc;
            co_return Bytes{};
        }
        co_return returned;
    }

    // A bound by the name that Chainlink's OffchainAggregator has for it, or by that of the
    // FluxAggregator before it.
    Task<Result<std::optional<Money>>> ask_bound(
        Address aggregator, Bytes call, Bytes older, Hash32 block
    ) {
        Result<Bytes> returned = co_await ask_aggregator(aggregator, std::move(call), block);
        if (returned && returned.value().empty()) {
            returned = co_await ask_aggregator(aggregator, std::move(older), block);
        }
        if (!returned) {
            co_return returned.as_failure();
        }
        co_return feed::decode_bound(returned.value(), decimals_.value());
    }

    // An answer at the least or most that the aggregator may say is one that was cut: the market
    // may be beyond (Venus and Blizz, May 2022). Asked once for each aggregator.
    Task<Result<void>> learn_bounds(std::string phase, Hash32 block) {
        if (bounds_of_ == phase && !is_unsure_) {
            co_return ok();
        }
        is_unsure_ = false;
        Bytes data = feed::aggregator_call();
        const Result<Bytes> found =
            co_await ask_aggregator(contract_.address(), std::move(data), block);
        if (!found) {
            co_return found.as_failure();
        }
        const auto words = detail::decode_words(found.value(), 1, "aggregator()");
        if (!words) {
            bounds_of_ = phase;
            floor_.reset();
            ceiling_.reset();
            co_return ok();
        }
        const Address aggregator = low_address(words.value().front());
        Bytes call = feed::min_answer_call();
        Bytes older = feed::min_submission_call();
        const auto least = co_await ask_bound(aggregator, std::move(call), std::move(older), block);
        if (!least) {
            co_return least.as_failure();
        }
        call = feed::max_answer_call();
        older = feed::max_submission_call();
        const auto most = co_await ask_bound(aggregator, std::move(call), std::move(older), block);
        if (!most) {
            co_return most.as_failure();
        }
        floor_ = least.value();
        ceiling_ = most.value();
        bounds_of_ = phase;
        co_return ok();
    }

    // Read once and kept: a feed that changed its scale under us would be caught by the price band,
    // a feed that is read with a wrong scale would not be one.
    Task<Result<void>> learn_decimals(Hash32 block) {
        if (decimals_) {
            co_return ok();
        }
        Bytes data = feed::decimals_call();
        Result<Bytes> returned = co_await contract_.call(std::move(data), block);
        if (!returned) {
            co_return contract_.not_such(returned.error());
        }
        const Result<unsigned> decimals = feed::decode_decimals(returned.value());
        if (!decimals) {
            co_return contract_.not_such(decimals.error());
        }
        decimals_ = decimals.value();
        co_return ok();
    }

    detail::Contract contract_;
    std::optional<unsigned> decimals_;
    // The phase whose bounds are known.
    std::optional<std::string> bounds_of_;
    // The bounds, or their absence, rest on an error that a node did not explain.
    bool is_unsure_{false};
    std::optional<Money> floor_;
    std::optional<Money> ceiling_;
};

Result<std::unique_ptr<Source>> make_feed(const SourceSettings& settings, const Reach& reach) {
    const detail::SettingsReader in(settings);
    MARGRAVE_TRY(const ChainId chain, in.chain("chain"));
    MARGRAVE_TRY(const Address address, in.address("address"));
    return std::make_unique<FeedSource>(
        detail::Contract(settings.name, chain, address, reach.call_at)
    );
}

// clang-format off
constexpr SourceKey kFeedKeys[] = {
    {"", KeyForm::kObject, true, "", "", "", "A Chainlink-shaped aggregator.",
     R"({"chain": "eip155:1", "address": "0x5f4eC3Df9cbd43714FE2740f5E3616155c5b8419"})"},
    {"/chain", KeyForm::kChain, true, "", "", "", "The configured chain it is on.", R"("eip155:1")"},
    {"/address", KeyForm::kAddress, true, "", "", "", "Its address.",
     R"("0x5f4eC3Df9cbd43714FE2740f5E3616155c5b8419")"},
};
// clang-format on

}  // namespace

const SourceKind& feed_kind() {
    static constexpr SourceKind kKind{"feed", kFeedKeys, make_feed};
    return kKind;
}

SourceSettings feed_source(std::string name, const ChainId& chain, const Address& feed) {
    SourceSettings out;
    out.name = std::move(name);
    out.kind = "feed";
    out.settings = Canonical::Object{{"address", to_hex(feed)}, {"chain", chain.text()}};
    return out;
}

}  // namespace margrave::oracle
