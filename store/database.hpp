// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/statements.hpp"
#include "store/incidents.hpp"
#include "store/ledger.hpp"

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace rocksdb {
class Env;
}

namespace margrave::store {

/// A transaction intent of the outbox (design: durable before the first broadcast).
enum class IntentState : std::uint8_t { kQueued, kSent, kIncluded, kFinal, kFailed, kSuperseded };
std::string_view to_string(IntentState state);

/// One signed transaction that was made for an intent; every hash it ever had is kept.
struct Attempt {
    Hash32 txn_hash;
    Bytes raw;
    /// Wei per gas.
    Amount max_fee;
    Amount priority_fee;
    BlockNum sent_at;
};

struct Intent {
    /// Digest of the statement it delivers, with the chain: one intent a statement and chain.
    Hash32 id;
    ChainId chain;
    /// "attestation", "release", "seizure", "close".
    std::string kind;
    /// Round, request number or leg, for people.
    std::string label;
    Address to;
    Bytes data;
    std::optional<std::uint64_t> nonce;
    std::vector<Attempt> attempts;
    IntentState state{IntentState::kQueued};
    /// Block of inclusion.
    BlockNum block;
    Hash32 block_hash;
    Hash32 included_hash;
    /// Not worth sending after this time; zero: never.
    UnixSeconds expires;
    UnixSeconds created;
    /// Last error, for people.
    std::string error;
};

/// Our own decisions, written together or not at all, with one fsync. What was signed is on disk
/// with the leaf that publishes it and the intent that delivers it before a byte leaves.
struct Decision {
    std::vector<Bytes> leaves;
    std::vector<Intent> intents;
    /// Grants: each also sets its request to kGranted.
    std::vector<Hold> holds;

    struct Refusal {
        ChainId chain;
        std::uint64_t request{0};
        std::string reason;
    };

    std::vector<Refusal> refusals;
    /// Holds that ended without execution (expired by final time): the request stays answered.
    std::vector<Hash32> ended_holds;
    /// Legs of a newly opened lock; all carry the same (account, lock).
    std::vector<Leg> legs;
    std::vector<Hash32> expired_legs;
    /// Chains that stop and go on (store/incidents.hpp). kConflict for one that is stopped already,
    /// kNotFound for one that is not.
    std::vector<ChainStop> stops;
    std::vector<std::pair<ChainId, ChainResume>> resumes;
    /// Named documents: price sets, parameters, snapshots, attestations by round. A name whose last
    /// part is a number or 0x and hex is written once; any other ("attestation/last") is replaced.
    std::vector<std::pair<std::string, Bytes>> documents;
    /// States that what is decided stands on: they can be read for ever (store/prune.hpp).
    std::vector<std::pair<ChainId, BlockNum>> names;
};

struct DatabaseOptions {
    std::filesystem::path dir;
    /// keccak of the genesis document; a directory of another network is refused (kSchema).
    Hash32 network;
    /// Open beside a running daemon, as a RocksDB secondary; nothing may be written.
    bool read_only{false};
    /// Another file system below RocksDB, for tests that make it fail; its own when null. Outlives
    /// the database.
    rocksdb::Env* env{nullptr};
};

/// The RocksDB behind everything but the guard: schema, instance id, the atomic decision, the
/// attestation log's leaves, the outbox and named documents. No RocksDB type is visible.
class Database {
  public:
    /// Creates the directory when it is missing. Errors: kLocked (who holds it), kSchema, kCorrupt
    /// (which file, what to do), kStore.
    static Result<std::unique_ptr<Database>> open(const DatabaseOptions& options);
    ~Database();

    Database(const Database&) = delete;
    Database& operator=(const Database&) = delete;

    /// One synced batch. Intents, holds, refusals and legs are known by their ids: a decision whose
    /// every such row is stored already, with its leaves, changes nothing; kConflict when one of
    /// them, or a leaf of theirs, exists with other content. A decision without any is always new.
    /// kNotFound for a hold or leg that is to end and never was; kInvalid for one that contradicts
    /// itself. Afterwards decisions.mark is advanced, so that losing the decision is found at open.
    Result<void> commit(const Decision& decision);

    /// What opening found and did (logs that were read again, what a crash left), for the log.
    [[nodiscard]] const std::string& note() const;

    [[nodiscard]] std::uint64_t leaf_count() const;
    [[nodiscard]] Result<Bytes> leaf(std::uint64_t index) const;

    /// Replaces the stored intent (same id, chain and kind). Synced when `durable`: before any
    /// broadcast. kNotFound when no decision made it.
    Result<void> update_intent(const Intent& intent, bool durable);
    /// Queued, sent or included ones, oldest first.
    [[nodiscard]] Result<std::vector<Intent>> open_intents() const;
    /// The newest of all, newest first.
    [[nodiscard]] Result<std::vector<Intent>> intents(std::size_t limit) const;

    /// kStore once something failed: what is not found from then on may be there all the same.
    [[nodiscard]] Result<void> check() const;

    /// Everything written so far is on disk, also what was not synced.
    Result<void> sync();

    [[nodiscard]] std::optional<Bytes> document(const std::string& name) const;
    /// Secondary only: catch up with the writer.
    Result<void> refresh();

    struct Impl;

    /// For the other classes of this room only.
    [[nodiscard]] Impl& impl() const { return *impl_; }

  private:
    explicit Database(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace margrave::store
