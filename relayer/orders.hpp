// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/canonical_json.hpp"
#include "margin/orders.hpp"
#include "relayer/risk/history.hpp"

#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// Stop-loss and take-profit orders that owners sign by EIP-712 and give to an operator as files.
// Nothing here is signed by us: what an order's state is follows from the order and the log alone.
namespace margrave::relayer {

/// What a wallet signs: types, domain, primary type and message, in the network's own domain.
/// Assets are named by keccak of their CAIP-19 ids, as in every signed format.
Canonical order_typed_data(const Hash32& network, const margin::PriceOrder& order);
Canonical cancel_typed_data(const Hash32& network, const AccountId& account, std::uint64_t nonce);

/// One signed order as it is kept. `signed_text` has the bytes that came in.
struct SignedOrder {
    margin::PriceOrder order;
    Hash32 digest;
    std::string signed_text;
    /// The owner took it back before a round triggered it.
    bool is_cancelled{false};
};

/// Reads {"typedData", "signature", "sub"?, "assets"}: `sub` is the owner's number of the account,
/// 0 when absent; `assets` lists the CAIP-19 ids that the message names by their keys. kInvalid
/// names what is wrong with the form, kSignature when it is not the owner's.
Result<SignedOrder> read_order(const Hash32& network, std::string_view text);

/// Account and nonce: what an order and its cancellation have in common.
struct OrderPlace {
    AccountId account;
    std::uint64_t nonce{0};
    auto operator<=>(const OrderPlace&) const = default;
};

struct SignedCancel {
    OrderPlace place;
    /// What was signed, without spaces.
    std::string text;
};

/// Reads {"typedData", "signature", "sub"?} as above.
Result<SignedCancel> read_cancel(const Hash32& network, std::string_view text);

enum class OrderState : std::uint8_t { kWaiting, kTriggered, kExpired, kCancelled };
std::string_view to_string(OrderState state);

struct OrderStanding {
    OrderState state{OrderState::kWaiting};
    /// The first signed round that triggered it.
    RoundNum round;
    UnixSeconds at;
    Money price;
};

/// Where an order stands by signed rounds, oldest first: a round's guarded price triggers it once
/// and for all. Whoever has the log finds the same, unless it was cancelled before.
OrderStanding order_standing(const SignedOrder& order, std::span<const RoundStub> rounds);

/// The same for several by the retained rounds, read one at a time. Waiting when none was signed.
Result<std::vector<OrderStanding>> order_standings(
    const store::Database& database, std::span<const SignedOrder> orders
);

/// Largest file of orders.
inline constexpr std::size_t kOrdersBytesMax = std::size_t{16} << 20U;

/// The orders of one data directory: one file of bounded size, replaced as a whole under a lock,
/// every signature checked again when it is read. A nonce is for one order for ever, and cancelled
/// for ever, whichever of the two came first. After an error the book is to be opened again.
class OrderBook {
  public:
    static Result<OrderBook> open(
        const std::filesystem::path& data_dir,
        const Hash32& network,
        std::size_t bytes_max = kOrdersBytesMax
    );

    /// Where an order that is not cancelled stands by the log now.
    using StandingOf = std::function<Result<OrderStanding>(const SignedOrder&)>;

    /// True when it is new. kUsage when its account used the nonce for another order or cancelled
    /// it; kLimit when the file would leave no room for a cancellation of every order.
    Result<bool> add(std::string_view text);
    /// True when it is new. The order need not be known. kCheckFailed when a signed round triggered
    /// it before; kLimit as above, never for an order that is known.
    Result<bool> cancel(std::string_view text, const StandingOf& standing_of);

    /// Ascending by account and nonce.
    [[nodiscard]] const std::vector<SignedOrder>& orders() const { return orders_; }

  private:
    OrderBook(std::filesystem::path file, const Hash32& network, std::size_t bytes_max)
        : file_(std::move(file)),
          network_(network),
          bytes_max_(bytes_max) {}

    Result<void> load();
    Result<void> save() const;

    std::filesystem::path file_;
    Hash32 network_;
    std::size_t bytes_max_;
    std::vector<SignedOrder> orders_;
    /// The owner's signed words.
    std::map<OrderPlace, std::string> cancelled_;
};

}  // namespace margrave::relayer
