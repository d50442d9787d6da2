// SPDX-License-Identifier: Apache-2.0
#include "core/result.hpp"

namespace margrave {

std::string_view to_string(Errc code) {
    switch (code) {
        case Errc::kInvalid:
            return "invalid";
        case Errc::kOverflow:
            return "overflow";
        case Errc::kNotFound:
            return "not_found";
        case Errc::kIo:
            return "io";
        case Errc::kTimeout:
            return "timeout";
        case Errc::kCancelled:
            return "cancelled";
        case Errc::kLimit:
            return "limit";
        case Errc::kRpc:
            return "rpc";
        case Errc::kWrongChain:
            return "wrong_chain";
        case Errc::kUnproved:
            return "unproved";
        case Errc::kReorg:
            return "reorg";
        case Errc::kReverted:
            return "reverted";
        case Errc::kBelowFinality:
            return "below_finality";
        case Errc::kUnable:
            return "unable";
        case Errc::kStore:
            return "store";
        case Errc::kCorrupt:
            return "corrupt";
        case Errc::kLocked:
            return "locked";
        case Errc::kConflict:
            return "conflict";
        case Errc::kSchema:
            return "schema";
        case Errc::kStale:
            return "stale";
        case Errc::kUnattestable:
            return "unattestable";
        case Errc::kSignature:
            return "signature";
        case Errc::kPassword:
            return "password";
        case Errc::kConfig:
            return "config";
        case Errc::kUsage:
            return "usage";
        case Errc::kUnsafe:
            return "unsafe";
        case Errc::kCheckFailed:
            return "check_failed";
    }
    return "unknown";
}

int exit_code(Errc code) {
    switch (code) {
        case Errc::kConfig:
        case Errc::kUsage:
        case Errc::kPassword:
        case Errc::kWrongChain:
            return 2;
        case Errc::kUnsafe:
        case Errc::kBelowFinality:
        case Errc::kConflict:
            return 3;
        case Errc::kCheckFailed:
            return 4;
        case Errc::kLocked:
            return 5;
        case Errc::kCorrupt:
        case Errc::kSchema:
        case Errc::kStore:
            return 6;
        case Errc::kInvalid:
        case Errc::kOverflow:
        case Errc::kNotFound:
        case Errc::kIo:
        case Errc::kTimeout:
        case Errc::kCancelled:
        case Errc::kLimit:
        case Errc::kRpc:
        case Errc::kUnproved:
        case Errc::kReorg:
        case Errc::kReverted:
        case Errc::kUnable:
        case Errc::kStale:
        case Errc::kUnattestable:
        case Errc::kSignature:
            return 1;
    }
    return 1;
}

}  // namespace margrave
