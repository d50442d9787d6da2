// SPDX-License-Identifier: Apache-2.0
#include "store/database.hpp"
#include "store/detail/ledger_state.hpp"
#include "store/detail/records.hpp"
#include "store/detail/versions.hpp"
#include "store/ledger.hpp"

// What events of watched contracts told of prices.
namespace margrave::store {

Result<std::optional<ToldPrice>> Ledger::told_price(
    const ChainId& chain, const Hash32& source, const Address& emitter, const BlockRef& at
) const {
    const std::scoped_lock lock(mutex_);
    MARGRAVE_TRY(ready());
    const auto applied = block_at(chain, at.number);
    if (!applied || applied->hash != at.hash) {
        return fail(
            Errc::kNotFound,
            "the ledger has no block " + std::to_string(at.number.value) + " (" + to_hex(at.hash) +
                ") of " + chain.text()
        );
    }
    MARGRAVE_TRY(check_kept(chain, at.number));
    detail::Versions versions(db_.impl());
    const Bytes subject = detail::subject::price(detail::tag_of(chain), source, emitter);
    MARGRAVE_TRY(const auto row, versions.read<detail::ToldPriceRow>(subject, at.number));
    return row ? std::optional(row->told) : std::nullopt;
}

}  // namespace margrave::store
