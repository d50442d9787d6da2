// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "attest/keys.hpp"
#include "attest/tlog.hpp"
#include "store/guard.hpp"
#include "tests/unit/store/fixture.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace margrave::crash {

namespace fs = std::filesystem;

/// What a firm told the world in one round: from then on it must never be undone.
struct Told {
    std::uint64_t round{0};
    Hash32 digest;
    /// Block that was applied before, and entries of the published log.
    std::uint64_t block{0};
    std::uint64_t published{0};
};

/// Block by block what happens to every firm of a run, made once: block n has one deposit of n
/// units, and each kForkEvery-th has a rival that is applied first and taken back.
class History {
  public:
    explicit History(std::uint64_t blocks);

    static constexpr std::uint64_t kForkEvery = 8;

    [[nodiscard]] const store::test::TestChain& chain() const { return chain_; }

    [[nodiscard]] std::uint64_t size() const { return chain_.blocks().size() - 1; }

    /// From 1.
    [[nodiscard]] const BlockData& block(std::uint64_t n) const { return chain_.blocks()[n]; }

    [[nodiscard]] const BlockData& rival(std::uint64_t n) const { return rivals_[n / kForkEvery]; }

  private:
    store::test::TestChain chain_;
    std::vector<BlockData> rivals_;
};

/// A signing firm as the daemon is one, with the same order of steps and the same code below it: a
/// block is applied, the guard records, the key signs, leaf and intent are committed, the round is
/// told, tiles are published now and then, and intents move on. After a crash an interrupted round
/// is finished from the guard's bytes.
class Firm {
  public:
    /// `salt` goes into every message: a round that is signed by two runs has two digests, unless
    /// the guard keeps them to one.
    Firm(const History& history, fs::path dir, std::uint64_t salt, rocksdb::Env* env = nullptr);

    /// Called when a signature was made, told or not: it may be out in the world.
    std::function<void(const Told&)> on_signed;

    Result<void> open();
    /// One round; `tell` is its release.
    Result<void> step(const std::function<void(const Told&)>& tell);
    /// That nothing of `told` is lost, doubled or contradicted; kCheckFailed says what is. `full`
    /// reads everything and folds the ledger again.
    Result<void> check(const std::vector<Told>& told, bool full);

    [[nodiscard]] std::uint64_t rounds() const { return round_; }

    [[nodiscard]] std::uint64_t blocks() const;
    /// Whether anything can still be written after a failure.
    [[nodiscard]] bool is_stopped();
    void close();

  private:
    Result<void> finish();
    Result<void> apply_next();
    Result<void> sign_round(std::uint64_t round, const Bytes& message);
    Result<void> move_intents();
    Result<void> publish();
    Result<void> check_guard(const std::vector<Told>& told);
    Result<void> check_leaves(const std::vector<Told>& told, bool full);
    Result<void> check_ledger(const std::vector<Told>& told);
    Result<void> check_everything(const std::vector<Told>& told);
    [[nodiscard]] store::GuardEntry entry(std::uint64_t round, const Bytes& message) const;

    const History& history_;
    fs::path dir_;
    std::uint64_t salt_;
    rocksdb::Env* env_;
    std::unique_ptr<attest::Signer> signer_;
    attest::LogKey log_key_;
    std::string origin_;
    std::unique_ptr<store::Database> database_;
    std::unique_ptr<store::Ledger> ledger_;
    std::unique_ptr<store::SigningGuard> guard_;
    std::unique_ptr<attest::TileLog> log_;
    std::uint64_t round_{0};
    std::uint64_t published_{0};
};

}  // namespace margrave::crash
