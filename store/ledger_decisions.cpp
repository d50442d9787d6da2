// SPDX-License-Identifier: Apache-2.0
#include "core/assert.hpp"
#include "store/database.hpp"
#include "store/detail/decision_records.hpp"
#include "store/detail/ledger_state.hpp"
#include "store/ledger.hpp"

#include <algorithm>
#include <tuple>

// Reads that put together what a chain said and what we answered or instructed.
namespace margrave::store {

using detail::AnswerRow;
using detail::Cf;
using detail::ChainTag;
using detail::HoldRow;
using detail::InstructedLegRow;
using detail::LegRow;
using detail::RequestRow;

namespace {

constexpr std::string_view kNumberReused =
    "its number was answered for another request, which a reorg took away";

// The chain's word goes before ours: an executed request is executed whoever granted it.
void answer_request(Request& out, const RequestRow& row, const std::optional<AnswerRow>& answer) {
    if (answer) {
        const bool ours = answer->fingerprint.is_zero() || answer->fingerprint == row.fingerprint();
        out.state = ours && answer->granted ? RequestState::kGranted : RequestState::kRefused;
        out.deadline = ours ? answer->deadline : UnixSeconds{};
        out.reason = ours ? answer->reason : std::string(kNumberReused);
    }
    if (row.executed) {
        out.state = RequestState::kExecuted;
    }
}

// One chain's requests, with one iterator for all.
class RequestReader {
  public:
    RequestReader(const Database::Impl& db, const Ledger::State& state, const ChainId& chain)
        : db_(db),
          state_(state),
          chain_(chain),
          tag_(detail::tag_of(chain)),
          versions_(db) {}

    Result<Request> make(std::uint64_t number, const RequestRow& row) const {
        Request out;
        out.chain = chain_;
        out.vault = row.vault;
        out.number = number;
        out.kind = row.kind;
        out.account = row.account;
        out.asset = state_.asset(chain_, row.token);
        out.amount = row.amount;
        out.recipient = row.recipient;
        out.block = row.block;
        out.time = row.time;
        out.release_id = row.release_id;
        MARGRAVE_TRY(
            const auto answer,
            db_.read<AnswerRow>(Cf::kDecision, detail::decision_key::answer(tag_, number))
        );
        answer_request(out, row, answer);
        return out;
    }

    Result<std::vector<Request>> all(BlockNum up_to) {
        std::vector<Request> out;
        const Bytes prefix = detail::subject::requests(tag_);
        const auto visit = [&](ByteView subject, ByteView value) -> Result<void> {
            ByteReader rest(subject.subspan(prefix.size()));
            MARGRAVE_TRY(const std::uint64_t number, rest.u64());
            MARGRAVE_TRY(
                const auto row, Database::Impl::decode<RequestRow>(Cf::kVersion, subject, value)
            );
            MARGRAVE_TRY(Request request, make(number, row));
            out.push_back(std::move(request));
            return ok();
        };
        MARGRAVE_TRY(versions_.each(prefix, up_to, visit));
        return out;
    }

    Result<std::vector<Request>> open(BlockNum up_to) {
        std::vector<Request> out;
        const Bytes prefix = detail::decision_key::open_requests(tag_);
        const auto visit = [&](ByteView key, ByteView) -> Result<bool> {
            ByteReader rest(key.subspan(prefix.size()));
            MARGRAVE_TRY(const std::uint64_t number, rest.u64());
            MARGRAVE_TRY(
                const auto row,
                versions_.read<RequestRow>(detail::subject::request(tag_, number), up_to)
            );
            if (!row) {
                return true;
            }
            MARGRAVE_TRY(Request request, make(number, *row));
            if (request.state == RequestState::kOpen) {
                out.push_back(std::move(request));
            }
            return true;
        };
        MARGRAVE_TRY(db_.scan(Cf::kDecision, prefix, visit));
        return out;
    }

