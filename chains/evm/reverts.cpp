// SPDX-License-Identifier: Apache-2.0
#include "chains/evm/abi.hpp"
#include "chains/evm/contracts.hpp"
#include "core/assert.hpp"

#include <array>
#include <map>

namespace margrave::chains::evm {
namespace {

using Selector = std::array<std::uint8_t, 4>;

constexpr std::size_t kReasonMax = 400;

// Every error that the contracts can return, checked against their artifacts by a test, and the
// token errors of ERC-6093 that pass through them.
constexpr std::array kErrors = std::to_array<std::string_view>({
    "ActivatesTooEarly(uint64 activatesAt, uint256 earliest)",
    "AlreadyExecuted(bytes32 id)",
    "AskAboveMaximum(uint256 ask, uint256 maxPay)",
    "AttestationExpired(uint64 validUntil, uint256 time)",
    "BadRecipient(address recipient)",
    "BadSale(address sale)",
    "BadSignatureLength(uint256 length)",
    "BadSignatureV(uint256 index, uint8 v)",
    "BadStart(uint16 startBps)",
    "BadThreshold(uint64 threshold, uint256 signers)",
    "BorrowNotAttested(uint64 borrowedAt, uint64 issuedAt)",
    "DeadlinePassed(uint64 deadline, uint256 time)",
    "DuplicateSigner(uint256 index, address signer)",
    "ERC20InsufficientAllowance(address spender, uint256 allowance, uint256 needed)",
    "ERC20InsufficientBalance(address sender, uint256 balance, uint256 needed)",
    "ERC20InvalidReceiver(address receiver)",
    "ERC20InvalidSender(address sender)",
    "EnforcedPause()",
    "Error(string reason)",
    "ExitBarred(bytes32 account, uint32 flags)",
    "ExpectedPause()",
    "HighSignatureS(uint256 index, bytes32 s)",
    "InsufficientHolding(address token, uint256 held, uint256 amount)",
    "IssuedBeforeLatest(uint64 issuedAt, uint64 latest)",
    "IssuedInFuture(uint64 issuedAt, uint256 latestAllowed)",
    "LotExists(bytes32 id)",
    "LotNotReceived(bytes32 id, address token)",
    "NoPendingSet(uint64 asked, uint64 pending)",
    "NoSigners()",
    "NoSuchLot(bytes32 id)",
    "NotAToken(address token)",
    "NotEnded(uint256 time, uint256 endsAt)",
    "NotGuardian(address caller, address guardian)",
    "NotProved(bytes32 account)",
    "NotSeizable(bytes32 account, uint8 status)",
    "NotTheSale(bytes32 seizureId, address caller, address sale)",
    "NotTreasury(address caller, address treasury)",
    "NotVault(address caller, address vault)",
    "NotVenue(address caller, address venue)",
    "NothingReceived(address token, address from, uint256 amount)",
    "NothingToExit(bytes32 account, address token)",
    "OutOfBounds(int256 value, int256 bound)",
    "OverDebited(address token, uint256 left, uint256 amount)",
    "Panic(uint256 code)",
    "PayoutRefused(address recipient, uint256 amount)",
    "ReentrancyGuardReentrantCall()",
    "RegistryNotSilent()",
    "RegistryWithoutCode(address registry)",
    "RequestBeforeExit(uint64 request, uint64 exitedAt)",
    "RequestMismatch(uint64 request, bytes32 stored, bytes32 given)",
    "RotationPending(uint64 epoch, bytes32 digest)",
    "RoundNotNewer(uint64 given, uint64 latest)",
    "SafeERC20FailedOperation(address token)",
    "SameToken(address token)",
    "SetVetoed(bytes32 digest)",
    "SignerListMismatch(bytes32 stated, bytes32 given)",
    "SignerListUnsorted(uint256 index, address signer)",
    "SignersUnsorted(uint256 index, address previous, address signer)",
    "StillInVetoWindow(uint64 activatesAt, uint256 time)",
    "TooFewSignatures(uint256 given, uint256 needed)",
    "Underpaid(uint256 received, uint256 ask)",
    "UnknownSigner(uint256 index, address signer)",
    "UnrecoverableSignature(uint256 index)",
    "VaultWithoutCode(address vault)",
    "WrongChain(bytes32 given, bytes32 expected)",
    "WrongLeaf(bytes32 given, bytes32 expected)",
    "WrongPreviousSet(bytes32 given, bytes32 expected)",
    "WrongReleaseId(bytes32 given, bytes32 expected)",
    "WrongSettlementToken(bytes32 seizureId, address token)",
    "WrongSignerEpoch(uint64 given, uint64 expected)",
    "WrongValue(uint256 sent, uint256 expected)",
    "WrongVault(address given, address expected)",
    "ZeroAccount()",
    "ZeroAmount()",
    "ZeroDuration()",
    "ZeroExitSilence()",
    "ZeroGuardian()",
    "ZeroMarket()",
    "ZeroNetwork()",
    "ZeroProceeds()",
    "ZeroTreasury()",
    "ZeroVenue()",
});

// Panic codes of Solidity (docs.soliditylang.org, "Panic via assert and Error via require").
std::string_view panic_meaning(std::uint64_t code) {
    switch (code) {
        case 0x01:
            return "assertion failed";
        case 0x11:
            return "arithmetic overflow";
        case 0x12:
            return "division by zero";
        case 0x21:
            return "value out of an enum's range";
        case 0x22:
            return "bad storage byte array";
        case 0x31:
            return "pop of an empty array";
        case 0x32:
            return "array index out of bounds";
        case 0x41:
            return "out of memory";
        case 0x51:
            return "call of an empty function";
        default:
            return "unknown code";
    }
}

const std::map<Selector, abi::Signature>& errors_by_selector() {
    static const auto kTable = [] {
        std::map<Selector, abi::Signature> table;
        for (const std::string_view text : kErrors) {
            auto signature = abi::parse_signature(text);
            MARGRAVE_ASSERT(signature.has_value());
            const Selector selector = signature.value().selector();
            table.emplace(selector, std::move(signature).value());
        }
        return table;
    }();
    return kTable;
}

std::string with_arguments(const abi::Signature& error, const abi::Value& value) {
    std::string out = error.name + "(";
    for (std::size_t i = 0; i < error.params.size(); ++i) {
        const abi::Param& param = error.params[i];
        out += (i > 0 ? ", " : "") + param.name + (param.name.empty() ? "" : "=") +
               abi::to_text(param.type, value.items()[i], kReasonMax);
    }
    return out + ")";
}

std::string cut(std::string text) {
    if (text.size() > kReasonMax) {
        text.resize(kReasonMax);
        text += "...";
    }
    return text;
}

std::string unknown(ByteView data) {
    return cut("unknown error " + to_hex(data));
}

}  // namespace

std::span<const std::string_view> known_errors() {
    return kErrors;
}

std::string revert_reason(ByteView data) {
    if (data.empty()) {
        return "no reason given";
    }
    if (data.size() < 4 || data.size() > 65'536) {
        return unknown(data.first(std::min<std::size_t>(data.size(), kReasonMax)));
    }
    const Selector selector{data[0], data[1], data[2], data[3]};
    const auto& table = errors_by_selector();
    const auto found = table.find(selector);
    if (found == table.end()) {
        return unknown(data);
    }
    const abi::Signature& error = found->second;
    const abi::DecodeOptions options{.strict = false, .values_max = 1000, .bytes_max = 65'536};
    const auto decoded = abi::decode(error.tuple(), data.subspan(4), options);
    if (!decoded) {
        return unknown(data);
    }
    const abi::Value& value = decoded.value();
    if (error.name == "Panic") {
        const auto code = Amount::from_word(value.items()[0].word()).to_u64();
        return "Panic: " + std::string(panic_meaning(code ? code.value() : 0)) + " (code " +
               Amount::from_word(value.items()[0].word()).to_string() + ")";
    }
    if (error.name == "Error") {
        return cut(abi::to_text(error.params[0].type, value.items()[0], kReasonMax));
    }
    return cut(with_arguments(error, value));
}

}  // namespace margrave::chains::evm
