// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "chains/adapter.hpp"
#include "core/clock.hpp"
#include "infra/log.hpp"
#include "infra/task.hpp"
#include "store/database.hpp"
#include "store/ledger.hpp"

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace margrave::relayer {

/// Most transactions of one chain that may wait for inclusion at once. One of them is kept for the
/// attestation, so that nothing that cannot be sent keeps the registry from moving on.
inline constexpr std::size_t kDeliveryWindow = 8;
/// Most intents one pass looks at.
inline constexpr std::size_t kDeliveryIntentsMax = 1000;

/// What delivery decided to do with the outbox of one chain; plain data, so the rules are tested
/// without a network.
struct DeliveryPlan {
    /// Intents to give up, with the reason (expired, superseded by a newer round).
    struct Drop {
        Hash32 intent;
        store::IntentState state{store::IntentState::kSuperseded};
        std::string reason;
    };

    std::vector<Drop> drops;
    /// Intents to send now, in order of nonce.
    std::vector<Hash32> sends;
    /// Intents whose last attempt waits too long: replace with a higher fee, same nonce.
    std::vector<Hash32> replacements;
    /// Intents that wait too long and are not worth it any more: their nonce is spent on nothing,
    /// so that those behind it can go on.
    std::vector<Hash32> cancels;
};

/// The rules of the outbox (design section 8): only the newest attestation is worth sending; while
/// a seizure is in flight no newer attestation is sent on that chain, because the seizure's proof
/// holds under the round the registry has; seizures wait until the registry has a round in which
/// the account is seizable; at most kDeliveryWindow unconfirmed transactions; replace after
/// `replace_after_blocks`; nothing is sent after its expiry.
/// `registry_round` is the latest round the chain's registry accepted.
DeliveryPlan plan_delivery(
    const std::vector<store::Intent>& open,
    RoundNum registry_round,
    BlockNum head,
    UnixSeconds now,
    const chains::FeeSettings& fees
);

/// Sends the outbox of one chain and follows each transaction to finality. Every state is stored
/// before the step it allows; a restart goes on from there and never spends a nonce twice for two
/// intents. One instance a chain, on the daemon's executor; owned by App.
class Delivery {
  public:
    /// Completes a seizure's call data with the account's proof under the registry's round.
    /// kNotFound: not seizable in that round (yet).
    using CompleteSeizure =
        std::function<Result<Bytes>(const store::Intent& intent, RoundNum registry_round)>;

    struct Parts {
        chains::ChainAdapter& adapter;
        store::Database& database;
        store::Ledger& ledger;
        Address sender;
        SignDigest sign;
        CompleteSeizure complete_seizure;
        const Clock& clock;
        infra::Logger log;
    };

    explicit Delivery(Parts parts);

    /// One pass over this chain's outbox. kStore and kUnsafe mean the process must stop; other
    /// errors are for the log and the next pass.
    Task<Result<void>> pass();

    /// Gas money left, wei, as of the last pass; for status.
    [[nodiscard]] const std::optional<Amount>& balance() const { return balance_; }

    [[nodiscard]] RoundNum registry_round() const { return registry_round_; }

  private:
    enum class Sent : std::uint8_t { kYes, kNo };

    /// Why a queued intent is passed over for a while.
    struct Wait {
        unsigned failures{0};
        std::uint64_t until_pass{0};
        /// A seizure whose account this round does not call seizable.
        std::optional<RoundNum> not_in_round;
    };

    Task<Result<void>> follow(store::Intent intent);
    Task<Result<void>> follow_all(std::vector<store::Intent> open);
    Task<Result<void>> look_at_chain();
    Task<Result<void>> carry_out(DeliveryPlan plan, std::vector<store::Intent> open);
    Task<Result<void>> unblock(DeliveryPlan plan, std::vector<store::Intent> open);
    Result<void> drop_stale();
    Result<void> settle(store::Intent intent, const chains::TxnStatus& status);
    Result<void> requeue(store::Intent intent, std::string why);
    Task<Result<void>> find_lost(store::Intent intent);
    Task<Result<Sent>> send(store::Intent intent);
    Task<Result<void>> spend(store::Intent intent, std::uint64_t gas_limit, chains::FeeQuote fees);
    Task<Result<void>> replace(store::Intent intent);
    Task<Result<void>> cancel(store::Intent intent);
    Task<Result<void>> cancel_at(store::Intent intent, chains::FeeQuote fees);
    Task<Result<void>> attempt(store::Intent intent, chains::TxnRequest request);
    Task<Result<void>> broadcast(store::Intent intent);
    Result<void> drop(store::Intent intent, store::IntentState state, std::string reason);
    Result<void> drop_all(
        const std::vector<DeliveryPlan::Drop>& drops, const std::vector<store::Intent>& open
    );
    /// What a failed simulation means for the intent.
    Result<void> judge(store::Intent intent, const Error& error);
    Result<void> put_off(store::Intent intent, const Error& why);
    Result<void> check_funds(std::uint64_t gas_limit, const Amount& max_fee) const;
    Result<Bytes> call_data(const store::Intent& intent) const;
    [[nodiscard]] chains::TxnRequest request_of(
        const store::Intent& intent, std::uint64_t gas_limit, const chains::FeeQuote& fees
    ) const;
    [[nodiscard]] Result<std::vector<store::Intent>> mine() const;
    [[nodiscard]] std::vector<store::Intent> eligible(std::vector<store::Intent> open) const;
    Result<std::uint64_t> next_nonce(std::uint64_t on_chain) const;
    [[nodiscard]] BlockNum head() const;
    void forget(const Hash32& intent);

    Parts parts_;
    std::optional<Amount> balance_;
    RoundNum registry_round_;
    std::uint64_t passes_{0};
    /// Passes in which an intent's nonce was used up but none of its hashes was found.
    std::map<Hash32, unsigned> lost_;
    std::map<Hash32, Wait> waits_;
    /// Head at which an intent's bytes were last offered to the node again.
    std::map<Hash32, BlockNum> offered_at_;
    infra::LogLimiter limiter_{4, std::chrono::seconds(30)};
};

}  // namespace margrave::relayer
