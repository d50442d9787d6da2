// SPDX-License-Identifier: Apache-2.0
#include "oracle/detail/contract.hpp"
#include "oracle/detail/settings_reader.hpp"
#include "oracle/source.hpp"
#include "oracle/sources/view_call.hpp"

#include <algorithm>
#include <optional>
#include <utility>

// A view that answers what one whole unit is worth: getRate() of a rate provider, exchangeRate() of
// cbETH, stEthPerToken() of wstETH, getAssetPrice(address 0x...) of Aave's oracle.
namespace margrave::oracle {
namespace {

constexpr std::uint64_t kRateDecimalsDefault = 18;
constexpr int kMoneyDecimalsOfRate = 18;
constexpr std::string_view kRateCall = "getRate()";

struct RateTerms {
    views::ViewCall call;
    /// A second view that dates the rate, read at the same block; none: the block's time.
    std::optional<views::ViewCall> time_call;
    int decimals{0};
};

class RateSource final : public Source {
  public:
    RateSource(detail::Contract contract, RateTerms terms)
        : contract_(std::move(contract)),
          terms_(std::move(terms)) {}

    [[nodiscard]] std::string origin() const override { return contract_.origin(); }

    Task<Answer> read(const Heads& heads, UnixSeconds /*now*/) override {
        Answer answer = contract_.blank_answer(heads);
        if (!answer.error.empty()) {
            co_return answer;
        }
        const BlockRef head = heads.at(contract_.chain());
        const Result<Money> rate = co_await ask_rate(head.hash);
        if (!rate) {
            answer.error = rate.error().detail;
            co_return answer;
        }
        const Result<UnixSeconds> time = co_await ask_time(head);
        if (!time) {
            answer.error = time.error().detail;
            co_return answer;
        }
        answer.price = rate.value();
        answer.published_at = time.value();
        answer.round = terms_.call.text;
        co_return answer;
    }

    Task<Result<void>> probe(const Heads& heads) override {
        const Result<BlockRef> head = contract_.head_for_probe(heads);
        if (!head) {
            co_return head.as_failure();
        }
        const Result<Money> rate = co_await ask_rate(head.value().hash);
        if (!rate) {
            co_return contract_.not_such(rate.error());
        }
        const Result<UnixSeconds> time = co_await ask_time(head.value());
        if (!time) {
            co_return contract_.not_such(time.error());
        }
        co_return ok();
    }

  private:
    Task<Result<Hash32>> ask(const views::ViewCall& view, Hash32 block) const {
        Bytes data = view.data;
        const Result<Bytes> returned = co_await contract_.call(std::move(data), block);
        if (!returned) {
            co_return returned.as_failure();
        }
        const auto words = detail::decode_words(returned.value(), 1, view.signature);
        if (!words) {
            co_return words.as_failure();
        }
        co_return words.value().front();
    }

    Task<Result<Money>> ask_rate(Hash32 block) const {
        const Result<Hash32> word = co_await ask(terms_.call, block);
        if (!word) {
            co_return word.as_failure();
        }
        const Money::Rep units(Amount::from_word(word.value()).rep());
        if (units.is_zero()) {
            co_return fail(Errc::kInvalid, terms_.call.signature + " answers zero");
        }
        co_return detail::scale(units, kMoneyDecimalsOfRate - terms_.decimals, Round::kDown);
    }

    Task<Result<UnixSeconds>> ask_time(BlockRef head) const {
        if (!terms_.time_call) {
            co_return head.time;
        }
        const Result<Hash32> word = co_await ask(*terms_.time_call, head.hash);
        if (!word) {
            co_return word.as_failure();
        }
        const Result<std::uint64_t> time = Amount::from_word(word.value()).to_u64();
        if (!time || time.value() == 0) {
            co_return fail(Errc::kInvalid, terms_.time_call->signature + " answers no time");
        }
        co_return UnixSeconds{time.value()};
    }

    detail::Contract contract_;
    RateTerms terms_;
};

std::vector<KeyProblem> check_rate(const Canonical& settings) {
    std::vector<KeyProblem> out;
    const auto& object = std::get<Canonical::Object>(settings.value());
    for (const std::string_view key : {"call", "time"}) {
        const auto found = object.find(key);
        const auto* text =
            found == object.end() ? nullptr : std::get_if<std::string>(&found->second.value());
        const auto view =
            text == nullptr ? Result<views::ViewCall>(views::ViewCall{}) : views::parse_view(*text);
        if (!view) {
            out.push_back({"/" + std::string(key), view.error().detail});
        }
    }
    return out;
}

Result<std::unique_ptr<Source>> make_rate(const SourceSettings& settings, const Reach& reach) {
    const detail::SettingsReader in(settings);
    MARGRAVE_TRY(const ChainId chain, in.chain("chain"));
    MARGRAVE_TRY(const Address address, in.address("address"));
    RateTerms terms;
    MARGRAVE_TRY(const std::string call, in.text("call", kRateCall));
    MARGRAVE_TRY(terms.call, views::parse_view(call));
    if (in.has("time")) {
        MARGRAVE_TRY(const std::string time, in.text("time"));
        MARGRAVE_TRY(terms.time_call, views::parse_view(time));
    }
    MARGRAVE_TRY(const std::uint64_t decimals, in.integer("decimals", kRateDecimalsDefault));
    terms.decimals = static_cast<int>(std::min<std::uint64_t>(decimals, 36));
    detail::Contract contract(settings.name, chain, address, reach.call_at);
    return std::make_unique<RateSource>(std::move(contract), std::move(terms));
}

// clang-format off
constexpr SourceKey kRateKeys[] = {
    {"", KeyForm::kObject, true, "", "", "",
     "A view of a contract that answers what one whole unit is worth in \"quote\" of the source: a rate provider.",
     R"json({"chain": "eip155:1", "address": "0xBe9895146f7AF43049ca1c1AE358B0541Ea49704", "call": "exchangeRate()"})json"},
    {"/chain", KeyForm::kChain, true, "", "", "", "The configured chain it is on.", R"("eip155:1")"},
    {"/address", KeyForm::kAddress, true, "", "", "", "The contract.",
     R"("0xBe9895146f7AF43049ca1c1AE358B0541Ea49704")"},
    {"/call", KeyForm::kText, false, R"json("getRate()")json", "", "400",
     "The view that answers the rate; each argument behind its type, e.g. \"price_oracle(uint256 0)\".", R"json("exchangeRate()")json"},
    {"/decimals", KeyForm::kInteger, false, "18", "0", "36", "Decimals of the rate.", "18"},
    {"/time", KeyForm::kText, false, "", "", "400",
     "The view that answers when the rate was made, read at the same block; when absent the block's time counts.",
     R"json("lastUpdate()")json"},
};
// clang-format on

}  // namespace

const SourceKind& rate_kind() {
    static constexpr SourceKind kKind{"rate", kRateKeys, make_rate, true, check_rate};
    return kKind;
}

}  // namespace margrave::oracle
