// SPDX-License-Identifier: Apache-2.0
#include "oracle/detail/contract.hpp"
#include "oracle/detail/settings_reader.hpp"
#include "oracle/source.hpp"

#include <utility>

// What one share of an ERC-4626 vault converts to (EIP-4626, convertToAssets). The rate and the
// time it is dated by come from one block, so they cannot be apart (Aave CAPO, March 2026).
namespace margrave::oracle {
namespace {

constexpr std::uint64_t kShareDecimalsMax = 36;
constexpr int kRateDecimals = 18;

class SharesSource final : public Source {
  public:
    SharesSource(detail::Contract vault, Money supply_min)
        : vault_(std::move(vault)),
          supply_min_(std::move(supply_min)) {}

    [[nodiscard]] std::string origin() const override { return vault_.origin(); }

    Task<Answer> read(const Heads& heads, UnixSeconds /*now*/) override {
        Answer answer = vault_.blank_answer(heads);
        if (!answer.error.empty()) {
            co_return answer;
        }
        const BlockRef head = heads.at(vault_.chain());
        Result<void> known = co_await learn_decimals(head.hash);
        if (!known) {
            answer.error = known.error().detail;
            co_return answer;
        }
        Bytes supply_data = detail::selector("totalSupply()");
        const Result<Bytes> supply = co_await vault_.call(std::move(supply_data), head.hash);
        Bytes data = one_share_call();
        const Result<Bytes> returned = co_await vault_.call(std::move(data), head.hash);
        const Result<Money> rate = rate_of(supply, returned);
        if (!rate) {
            answer.error = rate.error().detail;
            co_return answer;
        }
        answer.price = rate.value();
        answer.published_at = head.time;
        answer.round = "convertToAssets";
        co_return answer;
    }

    Task<Result<void>> probe(const Heads& heads) override {
        const Result<BlockRef> head = vault_.head_for_probe(heads);
        if (!head) {
            co_return head.as_failure();
        }
        Result<void> known = co_await learn_decimals(head.value().hash);
        co_return known;
    }

  private:
    [[nodiscard]] Bytes one_share_call() const {
        const Money::Rep share = detail::power_of_ten(share_decimals_);
        const Amount one = Amount::parse(share.str()).value();
        return detail::encode_call("convertToAssets(uint256)", WordWriter().uint(one));
    }

    // The price of a share in a market that is next to empty is whatever somebody gives to the
    // vault (Hundred, April 2023), so a floor of what must be out is asked for.
    [[nodiscard]] Result<Money> rate_of(const Result<Bytes>& supply, const Result<Bytes>& returned)
        const {
        if (!supply) {
            return supply.as_failure();
        }
        if (!returned) {
            return returned.as_failure();
        }
        MARGRAVE_TRY(const auto supplied, detail::decode_words(supply.value(), 1, "totalSupply()"));
        const int share_shift = kRateDecimals - static_cast<int>(share_decimals_);
        const Money::Rep units(Amount::from_word(supplied.front()).rep());
        const Result<Money> shares = detail::scale(units, share_shift, Round::kDown);
        // More than 2^191 are enough, too.
        if (shares && shares.value() < supply_min_) {
            return fail(
                Errc::kInvalid,
                "only " + shares.value().to_decimal() + " shares are out; at least " +
                    supply_min_.to_decimal() + " are needed"
            );
        }
        MARGRAVE_TRY(
            const auto words, detail::decode_words(returned.value(), 1, "convertToAssets(uint256)")
        );
        const Money::Rep assets(Amount::from_word(words.front()).rep());
        if (assets.is_zero()) {
            return fail(Errc::kInvalid, "one share converts to nothing");
        }
        return detail::scale(
            assets, kRateDecimals - static_cast<int>(asset_decimals_), Round::kDown
        );
    }

    Task<Result<unsigned>> ask_decimals(Address token, Hash32 block) const {
        Bytes data = detail::selector("decimals()");
        const Result<Bytes> returned = co_await vault_.call_other(token, std::move(data), block);
        if (!returned) {
            co_return vault_.not_such(returned.error());
        }
        const auto words = detail::decode_words(returned.value(), 1, "decimals()");
        if (!words) {
            co_return vault_.not_such(words.error());
        }
        const auto value =
            detail::decode_uint(words.value().front(), kShareDecimalsMax, "decimals()");
        if (!value) {
            co_return vault_.not_such(value.error());
        }
        co_return static_cast<unsigned>(value.value());
    }

    Task<Result<void>> learn_decimals(Hash32 block) {
        if (known_) {
            co_return ok();
        }
        Bytes data = detail::selector("asset()");
        const Result<Bytes> returned = co_await vault_.call(std::move(data), block);
        if (!returned) {
            co_return vault_.not_such(returned.error());
        }
        const auto words = detail::decode_words(returned.value(), 1, "asset()");
        if (!words) {
            co_return vault_.not_such(words.error());
        }
        const Result<unsigned> shares = co_await ask_decimals(vault_.address(), block);
        if (!shares) {
            co_return shares.as_failure();
        }
        const Address asset = low_address(words.value().front());
        const Result<unsigned> assets = co_await ask_decimals(asset, block);
        if (!assets) {
            co_return assets.as_failure();
        }
        share_decimals_ = shares.value();
        asset_decimals_ = assets.value();
        known_ = true;
        co_return ok();
    }

    detail::Contract vault_;
    Money supply_min_;
    bool known_{false};
    unsigned share_decimals_{0};
    unsigned asset_decimals_{0};
};

Result<std::unique_ptr<Source>> make_shares(const SourceSettings& settings, const Reach& reach) {
    const detail::SettingsReader in(settings);
    MARGRAVE_TRY(const ChainId chain, in.chain("chain"));
    MARGRAVE_TRY(const Address vault, in.address("vault"));
    MARGRAVE_TRY(Money supply_min, in.decimal("min_supply", Money::whole(1)));
    detail::Contract contract(settings.name, chain, vault, reach.call_at);
    return std::make_unique<SharesSource>(std::move(contract), std::move(supply_min));
}

// clang-format off
constexpr SourceKey kSharesKeys[] = {
    {"", KeyForm::kObject, true, "", "", "",
     "What one whole share of an ERC-4626 vault converts to; \"quote\" of the source is the vault's asset.",
     R"({"chain": "eip155:1", "vault": "0x83F20F44975D03b1b09e64809B757c47f942BEeA"})"},
    {"/chain", KeyForm::kChain, true, "", "", "", "The configured chain it is on.", R"("eip155:1")"},
    {"/vault", KeyForm::kAddress, true, "", "", "", "The vault, which is its share token too.",
     R"("0x83F20F44975D03b1b09e64809B757c47f942BEeA")"},
    {"/min_supply", KeyForm::kDecimal, false, R"("1")", "0", "1000000000000",
     "Fewest whole shares that must be out; in an empty vault anybody makes the rate.", R"("1000")"},
};
// clang-format on

}  // namespace

const SourceKind& erc4626_kind() {
    static constexpr SourceKind kKind{"erc4626", kSharesKeys, make_shares, true};
    return kKind;
}

}  // namespace margrave::oracle
