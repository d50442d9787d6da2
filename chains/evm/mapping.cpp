// SPDX-License-Identifier: Apache-2.0
#include "chains/evm/mapping.hpp"

#include "core/assert.hpp"
#include "core/interest.hpp"
#include "core/words.hpp"

#include <algorithm>
#include <limits>
#include <tuple>
#include <utility>

namespace margrave::chains::evm {
namespace {

// More than any token's amount that the ledger would book; bounds what one log can make us decode.
constexpr std::size_t kValuesMax = 4096;
constexpr std::size_t kDataMax = std::size_t{256} << 10;

Error undecoded(const NodeLog& log, const Rule& rule, const std::string& why) {
    return fail(
        Errc::kUnproved,
        "log " + std::to_string(log.index) + " of block " + std::to_string(log.number.value) +
            " from " + to_hex(log.address) + " does not decode as " + rule.event + ": " + why
    );
}

/// The arguments of one log.
struct Decoded {
    std::vector<Hash32> topics;
    abi::Value data;

    [[nodiscard]] const Hash32& word(const Argument& argument) const {
        return argument.indexed ? topics[argument.place] : data.items()[argument.place].word();
    }

    [[nodiscard]] bool is(const Filter& filter) const {
        return word(filter.argument) == filter.word;
    }
};

Result<Decoded> decode_log(const NodeLog& log, const Rule& rule) {
    if (log.topics.size() != rule.topics.size() + 1) {
        return undecoded(
            log,
            rule,
            "it has " + std::to_string(log.topics.size()) + " topics, the event has " +
                std::to_string(rule.topics.size() + 1)
        );
    }
    Decoded out;
    for (std::size_t i = 0; i < rule.topics.size(); ++i) {
        const Hash32& topic = log.topics[i + 1];
        if (rule.topics[i]) {
            const auto value = abi::decode(*rule.topics[i], topic.view());
            if (!value) {
                return undecoded(log, rule, value.error().detail);
            }
        }
        out.topics.push_back(topic);
    }
    abi::DecodeOptions options;
    options.values_max = kValuesMax;
    options.bytes_max = kDataMax;
    if (log.data.size() > kDataMax) {
        return undecoded(
            log, rule, std::to_string(log.data.size()) + " bytes of data are more than are read"
        );
    }
    auto data = abi::decode(rule.data, log.data, options);
    if (!data) {
        return undecoded(log, rule, data.error().detail);
    }
    out.data = std::move(data).value();
    return out;
}

AccountId account_at(const Decoded& log, const Argument& argument) {
    AccountId out;
    out.data = log.word(argument).data;
    return out;
}

MappedKind kind_of(Meaning meaning) {
    switch (meaning) {
        case Meaning::kDeposit:
            return MappedKind::kDeposit;
        case Meaning::kWithdraw:
            return MappedKind::kWithdraw;
        case Meaning::kBorrow:
            return MappedKind::kBorrow;
        case Meaning::kRepay:
            return MappedKind::kRepay;
        case Meaning::kPosition:
        case Meaning::kLink:
        case Meaning::kUnlink:
        case Meaning::kTouch:
        case Meaning::kPrice:
        case Meaning::kRate:
            break;
    }
    MARGRAVE_ASSERT(false);
}

// An unsigned argument above the range of an int256 is refused like any other that does not fit.
Result<Money> money_at(const Decoded& log, const Argument& argument) {
    const Hash32& word = log.word(argument);
    if (argument.type.kind == abi::Kind::kUint && (word.data[0] & 0x80U) != 0) {
        return fail(Errc::kOverflow, "a number does not fit int256");
    }
    return Money::from_word(word);
}

Result<MappedPosition> read_position(const Watch& watch, const Rule& rule, const Decoded& log) {
    MappedPosition out;
    // Two venues may use one name for two markets.
    WordWriter words;
    words.word(watch.source).word(log.word(*rule.market));
    out.market = words.hash();
    MARGRAVE_TRY(out.size, money_at(log, *rule.size));
    MARGRAVE_TRY(out.entry_price, money_at(log, *rule.entry_price));
    return out;
}

Address token_at(const Rule& rule, const Decoded& log) {
    const auto* argument = std::get_if<Argument>(&rule.token);
    return argument == nullptr ? std::get<Address>(rule.token) : low_address(log.word(*argument));
}

MappedAmount read_amount(const Watch& watch, const Rule& rule, const Decoded& log) {
    MappedAmount out;
    out.kind = kind_of(rule.meaning);
    out.token = token_at(rule, log);
    out.amount = Amount::from_word(log.word(*rule.amount));
    out.is_read = rule.is_read && out.token == watch.token;
    return out;
}

// What is not above zero is no price, and a time beyond 64 bits is as wrong as the last one within.
// Neither stops the chain: who prices by it is told so.
MappedPrice read_price(const Rule& rule, const Decoded& log, const BlockRef& block) {
    MappedPrice out;
    const Hash32& word = log.word(*rule.price);
    const bool is_negative =
        rule.price->type.kind == abi::Kind::kInt && (word.data[0] & 0x80U) != 0;
    if (!is_negative) {
        out.answer = Amount::from_word(word);
    }
    out.published_at = block.time;
    if (rule.time) {
        constexpr auto kLast = std::numeric_limits<std::uint64_t>::max();
        const auto seconds = Amount::from_word(log.word(*rule.time)).to_u64();
        out.published_at = UnixSeconds{seconds ? seconds.value() : kLast};
    }
    return out;
}

MappedRate read_rate(const Rule& rule, const Decoded& log) {
    const Amount told = Amount::from_word(log.word(*rule.rate));
    return {token_at(rule, log), yearly_rate(told, rule.rate_decimals, rule.rate_per_second)};
}

bool is_within(const Rule& rule, BlockNum block) {
    return block >= rule.from_block && (!rule.to_block || block <= *rule.to_block);
}

// Collects what one log means, one rule after the other.
class LogMapper {
  public:
    LogMapper(const BlockRef& block, const NodeLog& log, MappedBlock& out)
        : block_(block),
          log_(log),
          out_(out) {}

