// SPDX-License-Identifier: Apache-2.0
#include "chains/rpc/detail/verdicts.hpp"

#include "chains/rpc/endpoint.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

namespace margrave::chains::rpc::detail {
namespace {

unsigned telling(RpcClass kind) {
    constexpr auto kOrder = std::to_array<RpcClass>(
        {RpcClass::kOverloaded,
         RpcClass::kTransport,
         RpcClass::kUnproved,
         RpcClass::kNodeTrouble,
         RpcClass::kRateLimited,
         RpcClass::kRefused,
         RpcClass::kMethodNotFound,
         RpcClass::kOther,
         RpcClass::kBlockNotFound,
         RpcClass::kPruned,
         RpcClass::kRangeTooLarge,
         RpcClass::kPoolFull,
         RpcClass::kNonceTooHigh,
         RpcClass::kUnderpriced,
         RpcClass::kTxnInvalid,
         RpcClass::kReverted,
         RpcClass::kInsufficientFunds,
         RpcClass::kNonceTooLow,
         RpcClass::kAlreadyKnown}
    );
    return static_cast<unsigned>(std::ranges::find(kOrder, kind) - kOrder.begin());
}

}  // namespace

bool is_no_answer(RpcClass kind) {
    return is_endpoint_trouble(kind) || kind == RpcClass::kMethodNotFound ||
           kind == RpcClass::kPruned || kind == RpcClass::kOther;
}

void keep_telling(std::optional<RpcError>& best, RpcError error) {
    if (!best || telling(error.kind) > telling(best->kind)) {
        best = std::move(error);
    }
}

RpcError nobody(std::size_t endpoints) {
    return {
        RpcClass::kTransport,
        Errc::kUnable,
        "nobody may be asked: all " + std::to_string(endpoints) +
            " endpoints serve another chain or were refuted"};
}

}  // namespace margrave::chains::rpc::detail
