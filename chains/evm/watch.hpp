// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "chains/evm/abi.hpp"
#include "chains/settings.hpp"
#include "core/bytes.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

/// The settings of a watch, checked and made ready to match logs. No network: config/ checks with
/// it what an operator wrote, chains/evm/mapping follows it.
namespace margrave::chains::evm {

/// Where an argument of an event lies: a topic, or a member of the decoded data.
struct Argument {
    abi::Type type;
    bool indexed{false};
    /// Of the topics behind the event's own, or of the data.
    std::size_t place{0};
};

/// An argument must be this word.
struct Filter {
    Argument argument;
    Hash32 word;
};

/// One meaning of one event of one contract.
struct Rule {
    Address contract;
    Hash32 topic;
    /// "Transfer(address,address,uint256)", for errors.
    std::string event;
    Meaning meaning{Meaning::kDeposit};
    /// Types of the indexed arguments in order; absent where the topic is the hash of a value that
    /// does not fit a word.
    std::vector<std::optional<abi::Type>> topics;
    /// The other arguments as one tuple.
    abi::Type data;
    Argument account;
    std::variant<Address, Argument> token;
    std::optional<Argument> amount;
    std::optional<Argument> market;
    std::optional<Argument> size;
    std::optional<Argument> entry_price;
    std::optional<Argument> into;
    std::optional<Argument> price;
    std::optional<Argument> time;
    std::optional<Argument> rate;
    unsigned rate_decimals{0};
    bool rate_per_second{false};
    /// Of a rate: the blocks in which it counts.
    BlockNum from_block;
    std::optional<BlockNum> to_block;
    std::vector<Filter> where;
    /// The watch reads what this changes.
    bool is_read{false};
};

/// One call that tells a balance of an account.
struct Reading {
    Address contract;
    abi::Signature call;
    Address token;
    bool is_debt{false};
};

/// A watch as it is followed.
struct Watch {
    std::string name;
    /// keccak of the name.
    Hash32 source;
    std::vector<Rule> rules;
    std::vector<Reading> readings;
    /// Native coin sent to and from here by transactions counts; there are no logs of it.
    std::optional<Address> native_custody;
    /// Where the ledger's custody of `token` can be compared with a balance.
    std::optional<Address> custody;
    Address token;
};

/// What is wrong with a watch, and where below it: "/events/0/account".
struct WatchFault {
    std::string at;
    std::string what;
    /// A name that is not known, and those that are: for "did you mean".
    std::string given;
    std::vector<std::string> known;
};

struct CompiledWatch {
    Watch watch;
    /// All of them. The watch may be followed only if there are none.
    std::vector<WatchFault> faults;
};

CompiledWatch compile(const WatchSettings& settings);
/// The events and calls that a preset stands for, in the words of the settings.
WatchSettings expand(const WatchSettings& settings);

}  // namespace margrave::chains::evm
