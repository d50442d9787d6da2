// SPDX-License-Identifier: Apache-2.0
#include "chains/rpc/errors.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace margrave::chains::rpc {

namespace {

using enum RpcClass;

// Wordings as clients and providers were seen to send them. Order matters where one text contains
// another or where a text shares its code with a different trouble.
constexpr auto kRules = std::to_array<ErrorRule>({
    // Reverts.
    {{}, "execution reverted", kReverted},
    {{}, "vm execution error", kReverted},
    {{}, "vm exception while processing transaction: revert", kReverted},
    {{}, "reverted 0x", kReverted},
    {3, "", kReverted},
    {-32015, "", kReverted},
    // Transactions: what a pool says of one. "unknown transaction" contains "known transaction".
    {{}, "unknown transaction", kTxnInvalid},
    {{}, "already known", kAlreadyKnown},
    {{}, "alreadyknown", kAlreadyKnown},
    {{}, "already imported", kAlreadyKnown},
    {{}, "known transaction", kAlreadyKnown},
    {{}, "ownnoncealreadyused", kAlreadyKnown},
    {{}, "nonce too low", kNonceTooLow},
    {{}, "oldnonce", kNonceTooLow},
    {{}, "invalid transaction nonce", kNonceTooLow},
    {{}, "nonce too high", kNonceTooHigh},
    {{}, "noncegap", kNonceTooHigh},
    {-32006, "", kNonceTooHigh},
    {{}, "insufficient gas price to replace", kUnderpriced},
    {{}, "another transaction with same nonce", kUnderpriced},
    {{}, "existing transaction had higher priority", kUnderpriced},
    {{}, "underpriced", kUnderpriced},
    {{}, "less than block base fee", kUnderpriced},
    {{}, "feetoolow", kUnderpriced},
    {{}, "gas price too low", kUnderpriced},
    {{}, "gas price below configured minimum", kUnderpriced},
    {{}, "tx fee *exceeds the configured cap", kTxnInvalid},
    {{}, "insufficient funds", kInsufficientFunds},
    {{}, "upfront cost exceeds account balance", kInsufficientFunds},
    {{}, "txpool is full", kPoolFull},
    {{}, "account limit exceeded", kPoolFull},
    {{}, "tx pool full", kPoolFull},
    {{}, "sender is over rate limit", kPoolFull},
    {{}, "exceeds block gas limit", kTxnInvalid},
    {{}, "intrinsic gas too low", kTxnInvalid},
    {{}, "oversized data", kTxnInvalid},
    {{}, "invalid sender", kTxnInvalid},
    {{}, "sender account not authorized", kTxnInvalid},
    {{}, "gas required exceeds allowance", kTxnInvalid},
    {{}, "not enough *counters", kTxnInvalid},
    {{}, "=rejected", kTxnInvalid},
    // Quotas that no waiting of seconds mends, before the rates that it does.
    {{}, "monthly capacity limit exceeded", kRefused},
    {{}, "daily request count exceeded", kRefused},
    {{}, "payment required", kRefused},
    {{}, "quota", kRefused},
    {{}, "api key", kRefused},
    {{}, "rejected due to project id settings", kRefused},
    {{}, "unauthorized", kRefused},
    {{}, "must be authenticated", kRefused},
    {{}, "not authorized", kRefused},
    {{}, "compute units per second", kRateLimited},
    {{}, "credits limited to", kRateLimited},
    {{}, "rate limit", kRateLimited},
    {{}, "request rate exceeded", kRateLimited},
    {{}, "request limit reached", kRateLimited},
    {{}, "too many requests", kRateLimited},
    // Blocks and history.
    {{}, "extends beyond current head block", kBlockNotFound},
    {{}, "blockoutofrangeerror", kBlockNotFound},
    {{}, "unknown block", kBlockNotFound},
    {{}, "header not found", kBlockNotFound},
    {{}, "header for hash not found", kBlockNotFound},
    {{}, "block not found", kBlockNotFound},
    {{}, "not currently canonical", kBlockNotFound},
    {{}, "resource not found", kBlockNotFound},
    {-39001, "", kBlockNotFound},
    {{}, "missing trie node", kPruned},
    {{}, "pruned history unavailable", kPruned},
    {{}, "historical state *not available", kPruned},
    {{}, "state already pruned", kPruned},
    {4444, "", kPruned},
    // Ranges and sizes.
    {{}, "invalid block range params", kOther},
    {{}, "query returned more than", kRangeTooLarge},
    {{}, "log response size exceeded", kRangeTooLarge},
    {{}, "response is too big", kRangeTooLarge},
    {{}, "response too large", kRangeTooLarge},
    {{}, "limited to *range", kRangeTooLarge},
    {{}, "max range:", kRangeTooLarge},
    {{}, "range *exceeds limit of", kRangeTooLarge},
    {{}, "logs matched by query exceeds limit", kRangeTooLarge},
    {{}, "query exceeds max", kRangeTooLarge},
    {{}, "exceeds the range allowed", kRangeTooLarge},
    {{}, "limit the query to at most", kRangeTooLarge},
    {{}, "requested too many blocks", kRangeTooLarge},
    {{}, "ranges over *not supported", kRangeTooLarge},
    {{}, "maximum allowed number of requested blocks", kRangeTooLarge},
    {{}, "requested range exceeds maximum", kRangeTooLarge},
    {{}, "query returns too many logs", kRangeTooLarge},
    {{}, "block range", kRangeTooLarge},
    {{}, "sync is still in progress", kNodeTrouble},
    {-32614, "", kRangeTooLarge},
    {-32008, "", kRangeTooLarge},
    // The node itself.
    {{}, "no backend is currently healthy", kNodeTrouble},
    {{}, "method handler crashed", kNodeTrouble},
    {{}, "service unavailable", kNodeTrouble},
    {{}, "service temporarily unavailable", kNodeTrouble},
    {{}, "timeout", kNodeTrouble},
    {{}, "timed out", kNodeTrouble},
    // -32603 with other words stays kOther: nodes wrap verdicts on transactions in it.
    {{}, "internal error", kNodeTrouble},
    {{}, "internal server error", kNodeTrouble},
    {{}, "internal json-rpc error", kNodeTrouble},
    {-32603, "=", kNodeTrouble},
    {-32601, "", kMethodNotFound},
    {{}, "does not exist/is not available", kMethodNotFound},
    {{}, "method not found", kMethodNotFound},
    {{}, "method *not supported", kMethodNotFound},
    {{}, "unsupported method", kMethodNotFound},
    // Bare codes, where the text said nothing.
    {429, "", kRateLimited},
    {-32005, "", kRateLimited},
    {-32007, "", kRateLimited},
    {-32009, "", kRateLimited},
    {-32012, "", kRateLimited},
    {-32002, "", kNodeTrouble},
});

/// `pattern` occurs in `text`; a * stands for any characters, a leading = asks for equality.
bool matches(std::string_view text, std::string_view pattern) {
    if (pattern.starts_with('=')) {
        return text == pattern.substr(1);
    }
    while (true) {
        const std::size_t star = pattern.find('*');
        const std::string_view part = pattern.substr(0, star);
        const std::size_t at = text.find(part);
        if (at == std::string_view::npos) {
            return false;
        }
        if (star == std::string_view::npos) {
            return true;
        }
        text.remove_prefix(at + part.size());
        pattern.remove_prefix(star + 1);
    }
}

Errc errc_of(RpcClass kind) {
    switch (kind) {
        case kTransport:
            return Errc::kIo;
        case kUnproved:
            return Errc::kUnproved;
        case kOverloaded:
            return Errc::kLimit;
        case kRateLimited:
        case kRefused:
        case kNodeTrouble:
        case kMethodNotFound:
        case kRangeTooLarge:
        case kBlockNotFound:
        case kPruned:
        case kReverted:
        case kAlreadyKnown:
        case kNonceTooLow:
        case kNonceTooHigh:
        case kUnderpriced:
        case kInsufficientFunds:
        case kPoolFull:
        case kTxnInvalid:
        case kOther:
            return Errc::kRpc;
    }
    return Errc::kRpc;
}

}  // namespace

