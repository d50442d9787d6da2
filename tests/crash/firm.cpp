// SPDX-License-Identifier: Apache-2.0
#include "tests/crash/firm.hpp"

#include "core/disk_seam.hpp"
#include "core/keccak.hpp"
#include "store/database.hpp"
#include "store/ledger.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace margrave::crash {

using store::test::account;
using store::test::deposit;
using store::test::usd;

namespace {

constexpr std::uint64_t kAccounts = 7;
constexpr std::uint64_t kPublishEvery = 4;
constexpr std::uint64_t kFinalBehind = 3;
/// Leaves that every check reads; a full one reads all.
constexpr std::uint64_t kNewest = 64;
const Hash32 kSubject = keccak256("attestation");
const Hash32 kDomain = keccak256("domain");

Error lost(const std::string& what) {
    return fail(Errc::kCheckFailed, what);
}

std::string text(std::uint64_t n) {
    return std::to_string(n);
}

// "<round> <digest> <signature>".
Bytes leaf_of(std::uint64_t round, const Hash32& digest, const Signature& signature) {
    return to_bytes(text(round) + " " + to_hex(digest) + " " + to_hex(ByteView(signature)));
}

std::string leaf_begin(std::uint64_t round, const Hash32& digest) {
    return text(round) + " " + to_hex(digest) + " ";
}

std::vector<store::test::Body> body_of(std::uint64_t n) {
    return {deposit(account(1 + n % kAccounts), usd(), n)};
}

}  // namespace

History::History(std::uint64_t blocks) {
    rivals_.emplace_back();
    for (std::uint64_t n = 1; n <= blocks; ++n) {
        if (n % kForkEvery == 0) {
            rivals_.push_back(chain_.next(body_of(n), 1));
        }
        chain_.push(body_of(n));
    }
}

Firm::Firm(const History& history, fs::path dir, std::uint64_t salt, rocksdb::Env* env)
    : history_(history),
      dir_(std::move(dir)),
      salt_(salt),
      env_(env) {
    attest::SecretKey key =
        attest::SecretKey::from_bytes(keccak256("a key of tests").view()).value();
    log_key_ = attest::derive_log_key(key);
    signer_ = attest::make_local_signer(std::move(key));
    origin_ = attest::log_origin(store::test::network(), "crash");
}

void Firm::close() {
    log_.reset();
    guard_.reset();
    ledger_.reset();
    database_.reset();
}

std::uint64_t Firm::blocks() const {
    const auto head = ledger_->chain_state(history_.chain().id()).head;
    return head ? head->number.value - history_.block(0).block.number.value : 0;
}

store::GuardEntry Firm::entry(std::uint64_t round, const Bytes& message) const {
    store::GuardEntry out;
    out.signer = signer_->address();
    out.domain = kDomain;
    out.subject = kSubject;
    out.epoch = round;
    out.digest = keccak256(message);
    out.message = message;
    return out;
}

Result<void> Firm::open() {
    store::DatabaseOptions options{dir_ / "store", store::test::network()};
    options.env = env_;
    MARGRAVE_TRY(database_, store::Database::open(options));
    ledger_ = std::make_unique<store::Ledger>(*database_);
    MARGRAVE_TRY(ledger_->define(history_.chain().asset(usd()), 6));
    if (!ledger_->chain_state(history_.chain().id()).head) {
        MARGRAVE_TRY(ledger_->apply(history_.chain().id(), BlockApplied{history_.block(0)}));
    }
    MARGRAVE_TRY(
        guard_,
        store::SigningGuard::open(dir_ / "guard", dir_ / "guard.mark", store::test::network())
    );
    store::Database& database = *database_;
    auto leaf = [&database](std::uint64_t index) {
        return database.leaf(index);
    };
    MARGRAVE_TRY(
        log_, attest::TileLog::open(dir_ / "log", origin_, database.leaf_count(), std::move(leaf))
    );
    round_ = database_->leaf_count();
    return finish();
}