    Result<void> add(const Watch& watch, const Rule& rule) {
        MARGRAVE_TRY(const Decoded decoded, decode_log(log_, rule));
        const bool counts = std::ranges::all_of(rule.where, [&decoded](const Filter& filter) {
            return decoded.is(filter);
        });
        if (rule.meaning == Meaning::kPrice) {
            return counts ? push(watch, AccountId{}, read_price(rule, decoded, block_)) : ok();
        }
        if (rule.meaning == Meaning::kRate) {
            const bool in_time = is_within(rule, block_.number);
            return counts && in_time ? push(watch, AccountId{}, read_rate(rule, decoded)) : ok();
        }
        const AccountId account = account_at(decoded, rule.account);
        // Account zero stands for minting and burning; nobody owns what it has.
        if (!counts || is_pool(account)) {
            return ok();
        }
        if (!watch.readings.empty()) {
            out_.touched.insert({watch.source, account});
        }
        return add(watch, rule, decoded, account);
    }

  private:
    Result<void> add(
        const Watch& watch, const Rule& rule, const Decoded& decoded, const AccountId& account
    ) {
        switch (rule.meaning) {
            case Meaning::kTouch:
                return ok();
            case Meaning::kPosition: {
                const auto position = read_position(watch, rule, decoded);
                if (!position) {
                    return undecoded(log_, rule, position.error().detail);
                }
                return push(watch, account, position.value());
            }
            case Meaning::kLink:
            case Meaning::kUnlink: {
                const AccountId into = account_at(decoded, *rule.into);
                return push(watch, account, MappedLink{into, rule.meaning == Meaning::kLink});
            }
            case Meaning::kDeposit:
            case Meaning::kWithdraw:
            case Meaning::kBorrow:
            case Meaning::kRepay:
            case Meaning::kPrice:
            case Meaning::kRate:
                break;
        }
        const MappedAmount amount = read_amount(watch, rule, decoded);
        if (amount.amount.is_zero()) {
            return ok();
        }
        return push(watch, account, amount);
    }

