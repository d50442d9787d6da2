// SPDX-License-Identifier: Apache-2.0
#include "relayer/price_start.hpp"

namespace margrave::relayer {

Task<Result<bool>> PriceStart::step(std::map<ChainId, BlockRef> heads) {
    const Result<void> probed = co_await oracle_.probe(std::move(heads));
    if (probed) {
        log_.info("prices.checked", {});
        co_return true;
    }
    const Error& why = probed.error();
    if (why.code == Errc::kConfig) {
        co_return fail(
            Errc::kConfig,
            "a price source is not what the config says (margrave oracle check shows each): " +
                why.detail
        );
    }
    if (why.detail != told_) {
        told_ = why.detail;
        log_.warn("prices.unasked", {{"reason", why}});
    }
    co_return false;
}

}  // namespace margrave::relayer