  private:
    const Database::Impl& db_;
    const Ledger::State& state_;
    const ChainId& chain_;
    ChainTag tag_;
    detail::Versions versions_;
};

Result<std::vector<Hold>> read_holds(const Database::Impl& db, const Bytes& prefix) {
    std::vector<Hold> out;
    const auto visit = [&](ByteView key, ByteView value) -> Result<bool> {
        MARGRAVE_TRY(auto row, Database::Impl::decode<HoldRow>(Cf::kDecision, key, value));
        out.push_back(std::move(row.hold));
        return true;
    };
    MARGRAVE_TRY(db.scan(Cf::kDecision, prefix, visit));
    return out;
}

void add_fact(Leg& leg, const LegRow& fact, const Ledger::State& state, const ChainId& chain) {
    leg.asset = state.asset(chain, fact.token);
    leg.amount = fact.amount;
    leg.state = fact.state;
    leg.block = fact.block;
    leg.proceeds = fact.proceeds;
    if (fact.state == LegState::kSold && leg.debt_asset.text().empty()) {
        leg.debt_asset = state.asset(chain, fact.proceeds_token);
    }
}

// A leg as we instructed it, if we did, under what its chain says, if it says anything.
class LegReader {
  public:
    LegReader(const Database::Impl& db, const Ledger::State& state)
        : db_(db),
          state_(state),
          versions_(db) {}

    Result<std::optional<Leg>> read(
        const AccountId& account, const Hash32& seizure, const ChainId& chain
    ) {
        MARGRAVE_TRY(
            const auto place,
            db_.read<detail::LegPlaceRow>(Cf::kDecision, detail::decision_key::leg_place(seizure))
        );
        std::optional<InstructedLegRow> instructed;
        if (place) {
            MARGRAVE_TRY(
                instructed,
                db_.read<InstructedLegRow>(
                    Cf::kDecision,
                    detail::decision_key::leg(place->account, place->lock, place->number, seizure)
                )
            );
        }
        return combine(account, seizure, chain, instructed);
    }

    /// The leg that a row of an index names: its key ends with the seizure, its value has the
    /// place.
    Result<std::optional<Leg>> read_named(ByteView key, ByteView value) {
        MARGRAVE_TRY(
            const auto place, Database::Impl::decode<detail::OpenLegRow>(Cf::kDecision, key, value)
        );
        constexpr std::size_t kIdSize = 32;
        if (key.size() < kIdSize) {
            return detail::corrupt(Cf::kDecision, key, "is shorter than a seizure's id");
        }
        ByteReader id(key.last(kIdSize));
        MARGRAVE_TRY(const Hash32 seizure, id.hash32());
        const Result<ChainId> chain = ChainId::parse(place.chain);
        if (!chain) {
            return detail::corrupt(Cf::kDecision, key, chain.error().detail);
        }
        return read(place.account, seizure, chain.value());
    }

    Result<std::vector<Leg>> of(const AccountId& account) {
        std::map<Hash32, Leg> found;
        const auto instructed = [&](ByteView key, ByteView value) -> Result<bool> {
            MARGRAVE_TRY(
                const auto row, Database::Impl::decode<InstructedLegRow>(Cf::kDecision, key, value)
            );
            MARGRAVE_TRY(auto leg, combine(account, row.leg.seizure_id, row.leg.chain(), row));
            MARGRAVE_ASSERT(leg.has_value());
            found.emplace(row.leg.seizure_id, std::move(*leg));
            return true;
        };
        MARGRAVE_TRY(db_.scan(Cf::kDecision, detail::decision_key::legs(account), instructed));
        for (const auto& [chain, head] : state_.chains) {
            MARGRAVE_TRY(add_uninstructed(account, chain, found));
        }
        std::vector<Leg> out;
        for (auto& [seizure, leg] : found) {
            out.push_back(std::move(leg));
        }
        std::ranges::stable_sort(out, {}, [](const Leg& leg) {
            return std::tuple(leg.lock, leg.number);
        });
        return out;
    }

  private:
    Result<std::optional<Leg>> combine(
        const AccountId& account,
        const Hash32& seizure,
        const ChainId& chain,
        const std::optional<InstructedLegRow>& instructed
    ) {
        MARGRAVE_TRY(
            const auto fact,
            versions_.read<LegRow>(detail::subject::leg(detail::tag_of(chain), account, seizure))
        );
        if (!fact && !instructed) {
            return std::optional<Leg>{};
        }
        Leg leg;
        if (instructed) {
            leg = instructed->leg;
            leg.state = instructed->expired ? LegState::kExpired : LegState::kInstructed;
        } else {
            leg.seizure_id = seizure;
            leg.account = account;
            leg.lock = fact->lock;
            leg.number = fact->number;
        }
        if (fact) {
            add_fact(leg, *fact, state_, chain);
        }
        return std::optional<Leg>{std::move(leg)};
    }

