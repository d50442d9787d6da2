// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/amount.hpp"
#include "core/bytes.hpp"
#include "core/events.hpp"
#include "core/ids.hpp"

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

// The statements of protocol.md section 2, field by field, in the order in which they are encoded.
namespace margrave {

enum class Status : std::uint8_t {
    kHealthy = 0,
    kMarginCall = 1,
    kLiquidatable = 2,
    kBankrupt = 3,
    kUnattestable = 4,
};
/// "HEALTHY", "MARGIN_CALL", ...
std::string_view to_string(Status status);

/// AccountState.flags (protocol.md section 2).
namespace flags {
inline constexpr std::uint32_t kHasDebt = 1U << 0;
inline constexpr std::uint32_t kBookDiffers = 1U << 1;
inline constexpr std::uint32_t kProvisionalDiffers = 1U << 2;
inline constexpr std::uint32_t kPriceMissing = 1U << 8;
inline constexpr std::uint32_t kPriceStale = 1U << 9;
inline constexpr std::uint32_t kPriceOutOfBounds = 1U << 10;
inline constexpr std::uint32_t kUnknownAsset = 1U << 11;
inline constexpr std::uint32_t kArithmetic = 1U << 12;
/// A venue position that no risk module of this parameter set can value.
inline constexpr std::uint32_t kPositionUnvalued = 1U << 13;
/// It has something on a chain that is dead: halted, or its final head is too old.
inline constexpr std::uint32_t kChainDead = 1U << 14;
}  // namespace flags

/// One leaf of the account tree. equity is firm; the three others are equity less requirement.
struct AccountState {
    AccountId account;
    Money equity;
    Money initial;
    Money liquidation_end;
    Money maintenance;
    Status status{Status::kHealthy};
    std::uint32_t flags{0};
    Hash32 detail;
    bool operator==(const AccountState&) const = default;
};

enum class PriceVerdict : std::uint8_t {
    kUsable = 0,
    kStale = 1,
    kOutOfBounds = 2,
    kMissing = 3,
};
std::string_view to_string(PriceVerdict verdict);

/// One row of the price set. price and confidence are USD per whole token, E18.
struct PriceRow {
    AssetId asset;
    Money price;
    Money confidence;
    UnixSeconds published_at;
    PriceVerdict verdict{PriceVerdict::kMissing};
    /// keccak of the canonical JSON that lists what each source answered.
    Hash32 sources;
    bool operator==(const PriceRow&) const = default;
};

struct Attestation {
    RoundNum round;
    std::uint64_t signer_epoch{0};
    UnixSeconds issued_at;
    UnixSeconds valid_until;
    Hash32 previous;
    Hash32 parameters;
    Hash32 snapshot;
    Hash32 prices;
    Hash32 accounts;
    std::uint64_t account_count{0};
    bool operator==(const Attestation&) const = default;
};

enum class ReleaseKind : std::uint8_t { kWithdrawal = 1, kBorrow = 2, kPool = 3 };
std::string_view to_string(ReleaseKind kind);

struct Release {
    Hash32 id;
    ReleaseKind kind{ReleaseKind::kWithdrawal};
    Hash32 chain;
    Address vault;
    AccountId account;
    Address token;
    Amount amount;
    Address recipient;
    RoundNum round;
    UnixSeconds deadline;
    bool operator==(const Release&) const = default;
};

struct Seizure {
    Hash32 id;
    Hash32 chain;
    Address vault;
    AccountId account;
    Address token;
    Amount amount;
    Address debt_token;
    Amount min_proceeds;
    Address sale;
    RoundNum round;
    UnixSeconds deadline;
    bool operator==(const Seizure&) const = default;
};

struct SignerSet {
    std::uint64_t epoch{0};
    std::uint64_t threshold{0};
    /// keccak(abi(address[] ascending)).
    Hash32 signers;
    UnixSeconds activates_at;
    Hash32 previous;
    bool operator==(const SignerSet&) const = default;
};

struct Link {
    AccountId account;
    Hash32 chain;
    Hash32 wallet;
    std::uint64_t nonce{0};
    UnixSeconds deadline;
    bool operator==(const Link&) const = default;
};

/// keccak(abi("release", chain, vault, request)).
Hash32 release_id(const Hash32& chain, const Address& vault, std::uint64_t request);
/// keccak(abi("seizure", account, lock, leg)).
Hash32 seizure_id(const AccountId& account, std::uint64_t lock, std::uint64_t leg);

/// 65 bytes r, s, v with v 27 or 28 and low s.
using Signature = std::array<std::uint8_t, 65>;

struct SignerSignature {
    Address signer;
    Signature signature{};
    bool operator==(const SignerSignature&) const = default;
};

/// Concatenated in ascending order of signer, as the contracts take them.
Bytes join(std::vector<SignerSignature> signatures);

/// Signs a 32-byte digest; how chains/ signs transactions without knowing of keys.
using SignDigest = std::function<Result<Signature>(const Hash32& digest)>;

/// What the quorum tells a chain. An adapter encodes it for its own family.
struct SubmitAttestation {
    Attestation attestation;
    Bytes signatures;
};

struct ExecuteRelease {
    Release release;
    std::uint64_t request{0};
    Bytes signatures;
};

struct ExecuteSeizure {
    Seizure seizure;
    AccountState leaf;
    std::vector<Hash32> proof;
    Bytes signatures;
};

/// Take an unsold lot back to the vault once its auction is over.
struct CloseSale {
    Hash32 seizure;
    Address sale;
};

using Instruction = std::variant<SubmitAttestation, ExecuteRelease, ExecuteSeizure, CloseSale>;

}  // namespace margrave
