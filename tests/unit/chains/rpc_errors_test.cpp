// SPDX-License-Identifier: Apache-2.0
#include "chains/rpc/endpoint.hpp"
#include "chains/rpc/errors.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace margrave::chains::rpc {
namespace {

using enum RpcClass;

struct Seen {
    std::int64_t code;
    const char* text;
    RpcClass kind;
};

/// Answers to queries as providers and clients send them. Code 0: the code was not recorded, so
/// the text alone must do.
const std::vector<Seen> kQueries = {
    {-32005,
     "query returned more than 10000 results. Try with this block range [0x1,0x2].",
     kRangeTooLarge},
    {-32602, "range 1000000 exceeds limit of 10000", kRangeTooLarge},
    {-32602,
     "Log response size exceeded. this block range should work: [0x0, 0x1f]",
     kRangeTooLarge},
    {-32600,
     "You can make eth_getLogs requests with up to a 500 block range. Based on your parameters, "
     "this block range should work: [0x0, 0x1f3]",
     kRangeTooLarge},
    {429,
     "Your app has exceeded its compute units per second capacity. If you have retries enabled",
     kRateLimited},
    {-32000, "Monthly capacity limit exceeded. Visit the dashboard to upgrade", kRefused},
    {-32614, "eth_getLogs is limited to a 10,000 range", kRangeTooLarge},
    {-32012, "credits limited to 6000/sec", kRateLimited},
    {-32007, "15/second request limit reached - reduce calls per second", kRateLimited},
    {-32009, "daily", kRateLimited},
    {-32600, "block range is too wide", kRangeTooLarge},
    {0, "query exceeds max results", kRangeTooLarge},
    {0, "exceed maximum block range: 50000", kRangeTooLarge},
    {0, "Max range: 800", kRangeTooLarge},
    {0, "Block range limit exceeded.", kRangeTooLarge},
    {0, "limited to a 1000 blocks range", kRangeTooLarge},
    {0, "exceeds the range allowed for your plan (5000 > 1000)", kRangeTooLarge},
    {0, "limited to 1024 block range", kRangeTooLarge},
    {0, "please limit the query to at most 1000 blocks", kRangeTooLarge},
    {0, "no backend is currently healthy to serve traffic", kNodeTrouble},
    {0, "requested too many blocks from 1 to 9000, maximum is set to 2048", kRangeTooLarge},
    {0, "logs matched by query exceeds limit of 10000", kRangeTooLarge},
    {0, "ranges over 10000 blocks are not supported on freetier", kRangeTooLarge},
    {0, "Maximum allowed number of requested blocks is 1000", kRangeTooLarge},
    {-32602, "exceed maximum block range 5000", kRangeTooLarge},
    {-32602, "invalid block range params", kOther},
    {-32602, "block range extends beyond current head block", kBlockNotFound},
    {-32000, "unknown block", kBlockNotFound},
    {-32000, "header not found", kBlockNotFound},
    {-32000, "hash 0x12 is not currently canonical", kBlockNotFound},
    {-32000, "finalized block not found", kBlockNotFound},
    {-32000, "missing trie node 0xab (path ) state 0xcd is not available", kPruned},
    {-32002, "request timed out", kNodeTrouble},
    {-32002, "", kNodeTrouble},
    {-32003, "response too large", kRangeTooLarge},
    {-32602, "query exceeds max results 20000, retry with the range 100-200", kRangeTooLarge},
    {-32602, "query exceeds max block range 100000", kRangeTooLarge},
    {-32602,
     "block range extends beyond current head block: requested 300, head 200",
     kBlockNotFound},
    {-32602, "pruned history unavailable: block 5", kPruned},
    {-32008, "Response is too big", kRangeTooLarge},
    {0, "query block range exceeds server limit, narrow your filter: 1000", kRangeTooLarge},
    {0, "query returns too many logs, narrow your filter: 20000", kRangeTooLarge},
    {-32005, "Requested range exceeds maximum RPC range limit", kRangeTooLarge},
    {-39001, "Unknown block", kBlockNotFound},
    {4444, "Pruned history unavailable", kPruned},
    {-32602, "BlockOutOfRangeError: block height is 0 but requested was 256", kBlockNotFound},
    {-32005, "daily request count exceeded, request rate limited", kRefused},
    {-32005, "limit exceeded", kRateLimited},
    {-32601, "the method eth_foo does not exist/is not available", kMethodNotFound},
    {-32601, "", kMethodNotFound},
    {-32004, "Method eth_foo not supported", kMethodNotFound},
    {-32603, "Internal error", kNodeTrouble},
    {-32603, "", kNodeTrouble},
    {-32603, "method handler crashed", kNodeTrouble},
    {-32000, "service temporarily unavailable", kNodeTrouble},
    {-32008, "Initial sync is still in progress", kNodeTrouble},
    {-32005, "project ID request rate exceeded", kRateLimited},
    {-32002, "rejected due to project ID settings", kRefused},
    {402, "Payment Required", kRefused},
    {0, "Unauthorized: you must authenticate your request with an API key", kRefused},
    {0, "Must be authenticated!", kRefused},
    {0, "Too Many Requests", kRateLimited},
};

/// Wordings that nobody knows. None may count as the endpoint's failure.
const std::vector<Seen> kUnknown = {
    {-32000, "something nobody has seen", kOther},
    {-32603, "the sequencer does not like it", kOther},
    {-32600, "what", kOther},
    {-32602, "no", kOther},
    {-32700, "parse error", kOther},
    {0, "", kOther},
    {1, "", kOther},
    {INT64_MIN, "\x01\xff", kOther},
    {INT64_MAX, "****", kOther},
};

const std::vector<Seen> kTransactions = {
    {-32000, "already known", kAlreadyKnown},
    {-32000, "already imported", kAlreadyKnown},
    {-32000, "Known transaction", kAlreadyKnown},
    {-32010, "AlreadyKnown", kAlreadyKnown},
    {-32010, "OwnNonceAlreadyUsed", kAlreadyKnown},
    {-32000,
     "known transaction. transaction with hash 0x12 is already in the system",
     kAlreadyKnown},
    {-32000, "unknown transaction type", kTxnInvalid},
    {-32000, "nonce too low", kNonceTooLow},
    {-32001, "Nonce too low", kNonceTooLow},
    {-32010, "OldNonce, Current nonce: 5, nonce of rejected tx: 3", kNonceTooLow},
    {-32000, "invalid transaction nonce", kNonceTooLow},
    {-32000, "nonce too low: address 0x1 current nonce (5) > tx nonce (3)", kNonceTooLow},
    {-32003, "nonce too low", kNonceTooLow},
    {-32000, "nonce too high", kNonceTooHigh},
    {-32010, "NonceGap, Future nonce. Expected nonce: 4", kNonceTooHigh},
    {-32006, "Nonce too distant from current sender nonce", kNonceTooHigh},
    {-32000, "replacement transaction underpriced", kUnderpriced},
    {-32000, "insufficient gas price to replace existing transaction", kUnderpriced},
    {-32010,
     "Transaction gas price is too low. There is another transaction with same nonce in the queue.",
     kUnderpriced},
    {-32003, "replacement transaction underpriced", kUnderpriced},
    {-32000, "transaction underpriced", kUnderpriced},
    {-32000,
     "max fee per gas less than block base fee: address 0x1, maxFeePerGas: 1, baseFee: 7",
     kUnderpriced},
    {-32000, "tx fee (1.20 ether) exceeds the configured cap (1.00 ether)", kTxnInvalid},
    {-32009, "Gas price below configured minimum gas price", kUnderpriced},
    {-32010, "FeeTooLow, MaxFeePerGas too low", kUnderpriced},
    {-32000, "gas price too low: 5 wei, use at least tx.gasPrice = 9 wei", kUnderpriced},
    {-32000, "insufficient funds for gas * price + value", kInsufficientFunds},
    {-32004, "Upfront cost exceeds account balance", kInsufficientFunds},
    {-32003, "Insufficient funds for gas * price + value", kInsufficientFunds},
    {-32000, "txpool is full", kPoolFull},
    {-32000, "account limit exceeded", kPoolFull},
    {-32000, "sequencer pending tx pool full, please try again", kPoolFull},
    {-32000, "sender is over rate limit", kPoolFull},
    {-32603, "An existing transaction had higher priority", kUnderpriced},
    {-32603, "rejected", kTxnInvalid},
    {-32000, "exceeds block gas limit", kTxnInvalid},
    {-32000, "intrinsic gas too low", kTxnInvalid},
    {-32000, "oversized data", kTxnInvalid},
    {-32000, "invalid sender", kTxnInvalid},
    {3, "execution reverted", kReverted},
    {3, "execution reverted: Vault: paused", kReverted},
    {-32000, "execution reverted", kReverted},
    {-32015, "VM execution error.", kReverted},
    {-32015, "", kReverted},
    {-32000, "Reverted 0x08c379a0", kReverted},
    {-32000, "gas required exceeds allowance (30000000)", kTxnInvalid},
    {-32000, "not enough keccak counters to continue the execution", kTxnInvalid},
    {-32005, "Transaction gas limit exceeds block gas limit", kTxnInvalid},
    {-32007, "Sender account not authorized to send transactions", kTxnInvalid},
    {-32603, "nonce too low", kNonceTooLow},
    {-32603, "insufficient funds for gas * price + value", kInsufficientFunds},
    {-32603, "execution reverted: quota", kReverted},
    {429, "replacement transaction underpriced", kUnderpriced},
};

class SeenErrors : public testing::TestWithParam<Seen> {};

TEST_P(SeenErrors, HaveTheirClass) {
    const Seen& seen = GetParam();
    EXPECT_EQ(to_string(classify(seen.code, seen.text)), to_string(seen.kind));
}

TEST_P(SeenErrors, HaveItInsideALongerMessageToo) {
    const Seen& seen = GetParam();
    const std::string text = seen.text;
    if (text.empty() || text == "rejected") {
        return;
    }
    EXPECT_EQ(
        to_string(classify(seen.code, "upstream 7 said: " + text + " [x]")), to_string(seen.kind)
    );
}

void PrintTo(const Seen& seen, std::ostream* out) {
    *out << seen.code << " \"" << seen.text << "\"";
}

INSTANTIATE_TEST_SUITE_P(Queries, SeenErrors, testing::ValuesIn(kQueries));
INSTANTIATE_TEST_SUITE_P(Transactions, SeenErrors, testing::ValuesIn(kTransactions));
INSTANTIATE_TEST_SUITE_P(Unknown, SeenErrors, testing::ValuesIn(kUnknown));

TEST(RpcErrors, VerdictsAndUnknownWordsAreNoTroubleOfTheEndpoint) {
    for (const auto* table : {&kTransactions, &kUnknown}) {
        for (const Seen& s : *table) {
            EXPECT_FALSE(is_endpoint_trouble(classify(s.code, s.text))) << s.code << " " << s.text;
        }
    }
}

TEST(RpcErrors, LetterCaseIsNoDifference) {
    EXPECT_EQ(classify(-32000, "NONCE TOO LOW"), kNonceTooLow);
}

TEST(RpcErrors, EveryRuleIsReachable) {
    for (const ErrorRule& rule : error_rules()) {
        std::string text(rule.text);
        if (text.starts_with('=')) {
            text.erase(0, 1);
        }
        if (const std::size_t star = text.find('*'); star != std::string::npos) {
            text.replace(star, 1, "17 ");
        }
        for (const char c : text) {
            EXPECT_FALSE(c >= 'A' && c <= 'Z') << text << " can never match";
        }
        EXPECT_EQ(to_string(classify(rule.code.value_or(0), text)), to_string(rule.kind))
            << rule.code.value_or(0) << " \"" << text << "\" is shadowed by an earlier rule";
    }
}

Result<int> through_result(RpcResult<int> inner) {
    MARGRAVE_TRY(const int value, inner);
    return value;
}

TEST(RpcErrors, PassIntoAResultAsAPlainError) {
    const RpcResult<int> failed = RpcError(kNonceTooLow, "alpha says nonce too low");
    const Result<int> plain = through_result(failed);
    ASSERT_FALSE(plain);
    EXPECT_EQ(plain.error().code, Errc::kRpc);
    EXPECT_EQ(plain.error().detail, "alpha says nonce too low");
    EXPECT_EQ(RpcError(kUnproved, "x").code, Errc::kUnproved);
    EXPECT_EQ(RpcError(kTransport, "x").code, Errc::kIo);
    EXPECT_EQ(RpcError(kTransport, Errc::kTimeout, "x").code, Errc::kTimeout);
}

}  // namespace
}  // namespace margrave::chains::rpc
