// SPDX-License-Identifier: Apache-2.0
#include "oracle/sources/uniswap_v3.hpp"

#include "oracle/detail/contract.hpp"
#include "oracle/detail/settings_reader.hpp"
#include "oracle/source.hpp"
#include "oracle/sources/tick.hpp"

#include <limits>
#include <utility>

namespace margrave::oracle {
namespace uniswap {
namespace {

constexpr std::string_view kObserve = "observe(uint32[])";
constexpr std::uint64_t kWord = Hash32::kSize;
constexpr unsigned kCumulativeBits = 160;
constexpr unsigned kLiquidityBits = 128;

// Two arrays of two words behind two offsets.
Result<std::vector<Hash32>> observed_words(ByteView returned) {
    constexpr std::size_t kWords = 8;
    MARGRAVE_TRY(auto words, detail::decode_words(returned, kWords, kObserve));
    const bool as_encoded = words[0] == Amount(2 * kWord).to_word() &&
                            words[1] == Amount(5 * kWord).to_word() &&
                            words[2] == Amount(2).to_word() && words[5] == Amount(2).to_word();
    if (!as_encoded) {
        return fail(Errc::kInvalid, "observe(uint32[]) returned no two lists of two");
    }
    return words;
}

Result<Money::Rep> cumulative(const Hash32& word) {
    Money::Rep out(Amount::from_word(word).rep());
    if (!out.is_zero() && boost::multiprecision::msb(out) >= kCumulativeBits) {
        return fail(Errc::kInvalid, "observe(uint32[]) returned seconds beyond uint160");
    }
    return out;
}

Result<Amount> harmonic_liquidity(const Hash32& before, const Hash32& after, std::uint32_t window) {
    MARGRAVE_TRY(const Money::Rep first, cumulative(before));
    MARGRAVE_TRY(const Money::Rep last, cumulative(after));
    const Money::Rep modulus = Money::Rep(1) << kCumulativeBits;
    const Money::Rep passed = first <= last ? last - first : last + modulus - first;
    if (passed.is_zero()) {
        return fail(Errc::kInvalid, "the pool's seconds did not move on in the window");
    }
    const Money::Rep liquidity = (Money::Rep(window) << kLiquidityBits) / passed;
    // At most 2^32 * 2^128.
    return Amount::parse(liquidity.str());
}

}  // namespace

Bytes slot0_call() {
    return detail::selector("slot0()");
}

Bytes observe_call(std::uint32_t window_s) {
    return detail::encode_call(kObserve, WordWriter().uint(kWord).uint(2).uint(window_s).uint(0));
}

Result<std::uint64_t> decode_cardinality(ByteView returned) {
    MARGRAVE_TRY(const auto words, detail::decode_words(returned, 7, "slot0()"));
    return detail::decode_uint(
        words[3], std::numeric_limits<std::uint16_t>::max(), "the pool's observationCardinality"
    );
}

Result<Window> decode_observe(ByteView returned, std::uint32_t window_s) {
    MARGRAVE_TRY(const auto words, observed_words(returned));
    MARGRAVE_TRY(const std::int64_t before, detail::decode_int(words[3], 56, "tickCumulative"));
    MARGRAVE_TRY(const std::int64_t after, detail::decode_int(words[4], 56, "tickCumulative"));
    const std::int64_t tick = mean_tick(before, after, window_s);
    if (tick > kTickMax || tick < -kTickMax) {
        return fail(Errc::kInvalid, "the mean tick " + std::to_string(tick) + " is no tick");
    }
    Window out;
    out.tick = static_cast<std::int32_t>(tick);
    MARGRAVE_TRY(out.liquidity, harmonic_liquidity(words[6], words[7], window_s));
    return out;
}

}  // namespace uniswap

namespace {

constexpr std::uint64_t kUniswapWindow = 1'800;
constexpr std::uint64_t kUniswapCardinality = 24;
constexpr std::uint64_t kPoolDecimalsMax = 18;

struct UniswapTerms {
    Address base;
    std::uint32_t window_s{0};
    std::uint64_t cardinality_min{0};
    Amount liquidity_min;
};

class UniswapSource final : public Source {
  public:
    UniswapSource(detail::Contract pool, UniswapTerms terms)
        : pool_(std::move(pool)),
          terms_(std::move(terms)) {}

