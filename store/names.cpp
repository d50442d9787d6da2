// SPDX-License-Identifier: Apache-2.0
#include "store/database.hpp"
#include "store/ledger.hpp"

namespace margrave::store {

std::string_view to_string(AccountCode code) {
    switch (code) {
        case AccountCode::kVault:
            return "vault";
        case AccountCode::kCustody:
            return "custody";
        case AccountCode::kLoan:
            return "loan";
        case AccountCode::kOwed:
            return "owed";
        case AccountCode::kReceivable:
            return "receivable";
        case AccountCode::kSale:
            return "sale";
        case AccountCode::kCollateral:
            return "collateral";
        case AccountCode::kMapped:
            return "mapped";
        case AccountCode::kWithdraw:
            return "withdraw";
        case AccountCode::kAuction:
            return "auction";
        case AccountCode::kPool:
            return "pool";
        case AccountCode::kInterest:
            return "interest";
        case AccountCode::kUnattributed:
            return "unattributed";
    }
    return "unknown";
}

std::string_view to_string(RequestState state) {
    switch (state) {
        case RequestState::kOpen:
            return "open";
        case RequestState::kGranted:
            return "granted";
        case RequestState::kRefused:
            return "refused";
        case RequestState::kExecuted:
            return "executed";
    }
    return "unknown";
}

std::string_view to_string(LegState state) {
    switch (state) {
        case LegState::kInstructed:
            return "instructed";
        case LegState::kSeized:
            return "seized";
        case LegState::kSold:
            return "sold";
        case LegState::kReturned:
            return "returned";
        case LegState::kExpired:
            return "expired";
    }
    return "unknown";
}

std::string_view to_string(IntentState state) {
    switch (state) {
        case IntentState::kQueued:
            return "queued";
        case IntentState::kSent:
            return "sent";
        case IntentState::kIncluded:
            return "included";
        case IntentState::kFinal:
            return "final";
        case IntentState::kFailed:
            return "failed";
        case IntentState::kSuperseded:
            return "superseded";
    }
    return "unknown";
}

}  // namespace margrave::store
