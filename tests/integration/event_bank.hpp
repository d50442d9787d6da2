// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "chains/settings.hpp"
#include "core/amount.hpp"
#include "core/bytes.hpp"
#include "core/keccak.hpp"
#include "core/words.hpp"
#include "tests/support/anvil.hpp"

#include <nlohmann/json.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <thread>
#include <utility>

namespace margrave::tests {

/// A contract of a few lines of machine code that emits as many
/// `Deposit(address indexed account, address indexed token, uint256 amount)` as it is told to, in
/// one transaction, and keeps every account's balance, their sum and the number of events in its
/// storage: the truth that a ledger is held against. It calls itself the token.
struct EventBank {
    static constexpr std::uint64_t kAccounts = 500;

    struct Totals {
        Amount sum;
        std::uint64_t events{0};
    };

    Address at;

    static Address account(std::uint64_t index) {
        return low_address(Amount(kFirstAccount + index).to_word());
    }

    static Result<EventBank> create(Anvil& node) {
        nlohmann::json transaction = {{"data", "0x" + creation_code()}};
        EventBank out;
        MARGRAVE_TRY(const auto receipt, send(node, std::move(transaction)));
        MARGRAVE_TRY(out.at, parse_address(receipt.at("contractAddress").get<std::string>()));
        return out;
    }

    /// `events` deposits of 1, 2, 3 ... units to accounts in turn, in one transaction.
    Result<void> deposit(Anvil& node, std::uint64_t events) const {
        const std::string data = to_hex(Amount(events).to_word());
        nlohmann::json transaction = {{"to", to_hex(at)}, {"data", data}};
        MARGRAVE_TRY(const auto receipt, send(node, std::move(transaction)));
        if (receipt.at("status") != "0x1") {
            return fail(Errc::kReverted, "the deposits were refused");
        }
        return ok();
    }

    Result<Totals> totals(Anvil& node) const {
        Totals out;
        MARGRAVE_TRY(out.sum, word(node, Hash32{}));
        MARGRAVE_TRY(const Amount events, word(node, Amount(1).to_word()));
        MARGRAVE_TRY(out.events, events.to_u64());
        return out;
    }

    Result<Amount> balance(Anvil& node, const Address& of) const {
        return word(node, left_pad(of));
    }

    static Result<std::uint64_t> head(Anvil& node) {
        MARGRAVE_TRY(const auto number, node.rpc("eth_blockNumber"));
        return std::stoull(number.get<std::string>(), nullptr, 16);
    }

    [[nodiscard]] chains::WatchSettings watch() const {
        chains::WatchSettings out;
        out.name = "bank";
        out.contract = at;
        chains::WatchEventSettings event;
        event.event =
            "event Deposit(address indexed account, address indexed token, uint256 amount)";
        event.meaning = chains::Meaning::kDeposit;
        event.account = "account";
        event.token = "token";
        event.amount = "amount";
        out.events.push_back(std::move(event));
        return out;
    }

  private:
    static constexpr std::uint64_t kFirstAccount = 0x10000;

    static Result<nlohmann::json> send(Anvil& node, nlohmann::json transaction) {
        MARGRAVE_TRY(const auto accounts, node.rpc("eth_accounts"));
        transaction["from"] = accounts.at(0);
        transaction["gas"] = "0x10000000";
        nlohmann::json params = nlohmann::json::array();
        params.push_back(std::move(transaction));
        MARGRAVE_TRY(const auto hash, node.rpc("eth_sendTransaction", params.dump()));
        nlohmann::json asked = nlohmann::json::array();
        asked.push_back(hash);
        // On a busy machine the block comes a little after the answer.
        for (int i = 0; i < 200; ++i) {
            MARGRAVE_TRY(auto receipt, node.rpc("eth_getTransactionReceipt", asked.dump()));
            if (!receipt.is_null()) {
                return receipt;
            }
            std::this_thread::sleep_for(std::chrono::milliseconds(50));
        }
        return fail(Errc::kTimeout, "a transaction is in no block after 10 s");
    }

    Result<Amount> word(Anvil& node, const Hash32& slot) const {
        nlohmann::json params = nlohmann::json::array();
        params.push_back(to_hex(at));
        params.push_back(to_hex(slot));
        params.push_back("latest");
        MARGRAVE_TRY(const auto answer, node.rpc("eth_getStorageAt", params.dump()));
        MARGRAVE_TRY(const Hash32 value, parse_hash32(answer.get<std::string>()));
        return Amount::from_word(value);
    }

    /// Hex of `value` in so many bytes.
    static std::string hex(std::uint64_t value, std::size_t bytes) {
        return to_hex(Amount(value).to_word()).substr(2 + 2 * (32 - bytes));
    }

    // Slots: 0 the sum, 1 the number of events, else the balance of an account. Beside each step
    // the stack behind it, top last.
    static std::string runtime_code() {
        const std::string topic =
            to_hex(keccak256(std::string_view("Deposit(address,address,uint256)"))).substr(2);
        const std::string loop_body =
            "80600101"          // i amount
            "80600052"          // memory[0] = amount
            "8060005401600055"  // sum += amount
            "61" +
            hex(kAccounts, 2) + "8206" +  // i amount i%accounts
            "62" + hex(kFirstAccount, 3) +
            "01"            // i amount account
            "805482018155"  // balance of account += amount
            "9050"          // i account
            "3090"          // i token account
            "7f" +
            topic +       // i token account topic
            "60206000a3"  // LOG3 of memory[0]
            "600101";     // i+1
        // Where the three places are that are jumped to.
        constexpr std::size_t kHead = 8 + 2;
        constexpr std::size_t kTest = 1 + 10;
        const std::size_t end = kHead + kTest + loop_body.size() / 2 + 4;
        constexpr std::size_t kTail = 2 + 11;
        const std::string head = "3660041461" + hex(end + kTail, 2) + "57" + "6000";
        const std::string test =
            "5b8060003511"
            "1561" +
            hex(end, 2) + "57";
        const std::string again = "61" + hex(kHead, 2) + "56";
        const std::string tail =
            "5b50"
            "600154600035016001"
            "5500";
        const std::string decimals = "5b601260005260206000f3";
        return head + test + loop_body + again + tail + decimals;
    }

    static std::string creation_code() {
        const std::string code = runtime_code();
        return "61" + hex(code.size() / 2, 2) + "80600c6000396000f3" + code;
    }
};

}  // namespace margrave::tests