RpcError::RpcError(RpcClass k, std::string detail_text)
    : Error(errc_of(k), std::move(detail_text)),
      kind(k) {}

std::span<const ErrorRule> error_rules() {
    return kRules;
}

RpcClass classify(std::int64_t code, std::string_view message) {
    std::string text(message);
    const auto lower = [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    };
    std::ranges::transform(text, text.begin(), lower);
    for (const ErrorRule& rule : kRules) {
        if (rule.code.value_or(code) == code && matches(text, rule.text)) {
            return rule.kind;
        }
    }
    return kOther;
}

std::string_view to_string(RpcClass kind) {
    switch (kind) {
        case kTransport:
            return "transport";
        case kUnproved:
            return "unproved";
        case kOverloaded:
            return "overloaded";
        case kRateLimited:
            return "rate_limited";
        case kRefused:
            return "refused";
        case kNodeTrouble:
            return "node_trouble";
        case kMethodNotFound:
            return "method_not_found";
        case kRangeTooLarge:
            return "range_too_large";
        case kBlockNotFound:
            return "block_not_found";
        case kPruned:
            return "pruned";
        case kReverted:
            return "reverted";
        case kAlreadyKnown:
            return "already_known";
        case kNonceTooLow:
            return "nonce_too_low";
        case kNonceTooHigh:
            return "nonce_too_high";
        case kUnderpriced:
            return "underpriced";
        case kInsufficientFunds:
            return "insufficient_funds";
        case kPoolFull:
            return "pool_full";
        case kTxnInvalid:
            return "txn_invalid";
        case kOther:
            return "other";
    }
    return "other";
}

}  // namespace margrave::chains::rpc
