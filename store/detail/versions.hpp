// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "store/detail/database_impl.hpp"

#include <rocksdb/iterator.h>

#include <limits>
#include <memory>
#include <optional>

namespace margrave::store::detail {

/// The number that no block is above: the head.
inline constexpr BlockNum kHeadOfChain{std::numeric_limits<std::uint64_t>::max()};

/// Seeks in `version` with one iterator: the state of a subject at a block. Sees what was written
/// before it was made; lives no longer than Impl.
class Versions {
  public:
    explicit Versions(const Database::Impl& db);

    /// The newest version that is not newer than `up_to`.
    Result<std::optional<Bytes>> at(ByteView subject, BlockNum up_to);

    template <class Row>
    Result<std::optional<Row>> read(ByteView subject, BlockNum up_to = kHeadOfChain) {
        MARGRAVE_TRY(const std::optional<Bytes> bytes, at(subject, up_to));
        if (!bytes) {
            return std::optional<Row>{};
        }
        MARGRAVE_TRY(Row row, Database::Impl::decode<Row>(Cf::kVersion, subject, *bytes));
        return std::optional<Row>{std::move(row)};
    }

    /// Visits each subject under `prefix` once, ascending, at the version that `limit` allows;
    /// nullopt leaves the subject out.
    using Limit = std::function<Result<std::optional<BlockNum>>(ByteView subject)>;
    using Visit = std::function<Result<void>(ByteView subject, ByteView value)>;
    Result<void> each(ByteView prefix, const Limit& limit, const Visit& visit);
    /// The same with one limit for all.
    Result<void> each(ByteView prefix, BlockNum up_to, const Visit& visit);

    [[nodiscard]] const Database::Impl& db() const { return db_; }

  private:
    Result<void> status() const;
    void skip_to_version(ByteView subject, BlockNum up_to);
    void skip_subject(ByteView subject);
    [[nodiscard]] bool on_subject(ByteView subject) const;

    const Database::Impl& db_;
    std::unique_ptr<rocksdb::Iterator> it_;
};

}  // namespace margrave::store::detail