    [[nodiscard]] std::string origin() const override { return pool_.origin(); }

    Task<Answer> read(const Heads& heads, UnixSeconds /*now*/) override {
        Answer answer = pool_.blank_answer(heads);
        if (!answer.error.empty()) {
            co_return answer;
        }
        const BlockRef head = heads.at(pool_.chain());
        Result<void> known = co_await learn_tokens(head.hash);
        if (!known) {
            answer.error = known.error().detail;
            co_return answer;
        }
        Bytes slot_data = uniswap::slot0_call();
        Result<Bytes> slot = co_await pool_.call(std::move(slot_data), head.hash);
        Bytes data = uniswap::observe_call(terms_.window_s);
        Result<Bytes> observed = co_await pool_.call(std::move(data), head.hash);
        const Result<Money> price = price_of(slot, observed);
        if (!price) {
            answer.error = price.error().detail;
            co_return answer;
        }
        answer.price = price.value();
        // The mean ends at the block that was asked, whenever the pool was last traded in.
        answer.published_at = head.time;
        answer.round = "mean of " + std::to_string(terms_.window_s) + " s";
        co_return answer;
    }

    Task<Result<void>> probe(const Heads& heads) override {
        const Result<BlockRef> head = pool_.head_for_probe(heads);
        if (!head) {
            co_return head.as_failure();
        }
        Result<void> known = co_await learn_tokens(head.value().hash);
        co_return known;
    }

  private:
    // A pool that keeps few observations forgets its history in as many blocks, and then one trade
    // decides the mean (Inverse, April 2022).
    [[nodiscard]] Result<Money> price_of(const Result<Bytes>& slot, const Result<Bytes>& observed)
        const {
        if (!slot) {
            return slot.as_failure();
        }
        MARGRAVE_TRY(const std::uint64_t kept, uniswap::decode_cardinality(slot.value()));
        if (kept < terms_.cardinality_min) {
            return fail(
                Errc::kInvalid,
                "the pool keeps " + std::to_string(kept) + " observations; at least " +
                    std::to_string(terms_.cardinality_min) + " are needed"
            );
        }
        if (!observed) {
            return fail(
                observed.error().code,
                "the pool's history does not reach back " + std::to_string(terms_.window_s) +
                    " s, or it does not answer: " + observed.error().detail
            );
        }
        MARGRAVE_TRY(
            const uniswap::Window window, uniswap::decode_observe(observed.value(), terms_.window_s)
        );
        if (window.liquidity < terms_.liquidity_min) {
            return fail(
                Errc::kInvalid,
                "the pool's liquidity was " + window.liquidity.to_string() + "; at least " +
                    terms_.liquidity_min.to_string() + " is needed"
            );
        }
        return is_token0_ ? uniswap::price_of_tick(window.tick, decimals0_, decimals1_)
                          : uniswap::price_of_tick(-window.tick, decimals1_, decimals0_);
    }

    Task<Result<Address>> ask_token(std::string_view call, Hash32 block) const {
        Bytes data = detail::selector(call);
        const Result<Bytes> returned = co_await pool_.call(std::move(data), block);
        if (!returned) {
            co_return pool_.not_such(returned.error());
        }
        const auto words = detail::decode_words(returned.value(), 1, call);
        if (!words) {
            co_return pool_.not_such(words.error());
        }
        co_return low_address(words.value().front());
    }

    Task<Result<unsigned>> ask_decimals(Address token, Hash32 block) const {
        Bytes data = detail::selector("decimals()");
        const Result<Bytes> returned = co_await pool_.call_other(token, std::move(data), block);
        if (!returned) {
            co_return pool_.not_such(returned.error());
        }
        const auto words = detail::decode_words(returned.value(), 1, "decimals() of a token");
        if (!words) {
            co_return pool_.not_such(words.error());
        }
        const auto value =
            detail::decode_uint(words.value().front(), kPoolDecimalsMax, "decimals() of a token");
        if (!value) {
            co_return pool_.not_such(value.error());
        }
        co_return static_cast<unsigned>(value.value());
    }

