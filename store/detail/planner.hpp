// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "store/database.hpp"
#include "store/detail/database_impl.hpp"
#include "store/detail/decision_records.hpp"

#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace margrave::store::detail {

/// Turns a decision into one batch. Every keyed row is new, or the same as stored, or a conflict.
/// Lives for one commit.
class Planner {
  public:
    explicit Planner(Database::Impl& impl)
        : impl_(impl),
          next_intent_(impl.intents),
          next_leaf_(impl.leaves) {}

    Result<void> plan(const Decision& decision);

    [[nodiscard]] bool is_empty() const { return batch_.Count() == 0; }

    rocksdb::WriteBatch& batch() { return batch_; }

    [[nodiscard]] std::uint64_t intents() const { return next_intent_; }

    [[nodiscard]] std::uint64_t leaves() const { return next_leaf_; }

  private:
    Result<void> add_intent(const Intent& intent);
    Result<void> add_hold(const Hold& hold);
    /// `release` is zero for a refusal.
    Result<void> add_answer(
        const ChainId& chain, std::uint64_t request, const Hash32& release, AnswerRow answer
    );
    Result<void> end_hold(const Hash32& release);
    Result<void> check_lock(const std::vector<Leg>& legs);
    Result<void> add_leg(const Leg& leg);
    Result<void> expire_leg(const Hash32& seizure);
    Result<void> add_stop(const ChainStop& stop);
    Result<void> resume(const ChainId& chain, const ChainResume& word);
    Result<void> add_document(const std::string& name, const Bytes& bytes);
    Result<void> add_leaf(const Bytes& leaf);
    void add_names(const Decision& decision);
    Result<void> check_repeated_leaves(const std::vector<Bytes>& leaves);
    Result<void> once(const Hash32& id, std::string_view what);

    Database::Impl& impl_;
    rocksdb::WriteBatch batch_;
    std::uint64_t next_intent_;
    std::uint64_t next_leaf_;
    std::set<Hash32> ids_;
    /// Rows that name this decision, and how many of them are new.
    std::size_t keyed_{0};
    std::size_t fresh_{0};
};

}  // namespace margrave::store::detail
