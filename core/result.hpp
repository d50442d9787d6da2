// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/outcome/basic_result.hpp>
#include <boost/outcome/policy/terminate.hpp>
#include <boost/outcome/try.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace margrave {

/// What class of trouble it is. A caller decides by the class; a person reads the detail. Ranges
/// of one hundred belong to one folder, so a number in a log names the room it came from.
enum class Errc : std::uint16_t {
    // core: values
    kInvalid = 100,   // malformed input
    kOverflow = 101,  // the value does not fit its type
    kNotFound = 102,  // asked for something that is not there
    // infra: the world outside
    kIo = 200,         // file or socket failed
    kTimeout = 201,    // no answer inside the deadline
    kCancelled = 202,  // the task was asked to stop
    kLimit = 203,      // a stated bound was hit
    // chains
    kRpc = 300,            // the node answered with an error
    kWrongChain = 301,     // chain id, genesis or contract is not the configured one
    kUnproved = 302,       // the node's claim did not check (accumulator, hash, parent)
    kReorg = 303,          // the block asked for is no longer canonical
    kReverted = 305,       // a contract refused the call; the detail is its reason
    kBelowFinality = 304,  // the chain changed below its own finality
    kUnable = 306,  // neither proved nor disproved: too few sources, or a form nobody here knows
    // store
    kStore = 400,     // RocksDB failed; the outcome of a write is unknown
    kCorrupt = 401,   // stored bytes do not check
    kLocked = 402,    // another process holds the data directory
    kConflict = 403,  // same id, other content; or a double-sign attempt
    kSchema = 404,    // the data directory is of another schema or network
    // oracle
    kStale = 500,  // price too old, or out of bounds
    // margin
    kUnattestable = 600,  // an input failed a guard
    // attest
    kSignature = 700,  // a signature or key does not check
    kPassword = 701,   // the keystore's password is wrong
    // config and usage
    kConfig = 800,
    kUsage = 801,
    // relayer
    kUnsafe = 900,       // going on could sign a wrong statement
    kCheckFailed = 901,  // a check ran and found something
};

/// Stable lower-case name ("timeout"), for logs and `--output json`.
std::string_view to_string(Errc code);

/// The process exit code a command ends with when `code` is what stopped it (docs/operating.md).
int exit_code(Errc code);

/// Expected trouble. `detail` is a sentence that names what, where and the number.
struct Error {
    Errc code{Errc::kInvalid};
    std::string detail;

    Error(Errc c, std::string d)
        : code(c),
          detail(std::move(d)) {}
};

template <class T>
using Result = boost::outcome_v2::basic_result<T, Error, boost::outcome_v2::policy::terminate>;

inline auto ok() {
    return boost::outcome_v2::success();
}

/// `return fail(Errc::kRpc, "...")` from any function that returns a Result.
inline Error fail(Errc code, std::string detail) {
    return Error{code, std::move(detail)};
}

}  // namespace margrave

/// `MARGRAVE_TRY(auto x, f());` binds the value or returns the error. Not inside coroutines: there
/// await into a name, test it and co_return its as_failure().
#define MARGRAVE_TRY(...) BOOST_OUTCOME_TRY(__VA_ARGS__)
