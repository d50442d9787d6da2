// SPDX-License-Identifier: Apache-2.0
#include "infra/files.hpp"
#include "infra/strict_json.hpp"
#include "relayer/orders.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <limits>
#include <utility>

// What is kept of orders, and where they stand by the log.
namespace margrave::relayer {
namespace {

using nlohmann::json;

constexpr unsigned kFileMode = 0640;
/// A cancellation's row of the file. So much stays free for each order, so that none is ever in the
/// way of taking one back.
constexpr std::size_t kCancelBytesMax = std::size_t{4} << 10U;

OrderPlace order_place(const SignedOrder& row) {
    return {row.order.account, row.order.nonce};
}

std::string in_words(const OrderPlace& place) {
    return "nonce " + std::to_string(place.nonce) + " of " + to_hex(place.account);
}

json cancellation_row(const std::string& text) {
    json out = json::object();
    out["cancelled"] = text;
    return out;
}

}  // namespace

Result<OrderBook> OrderBook::open(
    const std::filesystem::path& data_dir, const Hash32& network, std::size_t bytes_max
) {
    OrderBook out(data_dir / "orders.json", network, bytes_max);
    MARGRAVE_TRY(out.load());
    return out;
}

Result<void> OrderBook::load() {
    orders_.clear();
    cancelled_.clear();
    const auto text = infra::read_file(file_, bytes_max_);
    if (!text && text.error().code == Errc::kNotFound) {
        return ok();
    }
    if (!text) {
        return text.error();
    }
    MARGRAVE_TRY(const auto document, infra::parse_strict(text.value()));
    if (!document.is_array()) {
        return fail(Errc::kCorrupt, file_.string() + " is no list of orders");
    }
    for (const json& row : document) {
        const bool is_order = row.is_object() && row.contains("order");
        const char* name = is_order ? "order" : "cancelled";
        if (!row.is_object() || !row.contains(name) || !row.at(name).is_string()) {
            return fail(
                Errc::kCorrupt, file_.string() + " holds a row without an order or a cancellation"
            );
        }
        const auto signed_text = row.at(name).get<std::string>();
        if (is_order) {
            MARGRAVE_TRY(auto order, read_order(network_, signed_text));
            orders_.push_back(std::move(order));
        } else {
            MARGRAVE_TRY(auto cancelled, read_cancel(network_, signed_text));
            cancelled_.emplace(cancelled.place, std::move(cancelled.text));
        }
    }
    for (SignedOrder& order : orders_) {
        order.is_cancelled = cancelled_.contains(order_place(order));
    }
    std::ranges::sort(orders_, {}, order_place);
    return ok();
}

Result<void> OrderBook::save() const {
    json document = json::array();
    std::size_t reserved = 0;
    for (const SignedOrder& row : orders_) {
        json one = json::object();
        one["order"] = row.signed_text;
        document.push_back(std::move(one));
        reserved += row.is_cancelled ? 0 : kCancelBytesMax;
    }
    for (const auto& [place, text] : cancelled_) {
        document.push_back(cancellation_row(text));
    }
    const std::string text = document.dump(1) + "\n";
    if (text.size() + reserved > bytes_max_) {
        return fail(
            Errc::kLimit,
            file_.string() + " would have " + std::to_string(text.size()) + " bytes and " +
                std::to_string(reserved) + " more for cancellations, " +
                std::to_string(bytes_max_) + " is the most; nothing was kept"
        );
    }
    return infra::write_file_atomic(file_, text, kFileMode);
}

Result<bool> OrderBook::add(std::string_view text) {
    MARGRAVE_TRY(auto order, read_order(network_, text));
    MARGRAVE_TRY(const auto lock, infra::lock_file(file_.string() + ".lock"));
    MARGRAVE_TRY(load());
    const OrderPlace place = order_place(order);
    const auto known = std::ranges::find(orders_, place, order_place);
    if (known != orders_.end() && known->digest == order.digest) {
        return false;
    }
    if (known != orders_.end()) {
        return fail(
            Errc::kUsage, in_words(place) + " was used for another order; a nonce is used once"
        );
    }
    if (cancelled_.contains(place)) {
        return fail(Errc::kUsage, in_words(place) + " was cancelled before this order came");
    }
    orders_.push_back(std::move(order));
    std::ranges::sort(orders_, {}, order_place);
    MARGRAVE_TRY(save());
    return true;
}

Result<bool> OrderBook::cancel(std::string_view text, const StandingOf& standing_of) {
    MARGRAVE_TRY(auto cancelled, read_cancel(network_, text));
    if (cancellation_row(cancelled.text).dump(1).size() + 4 > kCancelBytesMax) {
        return fail(
            Errc::kInvalid,
            "the cancellation takes more than " + std::to_string(kCancelBytesMax) + " bytes"
        );
    }
    MARGRAVE_TRY(const auto lock, infra::lock_file(file_.string() + ".lock"));
    MARGRAVE_TRY(load());
    if (cancelled_.contains(cancelled.place)) {
        return false;
    }
    const auto known = std::ranges::find(orders_, cancelled.place, order_place);
    if (known != orders_.end()) {
        MARGRAVE_TRY(const auto standing, standing_of(*known));
        if (standing.state == OrderState::kTriggered) {
            return fail(
                Errc::kCheckFailed,
                in_words(cancelled.place) + " was triggered by round " +
                    std::to_string(standing.round.value) + ", which is for good"
            );
        }
        known->is_cancelled = true;
    }
    cancelled_.emplace(cancelled.place, std::move(cancelled.text));
    MARGRAVE_TRY(save());
    return true;
}

std::string_view to_string(OrderState state) {
    switch (state) {
        case OrderState::kWaiting:
            return "waiting";
        case OrderState::kTriggered:
            return "triggered";
        case OrderState::kExpired:
            return "expired";
        case OrderState::kCancelled:
            return "cancelled";
    }
    return "";
}

OrderStanding order_standing(const SignedOrder& order, std::span<const RoundStub> rounds) {
    OrderStanding out;
    if (order.is_cancelled) {
        out.state = OrderState::kCancelled;
        return out;
    }
    for (const RoundStub& round : rounds) {
        for (const PriceRow& row : round.prices) {
            if (margin::is_triggered(order.order, row, round.issued_at)) {
                return {OrderState::kTriggered, round.round, round.issued_at, row.price};
            }
        }
    }
    if (!rounds.empty() && rounds.back().issued_at > order.order.expiry) {
        out.state = OrderState::kExpired;
    }
    return out;
}

Result<std::vector<OrderStanding>> order_standings(
    const store::Database& database, std::span<const SignedOrder> orders
) {
    std::vector<OrderStanding> out(orders.size());
    UnixSeconds from{std::numeric_limits<std::uint64_t>::max()};
    for (const SignedOrder& row : orders) {
        from = row.is_cancelled ? from : std::min(from, row.order.valid_from);
    }
    bool is_last = true;
    MARGRAVE_TRY(walk_rounds_back(database, [&](const RoundStub& round) {
        for (std::size_t i = 0; i < orders.size(); ++i) {
            const OrderStanding now = order_standing(orders[i], {&round, 1});
            // The last round says what has expired, an earlier one that triggers comes first.
            if (is_last || now.state == OrderState::kTriggered) {
                out[i] = now;
            }
        }
        is_last = false;
        return round.issued_at >= from;
    }));
    return out;
}

}  // namespace margrave::relayer