    template <class What>
    Result<void> push(const Watch& watch, const AccountId& account, const What& what) {
        MappedEvent event;
        event.source = watch.source;
        event.part = part_++;
        event.account = account;
        event.what = what;
        ChainEvent out;
        out.body = event;
        out.txn_hash = log_.txn;
        out.log_index = log_.index;
        out.emitter = log_.address;
        out_.events.push_back(std::move(out));
        return ok();
    }

    const BlockRef& block_;
    const NodeLog& log_;
    MappedBlock& out_;
    std::uint16_t part_{0};
};

}  // namespace

Result<Mapping> Mapping::make(std::span<const WatchSettings> settings) {
    Mapping out;
    for (const WatchSettings& one : settings) {
        CompiledWatch compiled = compile(one);
        if (!compiled.faults.empty()) {
            const WatchFault& fault = compiled.faults.front();
            return fail(Errc::kConfig, "watch \"" + one.name + "\"" + fault.at + " " + fault.what);
        }
        out.watches_.push_back(std::move(compiled.watch));
    }
    std::ranges::sort(out.watches_, {}, &Watch::source);
    for (std::size_t i = 1; i < out.watches_.size(); ++i) {
        if (out.watches_[i - 1].source == out.watches_[i].source) {
            return fail(
                Errc::kConfig, "two watches have the name \"" + out.watches_[i].name + "\""
            );
        }
    }
    std::set<Address> addresses;
    std::set<Hash32> topics;
    for (const Watch& watch : out.watches_) {
        for (const Rule& rule : watch.rules) {
            out.rules_[{rule.contract, rule.topic}].push_back({&watch, &rule});
            addresses.insert(rule.contract);
            topics.insert(rule.topic);
        }
        if (watch.native_custody) {
            out.native_[*watch.native_custody].push_back(&watch);
        }
    }
    out.addresses_.assign(addresses.begin(), addresses.end());
    out.topics_.assign(topics.begin(), topics.end());
    return out;
}

bool Mapping::may_touch(const InBloom& in_bloom) const {
    return std::ranges::any_of(rules_, [&in_bloom](const auto& entry) {
        const Key& key = entry.first;
        return in_bloom(key.first.view()) && in_bloom(key.second.view());
    });
}

const std::vector<Mapping::Match>* Mapping::find(const Address& contract, const Hash32& topic)
    const {
    const auto it = rules_.find({contract, topic});
    return it == rules_.end() ? nullptr : &it->second;
}

const std::vector<const Watch*>* Mapping::find_native(const Address& custody) const {
    const auto it = native_.find(custody);
    return it == native_.end() ? nullptr : &it->second;
}

const Watch* Mapping::find(const Hash32& source) const {
    const auto it = std::ranges::lower_bound(watches_, source, {}, &Watch::source);
    return it == watches_.end() || it->source != source ? nullptr : &*it;
}

Result<MappedBlock> map_logs(
    const Mapping& mapping, const BlockRef& block, std::span<const NodeLog> logs
) {
    MappedBlock out;
    std::optional<std::uint32_t> last;
    for (const NodeLog& log : logs) {
        if (log.number != block.number || log.block != block.hash || (last && log.index <= *last)) {
            return fail(
                Errc::kUnproved,
                "log " + std::to_string(log.index) + " of block " +
                    std::to_string(log.number.value) + " (" + to_hex(log.block) +
                    ") is out of order, doubled, or not of block " +
                    std::to_string(block.number.value) + " (" + to_hex(block.hash) + ")"
            );
        }
        last = log.index;
        if (log.topics.empty()) {
            continue;
        }
        const auto* matches = mapping.find(log.address, log.topics.front());
        if (matches == nullptr) {
            continue;
        }
        LogMapper mapper(block, log, out);
        for (const Mapping::Match& match : *matches) {
            MARGRAVE_TRY(mapper.add(*match.watch, *match.rule));
        }
    }
    return out;
}

namespace {

void add_native(
    MappedBlock& out,
    const Watch& watch,
    const NodeTxn& txn,
    MappedKind kind,
    const Address& account,
    std::uint16_t part
) {
    MappedEvent event;
    event.source = watch.source;
    event.part = part;
    event.account = account_of(account);
    event.what = MappedAmount{kind, Address{}, txn.value, false};
    ChainEvent placed;
    placed.body = event;
    placed.txn_hash = txn.hash;
    placed.log_index = kNoLog;
    placed.emitter = *watch.native_custody;
    out.events.push_back(std::move(placed));
}

}  // namespace

MappedBlock map_txns(const Mapping& mapping, std::span<const NodeTxn> txns) {
    MappedBlock out;
    for (const NodeTxn& txn : txns) {
        // A creation pays a contract that is new; a failed transaction moves nothing.
        if (!txn.succeeded || !txn.to || txn.value.is_zero() || *txn.to == txn.from) {
            continue;
        }
        std::uint16_t part = 0;
        if (const auto* watches = mapping.find_native(*txn.to)) {
            for (const Watch* watch : *watches) {
                add_native(out, *watch, txn, MappedKind::kDeposit, txn.from, part++);
            }
        }
        const auto* watches = mapping.find_native(txn.from);
        if (watches != nullptr && !txn.to->is_zero()) {
            for (const Watch* watch : *watches) {
                add_native(out, *watch, txn, MappedKind::kWithdraw, *txn.to, part++);
            }
        }
    }
    return out;
}

std::vector<ReadingCall> due_readings(const Mapping& mapping, const std::set<Touch>& touched) {
    std::vector<ReadingCall> out;
    for (const Touch& touch : touched) {
        const Watch* watch = mapping.find(touch.source);
        if (watch == nullptr) {
            continue;
        }
        for (const Reading& reading : watch->readings) {
            ReadingCall call;
            call.source = touch.source;
            call.account = touch.account;
            call.token = reading.token;
            call.is_debt = reading.is_debt;
            call.to = reading.contract;
            const auto selector = reading.call.selector();
            put_bytes(call.data, selector);
            put_bytes(call.data, touch.account.view());
            call.name = reading.call.canonical();
            out.push_back(std::move(call));
        }
    }
    return out;
}

Result<std::vector<ChainEvent>> read_balances(
    std::span<const ReadingCall> calls, std::span<const Bytes> answers
) {
    MARGRAVE_ASSERT(calls.size() == answers.size());
    using Place = std::tuple<Hash32, AccountId, Address, bool>;
    std::map<Place, std::pair<Amount, Address>> sums;
    for (std::size_t i = 0; i < calls.size(); ++i) {
        const ReadingCall& call = calls[i];
        if (answers[i].size() != Hash32::kSize) {
            return fail(
                Errc::kUnproved,
                call.name + " of " + to_hex(call.to) + " answered " +
                    std::to_string(answers[i].size()) + " bytes for account " +
                    to_hex(call.account) + "; a balance is one number of 32 bytes"
            );
        }
        Hash32 word;
        std::ranges::copy(answers[i], word.data.begin());
        auto& [sum, contract] = sums[{call.source, call.account, call.token, call.is_debt}];
        MARGRAVE_TRY(sum, add(sum, Amount::from_word(word)));
        contract = call.to;
    }
    std::vector<ChainEvent> out;
    for (const auto& [place, read] : sums) {
        MappedEvent event;
        event.source = std::get<0>(place);
        event.account = std::get<1>(place);
        MappedAmount what;
        what.kind = std::get<3>(place) ? MappedKind::kDebt : MappedKind::kBalance;
        what.token = std::get<2>(place);
        what.amount = read.first;
        event.what = what;
        ChainEvent placed;
        placed.body = event;
        placed.log_index = static_cast<std::uint32_t>(out.size());
        placed.emitter = read.second;
        out.push_back(std::move(placed));
    }
    return out;
}

}  // namespace margrave::chains::evm