    // Tokens of a pool are immutable; their decimals are read once, as those of a feed are.
    Task<Result<void>> learn_tokens(Hash32 block) {
        if (known_) {
            co_return ok();
        }
        const Result<Address> token0 = co_await ask_token("token0()", block);
        if (!token0) {
            co_return token0.as_failure();
        }
        const Result<Address> token1 = co_await ask_token("token1()", block);
        if (!token1) {
            co_return token1.as_failure();
        }
        if (token0.value() != terms_.base && token1.value() != terms_.base) {
            co_return fail(
                Errc::kConfig,
                pool_.describe() + " trades " + to_hex(token0.value()) + " and " +
                    to_hex(token1.value()) + ", not " + to_hex(terms_.base)
            );
        }
        const Result<unsigned> decimals0 = co_await ask_decimals(token0.value(), block);
        if (!decimals0) {
            co_return decimals0.as_failure();
        }
        const Result<unsigned> decimals1 = co_await ask_decimals(token1.value(), block);
        if (!decimals1) {
            co_return decimals1.as_failure();
        }
        is_token0_ = token0.value() == terms_.base;
        decimals0_ = decimals0.value();
        decimals1_ = decimals1.value();
        known_ = true;
        co_return ok();
    }

    detail::Contract pool_;
    UniswapTerms terms_;
    bool known_{false};
    bool is_token0_{false};
    unsigned decimals0_{0};
    unsigned decimals1_{0};
};

Result<std::unique_ptr<Source>> make_uniswap(const SourceSettings& settings, const Reach& reach) {
    const detail::SettingsReader in(settings);
    MARGRAVE_TRY(const ChainId chain, in.chain("chain"));
    MARGRAVE_TRY(const Address pool, in.address("pool"));
    UniswapTerms terms;
    MARGRAVE_TRY(terms.base, in.address("base"));
    MARGRAVE_TRY(const std::uint64_t window, in.integer("window", kUniswapWindow));
    terms.window_s = static_cast<std::uint32_t>(window);
    MARGRAVE_TRY(terms.cardinality_min, in.integer("min_cardinality", kUniswapCardinality));
    MARGRAVE_TRY(const std::string liquidity, in.text("min_liquidity"));
    MARGRAVE_TRY(terms.liquidity_min, Amount::parse(liquidity));
    detail::Contract contract(settings.name, chain, pool, reach.call_at);
    return std::make_unique<UniswapSource>(std::move(contract), std::move(terms));
}

std::vector<KeyProblem> check_uniswap(const Canonical& settings) {
    const auto& object = std::get<Canonical::Object>(settings.value());
    const auto found = object.find("min_liquidity");
    const auto* text =
        found == object.end() ? nullptr : std::get_if<std::string>(&found->second.value());
    if (text == nullptr || Amount::parse(*text)) {
        return {};
    }
    return {{"/min_liquidity", "is no whole number as a decimal string"}};
}

// clang-format off
constexpr SourceKey kUniswapKeys[] = {
    {"", KeyForm::kObject, true, "", "", "",
     "The mean price of a Uniswap v3 pool over a window of time, in the pool's other token.",
     R"({"chain": "eip155:1", "pool": "0x88e6A0c2dDD26FEEb64F039a2c41296FcB3f5640", "base": "0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2", "min_liquidity": "1000000000000000000"})"},
    {"/chain", KeyForm::kChain, true, "", "", "", "The configured chain it is on.", R"("eip155:1")"},
    {"/pool", KeyForm::kAddress, true, "", "", "", "The pool.", R"("0x88e6A0c2dDD26FEEb64F039a2c41296FcB3f5640")"},
    {"/base", KeyForm::kAddress, true, "", "", "",
     "The pool's token that is priced; \"quote\" of the source is what its other token is.",
     R"("0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2")"},
    {"/window", KeyForm::kSeconds, false, R"("30m")", "10m", "7d",
     "Over how long the mean is taken; a shorter one is cheaper to move.", R"("30m")"},
    {"/min_cardinality", KeyForm::kInteger, false, "24", "2", "65535",
     "Fewest observations the pool must keep; one that keeps few forgets its history in as many blocks.", "24"},
    {"/min_liquidity", KeyForm::kText, true, "", "", "39",
     "Least harmonic mean of the pool's liquidity in the window, in the pool's own unit L.",
     R"("1000000000000000000")"},
};
// clang-format on

}  // namespace

const SourceKind& uniswap_v3_kind() {
    static constexpr SourceKind kKind{
        "uniswap_v3", kUniswapKeys, make_uniswap, true, check_uniswap};
    return kKind;
}

}  // namespace margrave::oracle