    Result<void> add_uninstructed(
        const AccountId& account, const ChainId& chain, std::map<Hash32, Leg>& found
    ) {
        const Bytes prefix = detail::subject::legs(detail::tag_of(chain), account);
        std::vector<Hash32> seizures;
        const auto fact = [&](ByteView subject, ByteView) -> Result<void> {
            ByteReader rest(subject.subspan(prefix.size()));
            MARGRAVE_TRY(const Hash32 seizure, rest.hash32());
            if (!found.contains(seizure)) {
                seizures.push_back(seizure);
            }
            return ok();
        };
        MARGRAVE_TRY(versions_.each(prefix, detail::kHeadOfChain, fact));
        for (const Hash32& seizure : seizures) {
            MARGRAVE_TRY(auto leg, combine(account, seizure, chain, std::nullopt));
            MARGRAVE_ASSERT(leg.has_value());
            found.emplace(seizure, std::move(*leg));
        }
        return ok();
    }

    const Database::Impl& db_;
    const Ledger::State& state_;
    detail::Versions versions_;
};

}  // namespace

Result<std::vector<Request>> Ledger::requests(const ChainId& chain, BlockNum up_to, bool only_open)
    const {
    const std::scoped_lock lock(mutex_);
    MARGRAVE_TRY(check_kept(chain, up_to));
    RequestReader reader(db_.impl(), *state_, chain);
    return only_open ? reader.open(up_to) : reader.all(up_to);
}

Result<std::vector<Hold>> Ledger::holds() const {
    const std::scoped_lock lock(mutex_);
    MARGRAVE_TRY(ready());
    return read_holds(db_.impl(), Bytes{detail::decision_key::kHold});
}

Result<std::vector<Hold>> Ledger::holds_of(const AccountId& account) const {
    const std::scoped_lock lock(mutex_);
    MARGRAVE_TRY(ready());
    return read_holds(db_.impl(), detail::decision_key::holds(account));
}

Result<bool> Ledger::is_executed(const Hold& hold) const {
    const std::scoped_lock lock(mutex_);
    MARGRAVE_TRY(ready());
    const Bytes subject = detail::subject::request(detail::tag_of(hold.chain), hold.request);
    MARGRAVE_TRY(
        const auto request, detail::Versions(db_.impl()).read<detail::RequestRow>(subject)
    );
    return request && request->executed && request->release_id == hold.release_id;
}

Result<std::vector<Leg>> Ledger::legs(const AccountId& account) const {
    const std::scoped_lock lock(mutex_);
    MARGRAVE_TRY(ready());
    return LegReader(db_.impl(), *state_).of(account);
}

Result<std::vector<Leg>> Ledger::open_legs() const {
    const std::scoped_lock lock(mutex_);
    MARGRAVE_TRY(ready());
    const Database::Impl& db = db_.impl();
    LegReader reader(db, *state_);
    std::vector<Leg> out;
    const auto visit = [&](ByteView key, ByteView value) -> Result<bool> {
        MARGRAVE_TRY(auto leg, reader.read_named(key, value));
        // A seizure of a block that a reorg took away, or an expired one that came back from it.
        if (leg && leg->state != LegState::kExpired) {
            out.push_back(std::move(*leg));
        }
        return true;
    };
    MARGRAVE_TRY(db.scan(Cf::kDecision, Bytes{detail::decision_key::kOpenLeg}, visit));
    std::ranges::stable_sort(out, {}, [](const Leg& leg) {
        return std::tuple(leg.account, leg.lock, leg.number);
    });
    return out;
}

Result<std::vector<Leg>> Ledger::legs_due_after(UnixSeconds after) const {
    const std::scoped_lock lock(mutex_);
    MARGRAVE_TRY(ready());
    const Database::Impl& db = db_.impl();
    LegReader reader(db, *state_);
    std::vector<Leg> out;
    const auto visit = [&](ByteView key, ByteView value) -> Result<bool> {
        MARGRAVE_TRY(auto leg, reader.read_named(key, value));
        if (leg && leg->deadline > after) {
            out.push_back(std::move(*leg));
        }
        return true;
    };
    const Bytes prefix{detail::decision_key::kLegByDeadline};
    MARGRAVE_TRY(db.scan(Cf::kDecision, prefix, detail::decision_key::legs_due(after), visit));
    return out;
}

std::uint64_t Ledger::lock_count(const AccountId& account) const {
    const std::scoped_lock lock(mutex_);
    const Result<std::vector<Leg>> all = legs(account);
    if (!all) {
        // Zero would open a lock that was open before: nothing may be decided from here on.
        db_.impl().listener->fail(all.error().detail);
        return 0;
    }
    return all.value().empty() ? 0 : all.value().back().lock;
}

}  // namespace margrave::store
