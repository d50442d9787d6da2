// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/canonical_json.hpp"
#include "margin/orders.hpp"
#include "relayer/risk/history.hpp"

#include <filesystem>
#include <optional>
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
    /// The owner's signed cancellation; empty without one.
    std::string cancelled;
};

/// Reads {"typedData", "signature", "sub"?, "assets"}: `sub` is the owner's number of the account,
/// 0 when absent; `assets` lists the CAIP-19 ids that the message names by their keys. kInvalid
/// names what is wrong with the form, kSignature when it is not the owner's.
Result<SignedOrder> read_order(const Hash32& network, std::string_view text);

/// The orders of one data directory: one file, replaced as a whole under a lock, every signature
/// checked again when it is read. A nonce is for one order for ever, cancelled or not.
class OrderBook {
  public:
    static Result<OrderBook> open(const std::filesystem::path& data_dir, const Hash32& network);

    /// True when it is new. kConflict when its account used the nonce for another order.
    Result<bool> add(std::string_view text);
    /// kNotFound when no such order is there.
    Result<bool> cancel(std::string_view text);

    /// Ascending by account and nonce.
    [[nodiscard]] const std::vector<SignedOrder>& orders() const { return orders_; }

  private:
    OrderBook(std::filesystem::path file, const Hash32& network)
        : file_(std::move(file)),
          network_(network) {}

    Result<void> load();
    Result<void> save() const;

    std::filesystem::path file_;
    Hash32 network_;
    std::vector<SignedOrder> orders_;
};

enum class OrderState : std::uint8_t { kWaiting, kTriggered, kExpired, kCancelled };
std::string_view to_string(OrderState state);

struct OrderStanding {
    OrderState state{OrderState::kWaiting};
    /// The first signed round that triggered it.
    RoundNum round;
    UnixSeconds at;
    Money price;
};

/// Before any round: waiting, or cancelled.
OrderStanding first_standing(const SignedOrder& order);
/// Where it stands after one more signed round; rounds come oldest first. A round's guarded price
/// triggers it once and for all. Whoever has the log finds the same.
OrderStanding standing_after(
    OrderStanding standing, const SignedOrder& order, const RoundStub& round
);

}  // namespace margrave::relayer
