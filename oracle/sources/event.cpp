// SPDX-License-Identifier: Apache-2.0
#include "core/keccak.hpp"
#include "oracle/detail/contract.hpp"
#include "oracle/detail/settings_reader.hpp"
#include "oracle/source.hpp"

#include <algorithm>
#include <string>
#include <utility>

// What a watched contract's events told last (docs/watching-a-contract.md): the one kind that asks
// no node, since the ledger has proved events and what they say.
namespace margrave::oracle {
namespace {

constexpr int kMoneyDecimalsOfEvent = 18;
constexpr std::uint64_t kEventDecimalsMost = 36;
/// The end of the year 9999, which RFC 3339 ends with: a later time is none.
constexpr std::uint64_t kLastSecond = 253'402'300'799;

struct EventTerms {
    std::string watch;
    std::uint64_t decimals{0};
    ToldAt told_at;
};

// Where an auditor finds the log.
std::string told_place(const ToldPrice& told) {
    return "log " + std::to_string(told.log_index) + " of " + to_hex(told.txn_hash) + " in block " +
           std::to_string(told.block.value) + " " + to_hex(told.block_hash);
}

class EventSource final : public Source {
  public:
    EventSource(detail::Contract contract, EventTerms terms)
        : contract_(std::move(contract)),
          terms_(std::move(terms)),
          watch_(keccak256(std::string_view(terms_.watch))) {}

    [[nodiscard]] std::string origin() const override { return contract_.origin(); }

    Task<Answer> read(const Heads& heads, UnixSeconds /*now*/) override {
        Answer answer = contract_.blank_answer(heads);
        if (answer.error.empty()) {
            fill(answer, heads.at(contract_.chain()));
        }
        co_return answer;
    }

    // That nothing was told yet is no fault of the settings. A Chainlink aggregator says how many
    // decimals it has; what has no such view cannot be held against them.
    Task<Result<void>> probe(const Heads& heads) override {
        const Result<BlockRef> head = contract_.head_for_probe(heads);
        if (!head) {
            co_return head.as_failure();
        }
        Bytes data = detail::selector("decimals()");
        const Result<Bytes> returned = co_await contract_.call(std::move(data), head.value().hash);
        const auto words = returned ? detail::decode_words(returned.value(), 1, "decimals()")
                                    : Result<std::vector<Hash32>>(returned.as_failure());
        if (words && words.value().front() != Amount(terms_.decimals).to_word()) {
            co_return fail(
                Errc::kConfig,
                contract_.describe() + " has " +
                    Amount::from_word(words.value().front()).to_string() +
                    " decimals by its own word, and " + std::to_string(terms_.decimals) +
                    " by the config"
            );
        }
        co_return ok();
    }

  private:
    void fill(Answer& answer, const BlockRef& head) const {
        if (!terms_.told_at) {
            answer.error = "there is no ledger here that has the events of a watch";
            return;
        }
        const auto told = terms_.told_at(contract_.chain(), watch_, contract_.address(), head);
        if (!told) {
            answer.error = told.error().detail;
        } else if (!told.value()) {
            answer.error = "watch \"" + terms_.watch + "\" has heard no price up to block " +
                           std::to_string(head.number.value);
        } else {
            fill(answer, *told.value());
        }
    }

    void fill(Answer& answer, const ToldPrice& told) const {
        answer.round = told_place(told);
        const std::uint64_t time = told.price.published_at.value;
        if (told.price.answer.is_zero()) {
            answer.error = "the event told no price above zero";
            return;
        }
        if (time == 0 || time > kLastSecond) {
            answer.error = "the event told no time: " + std::to_string(time);
            return;
        }
        const Money::Rep units(told.price.answer.rep());
        const int exponent = kMoneyDecimalsOfEvent - static_cast<int>(terms_.decimals);
        const Result<Money> price = detail::scale(units, exponent, Round::kDown);
        if (!price) {
            answer.error = price.error().detail;
            return;
        }
        answer.price = price.value();
        answer.published_at = told.price.published_at;
    }

    detail::Contract contract_;
    EventTerms terms_;
    Hash32 watch_;
};

Result<std::unique_ptr<Source>> make_event(const SourceSettings& settings, const Reach& reach) {
    const detail::SettingsReader in(settings);
    MARGRAVE_TRY(const ChainId chain, in.chain("chain"));
    MARGRAVE_TRY(const Address address, in.address("address"));
    EventTerms terms;
    MARGRAVE_TRY(terms.watch, in.text("watch"));
    MARGRAVE_TRY(in.text("decimals"));
    MARGRAVE_TRY(terms.decimals, in.integer("decimals", 0));
    terms.decimals = std::min(terms.decimals, kEventDecimalsMost);
    terms.told_at = reach.told_at;
    detail::Contract contract(settings.name, chain, address, reach.call_at);
    return std::make_unique<EventSource>(std::move(contract), std::move(terms));
}

// clang-format off
constexpr SourceKey kEventKeys[] = {
    {"", KeyForm::kObject, true, "", "", "",
     "What events of a watched contract told last: those that its watch gives the meaning \"price\".",
     R"json({"chain": "eip155:1", "watch": "eth-usd", "address": "0x7d4E742018fb52E48b08BE73d041C18B21de6Fb5", "decimals": 8})json"},
    {"/chain", KeyForm::kChain, true, "", "", "", "The configured chain it is on.", R"("eip155:1")"},
    {"/watch", KeyForm::kText, true, "", "", "64", "Name of the watch of that chain.", R"("eth-usd")"},
    {"/address", KeyForm::kAddress, true, "", "", "", "The contract that emits the event.",
     R"("0x7d4E742018fb52E48b08BE73d041C18B21de6Fb5")"},
    {"/decimals", KeyForm::kInteger, true, "", "0", "36", "Decimals of the event's answer.", "8"},
};
// clang-format on

}  // namespace

const SourceKind& event_kind() {
    static constexpr SourceKind kKind{"event", kEventKeys, make_event, true};
    return kKind;
}

}  // namespace margrave::oracle
