// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "attest/early.hpp"
#include "attest/keys.hpp"
#include "attest/reconciliation.hpp"
#include "attest/tlog.hpp"
#include "chains/adapter.hpp"
#include "config/settings.hpp"
#include "core/statements.hpp"
#include "relayer/early.hpp"
#include "store/database.hpp"
#include "store/guard.hpp"

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace margrave::relayer {

/// A round that is ready to be signed: everything its leaf carries.
struct RoundDraft {
    Attestation attestation;
    std::vector<Head> heads;
    std::vector<PriceRow> prices;
    /// Canonical bytes of the price set and of the round's evidence lists, kept under their names.
    std::vector<std::pair<std::string, Bytes>> documents;
    /// Proofs of accounts that may be seized (detail/messages.hpp). Kept with the round but not in
    /// the guard: a round that is finished after a crash does without, and the next one has its
    /// own.
    std::vector<std::pair<std::string, Bytes>> proofs;
    /// Chains to which the round is not brought: nothing is delivered to a dead chain.
    std::set<ChainId> undelivered;
};

struct ReleaseDraft {
    Release release;
    std::uint64_t request{0};
    store::Hold hold;
    /// What it stands on that is not final; for its leaf and for the document of all stands.
    std::vector<attest::EarlyUse> early;
};

struct SeizureDraft {
    Seizure seizure;
    store::Leg leg;
};

/// A reading of a chain's custody, with what follows from it; all of it is written together.
struct CustodyRecord {
    attest::Reconciliation reading;
    /// Name and bytes of the document that says how the chain stands.
    std::pair<std::string, Bytes> standing;
    /// The chain stops, with its `halt` leaf.
    std::optional<store::ChainStop> stop;
    /// Why the chain may go on, with its `resume` leaf.
    std::optional<std::string> resume;
};

/// Where a signature comes from and what is on disk before it leaves (design section 7):
/// guard record + fsync -> sign -> verify own signature -> log leaf + outbox + fsync -> published
/// log. Nothing else in the program signs a statement. On the daemon's thread; owned by App, which
/// outlives it.
class Scribe {
  public:
    struct Parts {
        const config::Settings& settings;
        store::Database& database;
        store::SigningGuard& guard;
        attest::Signer& signer;
        attest::LogKey log_key;
        /// Chains that receive attestations, and how an instruction is encoded there.
        std::vector<chains::ChainAdapter*> chains;
    };

    explicit Scribe(Parts parts);

    /// At start: checks guard, leaves and published log against each other, finishes what a crash
    /// left between guard and leaf, writes the genesis, key and parameters leaves of a new log.
    /// kUnsafe when the three disagree in a way that only a person can settle.
    Result<void> open(UnixSeconds now);
    /// The two halves of it: the first reads and checks and writes nothing, so that more may be
    /// compared (`compare_published`) before the second signs and publishes.
    Result<void> load();
    Result<void> begin(UnixSeconds now);

    /// Signs the draft, or finishes what was recorded for its round and never reached the log: then
    /// `last` is not the draft's statement.
    Result<void> attest(const RoundDraft& draft, UnixSeconds now);
    /// Signs the release, or finishes what was recorded under its id and never reached the log. In
    /// either case it stands on the draft's `early`. kLimit when that does not fit an entry.
    Result<void> release(const ReleaseDraft& draft, UnixSeconds now);
    /// What releases stand on that is not final, from now on.
    Result<void> keep_stands(const std::vector<EarlyStand>& stands);
    /// All legs of one lock, together. Legs of it that were recorded before some trouble are
    /// finished in place of these.
    Result<void> seize(const std::vector<SeizureDraft>& drafts, UnixSeconds now);
    Result<void> refuse(const store::Request& request, const std::string& reason, RoundNum round);
    /// Writes that a chain stops, with its `halt` leaf; the stop as it is kept. Published.
    Result<store::ChainStop> halt(store::ChainStop stop);
    /// Writes that it may go on, with its `resume` leaf. kNotFound when it is not stopped.
    /// Published.
    Result<void> resume(const ChainId& chain, const std::string& reason, UnixSeconds now);
    /// Writes a reading as leaves of the log; the stop as it is kept, if the record has one. What
    /// halts a chain or lets it go on is published at once, the rest with the next round.
    Result<std::optional<store::ChainStop>> reconcile(const CustodyRecord& record, UnixSeconds now);
    /// Replaces one document.
    Result<void> keep(std::pair<std::string, Bytes> document);
    /// Asks for an unsold lot, and again after an hour if that came to nothing.
    Result<void> close_sale(const store::Leg& leg, UnixSeconds now);
    /// Holds and legs that ended by final time.
    Result<void> expire(std::vector<Hash32> holds, std::vector<Hash32> legs);
    /// Writes the tiles and the checkpoint of everything committed; called once after a batch of
    /// decisions, since each call costs several fsyncs.
    Result<void> publish();

    /// A checkpoint of this log as somebody else keeps it, `where` for messages; its entries.
    /// kUnsafe when it says more than this log has, or another history of it; kConfig when it is
    /// not of this log.
    [[nodiscard]] Result<std::uint64_t> compare_published(
        std::string_view note, const std::string& where
    ) const;

    /// For a restored store: that every release and seizure that the guard has signed and that can
    /// still be executed is in the log. kUnsafe names one that is not; a decision would not count
    /// it.
    [[nodiscard]] Result<void> check_untold(UnixSeconds now) const;

    /// The last attestation in the log, zero round when none.
    [[nodiscard]] const Attestation& last() const { return last_; }

    [[nodiscard]] const Hash32& last_digest() const { return last_digest_; }

    [[nodiscard]] const Hash32& parameters_hash() const { return parameters_; }

    /// What signing would say twice about a statement of this log.
    [[nodiscard]] std::uint64_t leaves() const;

  private:
    struct Subject {
        Hash32 name;
        std::uint64_t epoch{1};
    };

    /// An entry bundle of the log has 16 bits for an entry's length.
    static constexpr std::size_t kLeafBytesMax = 65'535;

    [[nodiscard]] Result<void> check_leaf_size(const ReleaseDraft& draft) const;
    Result<SignerSignature> guarded_signature(
        const Subject& subject,
        const Hash32& digest,
        const Bytes& message,
        const std::vector<Head>& heads
    );
    Result<std::optional<Canonical>> recorded(const Subject& subject) const;
    Result<std::vector<SeizureDraft>> recorded_legs(const SeizureDraft& first) const;
    Result<void> check_lost_log() const;
    Result<bool> is_close_open(const std::string& label) const;
    /// After a stop or a resume: an error only when the process must stop over it.
    Result<void> publish_or_later();
    Result<void> commit(const store::Decision& decision);
    Result<void> start_log();
    Result<void> name_parameters(UnixSeconds now);
    [[nodiscard]] Result<void> check_parameters(const Bytes& current, UnixSeconds now) const;
    /// A restored store's log was completed from outside: of the last round the guard still has the
    /// evidence.
    Result<void> recall_evidence();
    Result<void> finish_interrupted(UnixSeconds now);
    Result<void> load_last();
    Result<void> check_recent() const;
    Result<void> check_guarded(ByteView leaf) const;
    Result<void> check_guard_and_log(const std::optional<store::GuardEntry>& guarded) const;
    [[nodiscard]] Result<std::optional<store::GuardEntry>> last_guarded() const;
    /// `fresh`: what goes with the message without being recorded with it; null when the message is
    /// one that was recorded before.
    Result<void> sign_round(const Canonical& message, const RoundDraft* fresh, UnixSeconds now);
    [[nodiscard]] chains::ChainAdapter* chain(const ChainId& id) const;

    Parts parts_;
    std::unique_ptr<attest::TileLog> log_;
    Attestation last_;
    Hash32 last_digest_;
    Hash32 parameters_;
};

/// An operator's reason goes into the log, so it has a length: 1 to 1000 bytes of UTF-8.
Result<void> check_resume_reason(const std::string& reason);

/// What `resume` commits, for a data directory that no daemon runs on: the log is published when
/// one starts.
store::Decision resume_decision(
    const ChainId& chain, const std::string& reason, UnixSeconds now, RoundNum last_round
);

/// The subject under which attestations are guarded.
Hash32 attestation_subject();

}  // namespace margrave::relayer