// As a start of the daemon does it: the guard is at the log's last round or one ahead of it.
Result<void> Firm::finish() {
    MARGRAVE_TRY(const auto guarded, guard_->last(signer_->address(), kDomain, kSubject));
    const std::uint64_t recorded = guarded ? guarded->epoch : 0;
    if (recorded == round_ + 1) {
        return sign_round(recorded, guarded->message);
    }
    if (recorded != round_) {
        return lost("the guard is at round " + text(recorded) + ", the log at " + text(round_));
    }
    return ok();
}

Result<void> Firm::apply_next() {
    const ChainId& chain = history_.chain().id();
    std::uint64_t at = blocks();
    if (at % History::kForkEvery == 0 && at > 0 &&
        ledger_->chain_state(chain).head->hash != history_.block(at).block.hash) {
        MARGRAVE_TRY(ledger_->apply(chain, BlocksReverted{history_.block(at - 1).block}));
        --at;
    } else if ((at + 1) % History::kForkEvery == 0) {
        MARGRAVE_TRY(ledger_->apply(chain, BlockApplied{history_.rival(at + 1)}));
        MARGRAVE_TRY(ledger_->apply(chain, BlocksReverted{history_.block(at).block}));
    }
    MARGRAVE_TRY(ledger_->apply(chain, BlockApplied{history_.block(at + 1)}));
    if (at % kFinalBehind == 0 && at > kFinalBehind) {
        MARGRAVE_TRY(ledger_->apply(chain, Finalized{history_.block(at - kFinalBehind).block}));
    }
    return ok();
}

Result<void> Firm::sign_round(std::uint64_t round, const Bytes& message) {
    const store::GuardEntry about = entry(round, message);
    MARGRAVE_TRY(guard_->record(about));
    disk_moment("firm.guarded");
    MARGRAVE_TRY(const Signature signature, signer_->sign(about.digest));
    if (on_signed) {
        on_signed({round, about.digest, 0, 0});
    }
    disk_moment("firm.signed");
    store::Decision decision;
    decision.leaves.push_back(leaf_of(round, about.digest, signature));
    store::Intent intent;
    intent.id = about.digest;
    intent.chain = history_.chain().id();
    intent.kind = "attestation";
    intent.label = text(round);
    intent.data = message;
    decision.intents.push_back(std::move(intent));
    decision.documents.emplace_back("attestation/last", message);
    MARGRAVE_TRY(database_->commit(decision));
    disk_moment("firm.committed");
    while (log_->size() < database_->leaf_count()) {
        MARGRAVE_TRY(const Bytes leaf, database_->leaf(log_->size()));
        MARGRAVE_TRY(log_->append(leaf));
    }
    round_ = round;
    return ok();
}

Result<void> Firm::step(const std::function<void(const Told&)>& tell) {
    MARGRAVE_TRY(apply_next());
    const std::uint64_t round = round_ + 1;
    const Bytes message = to_bytes("round " + text(round) + " of run " + text(salt_));
    MARGRAVE_TRY(sign_round(round, message));
    tell({round, keccak256(message), blocks(), published_});
    disk_moment("firm.told");
    if (round % kPublishEvery == 0) {
        MARGRAVE_TRY(publish());
    }
    return move_intents();
}

Result<void> Firm::publish() {
    MARGRAVE_TRY(const auto checkpoint, log_->publish(log_key_));
    published_ = checkpoint.size;
    return ok();
}

// Each intent is kept as sent before it would be sent, and as final later.
Result<void> Firm::move_intents() {
    MARGRAVE_TRY(std::vector<store::Intent> open, database_->open_intents());
    for (store::Intent& intent : open) {
        const bool fresh = intent.state == store::IntentState::kQueued;
        intent.state = fresh ? store::IntentState::kSent : store::IntentState::kFinal;
        intent.nonce = round_;
        MARGRAVE_TRY(database_->update_intent(intent, /*durable=*/fresh));
        disk_moment(fresh ? "firm.intent_kept" : "firm.intent_closed");
    }
    return ok();
}

bool Firm::is_stopped() {
    return !step([](const Told&) {});
}

