// SPDX-License-Identifier: Apache-2.0
#include "oracle/sources/pyth.hpp"

#include "oracle/detail/contract.hpp"
#include "oracle/detail/settings_reader.hpp"
#include "oracle/source.hpp"

#include <limits>
#include <utility>

namespace margrave::oracle {
namespace pyth {
namespace {

constexpr int kExponentMin = -36;
constexpr int kExponentMax = 12;
constexpr int kMoneyDecimals = 18;
constexpr std::string_view kCall = "getPriceUnsafe(bytes32)";
constexpr std::string_view kEmaCall = "getEmaPriceUnsafe(bytes32)";

}  // namespace

Bytes price_call(const Hash32& id, bool ema) {
    return detail::encode_call(ema ? kEmaCall : kCall, WordWriter().word(id));
}

Result<Price> decode_price(ByteView returned) {
    constexpr std::uint64_t kMax = std::numeric_limits<std::uint64_t>::max();
    MARGRAVE_TRY(const auto words, detail::decode_words(returned, 4, "Pyth's price"));
    MARGRAVE_TRY(const std::int64_t price, detail::decode_int(words[0], 64, "Pyth's price"));
    MARGRAVE_TRY(
        const std::uint64_t confidence, detail::decode_uint(words[1], kMax, "Pyth's confidence")
    );
    MARGRAVE_TRY(const std::int64_t exponent, detail::decode_int(words[2], 32, "Pyth's exponent"));
    MARGRAVE_TRY(const std::uint64_t time, detail::decode_uint(words[3], kMax, "Pyth's time"));
    if (price <= 0) {
        return fail(Errc::kInvalid, "the price " + std::to_string(price) + " is not positive");
    }
    if (exponent < kExponentMin || exponent > kExponentMax) {
        return fail(
            Errc::kInvalid, "Pyth's exponent " + std::to_string(exponent) + " is outside -36 to 12"
        );
    }
    if (time == 0) {
        return fail(Errc::kInvalid, "Pyth's price was never published: publishTime is 0");
    }
    const int shift = kMoneyDecimals + static_cast<int>(exponent);
    Price out;
    MARGRAVE_TRY(out.price, detail::scale(price, shift, Round::kDown));
    MARGRAVE_TRY(out.confidence, detail::scale(confidence, shift, Round::kUp));
    out.published_at = UnixSeconds{time};
    return out;
}

}  // namespace pyth

namespace {

class PythSource final : public Source {
  public:
    PythSource(detail::Contract contract, const Hash32& id, bool ema)
        : contract_(std::move(contract)),
          id_(id),
          ema_(ema) {}

    [[nodiscard]] std::string origin() const override { return contract_.origin(); }

    Task<Answer> read(const Heads& heads, UnixSeconds /*now*/) override {
        Answer answer = contract_.blank_answer(heads);
        if (!answer.error.empty()) {
            co_return answer;
        }
        Bytes data = pyth::price_call(id_, ema_);
        Result<Bytes> returned = co_await contract_.call(std::move(data), answer.block);
        fill(answer, returned);
        co_return answer;
    }

    Task<Result<void>> probe(const Heads& heads) override {
        const Result<BlockRef> head = contract_.head_for_probe(heads);
        if (!head) {
            co_return head.as_failure();
        }
        Bytes data = pyth::price_call(id_, ema_);
        Result<Bytes> returned = co_await contract_.call(std::move(data), head.value().hash);
        if (!returned) {
            co_return contract_.not_such(returned.error());
        }
        // That it answers in the form is enough: a price that is bad today is the guard's matter.
        const auto words = detail::decode_words(returned.value(), 4, "Pyth's price");
        if (!words) {
            co_return contract_.not_such(words.error());
        }
        co_return ok();
    }

  private:
    void fill(Answer& answer, const Result<Bytes>& returned) const {
        if (!returned) {
            answer.error = returned.error().detail;
            return;
        }
        const auto price = pyth::decode_price(returned.value());
        if (!price) {
            answer.error = price.error().detail;
            return;
        }
        answer.price = price.value().price;
        answer.confidence = price.value().confidence;
        answer.published_at = price.value().published_at;
        answer.round = to_hex(id_) + (ema_ ? " ema" : "");
    }

    detail::Contract contract_;
    Hash32 id_;
    bool ema_;
};

Result<std::unique_ptr<Source>> make_pyth(const SourceSettings& settings, const Reach& reach) {
    const detail::SettingsReader in(settings);
    MARGRAVE_TRY(const ChainId chain, in.chain("chain"));
    MARGRAVE_TRY(const Address address, in.address("address"));
    MARGRAVE_TRY(const Hash32 id, in.hash("id"));
    detail::Contract contract(settings.name, chain, address, reach.call_at);
    return std::make_unique<PythSource>(std::move(contract), id, in.flag("ema"));
}

// clang-format off
constexpr SourceKey kPythKeys[] = {
    {"", KeyForm::kObject, true, "", "", "",
     "A price of a Pyth contract, with its confidence, as somebody last brought it to the chain.",
     R"({"chain": "eip155:1", "address": "0x4305FB66699C3B2702D4d05CF36551390A4c69C6", "id": "0xff61491a931112ddf1bd8147cd1b641375f79f5825126d665480874634fd0ace"})"},
    {"/chain", KeyForm::kChain, true, "", "", "", "The configured chain it is on.", R"("eip155:1")"},
    {"/address", KeyForm::kAddress, true, "", "", "", "Pyth's contract there.",
     R"("0x4305FB66699C3B2702D4d05CF36551390A4c69C6")"},
    {"/id", KeyForm::kHash, true, "", "", "", "Pyth's id of the price.",
     R"("0xff61491a931112ddf1bd8147cd1b641375f79f5825126d665480874634fd0ace")"},
    {"/ema", KeyForm::kFlag, false, "false", "", "", "Its exponential moving average in place of the price.", "true"},
};
// clang-format on

}  // namespace

const SourceKind& pyth_kind() {
    static constexpr SourceKind kKind{"pyth", kPythKeys, make_pyth};
    return kKind;
}

}  // namespace margrave::oracle