Result<void> Firm::check(const std::vector<Told>& told, bool full) {
    MARGRAVE_TRY(check_guard(told));
    MARGRAVE_TRY(check_leaves(told, full));
    MARGRAVE_TRY(check_ledger(told));
    return full ? check_everything(told) : ok();
}

Result<void> Firm::check_guard(const std::vector<Told>& told) {
    const store::GuardState state = guard_->state();
    if (state.statements != round_) {
        return lost(
            "the guard has " + text(state.statements) + " records in round " + text(round_)
        );
    }
    const std::size_t from = told.size() - std::min<std::size_t>(told.size(), kNewest);
    for (std::size_t i = from; i < told.size(); ++i) {
        MARGRAVE_TRY(
            const auto found, guard_->find(signer_->address(), kDomain, kSubject, told[i].round)
        );
        if (!found || found->digest != told[i].digest) {
            return lost("the guard does not hold what was told in round " + text(told[i].round));
        }
    }
    return ok();
}

Result<void> Firm::check_leaves(const std::vector<Told>& told, bool full) {
    const std::uint64_t count = database_->leaf_count();
    if (count != round_ || (!told.empty() && told.back().round > count)) {
        return lost("the log has " + text(count) + " leaves in round " + text(round_));
    }
    for (std::uint64_t i = full ? 0 : count - std::min(count, kNewest); i < count; ++i) {
        MARGRAVE_TRY(const Bytes leaf, database_->leaf(i));
        if (!as_text(leaf).starts_with(text(i + 1) + " ")) {
            return lost("leaf " + text(i) + " is not of round " + text(i + 1));
        }
    }
    const std::size_t from = full ? 0 : told.size() - std::min<std::size_t>(told.size(), kNewest);
    for (std::size_t i = from; i < told.size(); ++i) {
        MARGRAVE_TRY(const Bytes leaf, database_->leaf(told[i].round - 1));
        if (!as_text(leaf).starts_with(leaf_begin(told[i].round, told[i].digest))) {
            return lost("leaf " + text(told[i].round - 1) + " is not what was told");
        }
    }
    return ok();
}

Result<void> Firm::check_ledger(const std::vector<Told>& told) {
    const std::uint64_t at = blocks();
    if (!told.empty() && at < told.back().block) {
        return lost("block " + text(told.back().block) + " was applied, the head is " + text(at));
    }
    const auto state = ledger_->chain_state(history_.chain().id());
    const bool forked = at % History::kForkEvery == 0 && at > 0;
    if (state.head->hash != history_.block(at).block.hash &&
        !(forked && state.head->hash == history_.rival(at).block.hash)) {
        return lost("the head " + text(at) + " is no block of the chain");
    }
    MARGRAVE_TRY(
        const auto balance,
        ledger_->trial_balance(ledger_->ledgers().front().id, state.head->number)
    );
    const auto vault = balance.totals.find(store::AccountCode::kVault);
    const Amount have = vault == balance.totals.end() ? Amount{} : vault->second;
    if (have != Amount(at * (at + 1) / 2)) {
        return lost("the vault of block " + text(at) + " has " + have.to_string());
    }
    return ok();
}

Result<void> Firm::check_everything(const std::vector<Told>& told) {
    MARGRAVE_TRY(const auto intents, database_->intents(round_ + 1));
    if (intents.size() != round_) {
        return lost("there are " + text(intents.size()) + " intents in round " + text(round_));
    }
    MARGRAVE_TRY(ledger_->verify());
    MARGRAVE_TRY(publish());
    const std::string vkey = attest::log_vkey(origin_, log_key_);
    MARGRAVE_TRY(const auto read, attest::read_log(dir_ / "log", vkey));
    if (read.entries.size() != round_ ||
        (!told.empty() && read.entries.size() < told.back().published)) {
        return lost("the published log has " + text(read.entries.size()) + " entries");
    }
    for (std::uint64_t i = 0; i < round_; ++i) {
        MARGRAVE_TRY(const Bytes leaf, database_->leaf(i));
        if (leaf != read.entries[i]) {
            return lost("entry " + text(i) + " of the published log is not the store's");
        }
    }
    return ok();
}

}  // namespace margrave::crash
