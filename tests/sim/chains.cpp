// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/chains.hpp"

#include "core/interest.hpp"
#include "core/keccak.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace margrave::tests::sim {

namespace {

namespace users = relayer::tests;

/// Further back no fork reaches, so that a seed does not spend its time on one.
constexpr std::size_t kForkMax = 12;

std::string name_of(const BlockRef& block) {
    return std::to_string(block.number.value) + ":" + to_hex(block.hash).substr(2, 8);
}

bool is_of_users(const FakeChain::Body& body) {
    const auto* movement = std::get_if<Movement>(&body);
    if (movement == nullptr) {
        return false;
    }
    switch (movement->kind) {
        case MovementKind::kDeposit:
        case MovementKind::kRepayment:
        case MovementKind::kPoolFunding:
        case MovementKind::kWithdrawalRequest:
        case MovementKind::kBorrowRequest:
            return true;
        case MovementKind::kRelease:
        case MovementKind::kSeizure:
        case MovementKind::kProceeds:
        case MovementKind::kExit:
            return false;
    }
    return false;
}

}  // namespace

Chains::Chains(World& world, Random& random, Trace& trace)
    : world_(world),
      random_(random),
      trace_(trace),
      time_(world.clock.now().value) {}

void Chains::begin() {
    for (std::size_t c = 0; c < kChains; ++c) {
        FakeChain& chain = node(c).chain;
        pass_time();
        chain.open(12);
        chain.add(users::funding(users::dollar_token(), users::dollars(20'000)));
        for (std::uint64_t a = 1; a <= kAccounts; ++a) {
            if (random_.percent(60)) {
                chain.add(users::deposit(
                    users::account(a), users::coin(), users::eth(random_.between(1, 4))
                ));
            }
        }
        chain.close();
        node(c).final = chain.head().number;
    }
    trace_.add("begin");
}

void Chains::pass_time() {
    time_ += random_.between(1, 20);
    const std::int64_t shown = static_cast<std::int64_t>(time_) + skew_;
    world_.clock.set(UnixSeconds{static_cast<std::uint64_t>(shown)});
    if (random_.percent(80)) {
        world_.eth_published = UnixSeconds{time_};
    }
}

// What loans cost from here on: nothing at times, and at times so much that a few minutes tell.
void Chains::tell_rate(std::size_t chain) {
    MappedEvent event;
    event.source = keccak256(std::string_view("rates"));
    event.what =
        MappedRate{users::dollar_token(), yearly_rate(Amount(random_.below(10'001)), 2, false)};
    node(chain).chain.add(event);
}

void Chains::add_user_event(std::size_t chain) {
    const AccountId who = users::account(random_.between(1, kAccounts));
    const std::uint64_t what = random_.below(100);
    const Amount coins = users::eth(random_.between(1, 3));
    const Amount money = users::dollars(random_.between(100, 3'000));
    const Address dollar = users::dollar_token();
    FakeChain& c = node(chain).chain;
    if (what < 25) {
        c.add(users::deposit(who, users::coin(), coins));
    } else if (what < 38) {
        c.add(users::deposit(who, dollar, money));
    } else if (what < 50) {
        c.add(users::repayment(who, dollar, money));
    } else if (what < 66) {
        c.add(users::withdrawal_request(who, users::coin(), coins));
    } else if (what < 74) {
        c.add(users::withdrawal_request(who, dollar, money));
    } else if (what < 97) {
        c.add(users::borrow_request(who, dollar, money));
    } else {
        c.add(users::funding(dollar, money));
    }
}

void Chains::add_orphaned(std::size_t chain) {
    std::vector<FakeChain::Body>& waiting = sides_[chain].orphaned;
    const std::size_t which = random_.below(waiting.size());
    FakeChain::Body body = std::move(waiting[which]);
    waiting.erase(waiting.begin() + static_cast<std::ptrdiff_t>(which));
    node(chain).chain.add(std::move(body));
}

bool Chains::add_sale(std::size_t chain) {
    FakeChain& c = node(chain).chain;
    auto& lots = c.building().after.lots;
    if (lots.empty()) {
        return false;
    }
    auto lot = lots.begin();
    std::advance(lot, static_cast<std::ptrdiff_t>(random_.below(lots.size())));
    const Seizure s = lot->second.seizure;
    lots.erase(lot);
    const Amount more{random_.below(50'000'000)};
    const Amount paid = margrave::add(s.min_proceeds, more).value();
    c.add(users::proceeds(s.account, s.debt_token, paid, s.id));
    return true;
}

void Chains::add_event(std::size_t chain) {
    if (random_.percent(15) && add_sale(chain)) {
        return;
    }
    if (!sides_[chain].orphaned.empty() && random_.percent(50)) {
        add_orphaned(chain);
        return;
    }
    if (random_.percent(4)) {
        tell_rate(chain);
        return;
    }
    add_user_event(chain);
}

void Chains::add_block(std::size_t chain, std::uint64_t most_events) {
    FakeAdapter::Node& n = node(chain);
    pass_time();
    const std::uint64_t before = n.chain.head().time.value;
    n.chain.open(time_ > before ? time_ - before : 1);
    const std::uint64_t events = random_.below(most_events + 1);
    for (std::uint64_t i = 0; i < events; ++i) {
        add_event(chain);
    }
    auto next = n.mempool.find(n.chain.building().after.nonce);
    while (next != n.mempool.end() && next->second.max_fee >= n.fees.base_fee) {
        n.include(next->second);
        n.mempool.erase(next);
        next = n.mempool.find(n.chain.building().after.nonce);
    }
    n.chain.close();
    const std::vector<ChainEvent>& events_of = n.chain.blocks().back().data.events;
    trace_.add("block", std::to_string(chain) + " " + name_of(n.chain.head()));
    for (const FakeReceipt& receipt : n.chain.blocks().back().receipts) {
        const std::string outcome = receipt.succeeded ? "ok" : receipt.reason;
        trace_.add(
            "txn", std::to_string(chain) + " " + std::to_string(receipt.txn.nonce) + " " + outcome
        );
    }
    for (const ChainEvent& event : events_of) {
        const auto* movement = std::get_if<Movement>(&event.body);
        trace_.add(movement == nullptr ? "rate" : std::string(to_string(movement->kind)));
    }
}

void Chains::mine(std::size_t chain) {
    add_block(chain, 3);
}

void Chains::finalize(std::size_t chain) {
    if (sides_[chain].broken) {
        return;
    }
    FakeAdapter::Node& n = node(chain);
    const std::uint64_t room = n.chain.head().number.value - n.final.value;
    n.final = BlockNum{n.final.value + random_.below(room + 1)};
    trace_.add("final", std::to_string(chain) + " " + std::to_string(n.final.value));
}

void Chains::drop(std::size_t chain, std::size_t depth, bool forget) {
    FakeAdapter::Node& n = node(chain);
    Side& side = sides_[chain];
    side.before = n.chain.blocks();
    const auto first = side.before.end() - static_cast<std::ptrdiff_t>(depth);
    for (auto block = first; block != side.before.end(); ++block) {
        for (const ChainEvent& event : block->data.events) {
            const auto* movement = std::get_if<Movement>(&event.body);
            if (movement != nullptr && is_of_users(*movement) && random_.percent(80)) {
                side.orphaned.emplace_back(*movement);
            }
        }
    }
    for (FakeTxn& txn : n.chain.drop(depth)) {
        const bool stranger = !n.made.contains(txn.hash);
        if (!forget || stranger) {
            n.mempool.emplace(txn.nonce, std::move(txn));
        }
    }
}

void Chains::spend_nonce(std::size_t chain) {
    FakeAdapter::Node& n = node(chain);
    pass_time();
    const std::uint64_t before = n.chain.head().time.value;
    n.chain.open(time_ > before ? time_ - before : 1);
    FakeTxn txn;
    txn.nonce = n.chain.building().after.nonce;
    txn.max_fee = Amount{1'000'000};
    txn.to = Address{};
    Bytes name = to_bytes("stranger");
    put_u64(name, random_.next());
    txn.hash = keccak256(name);
    n.mempool.erase(txn.nonce);
    n.include(txn);
    n.chain.close();
    trace_.add("nonce", std::to_string(chain) + " " + name_of(n.chain.head()));
}

void Chains::fork(std::size_t chain) {
    FakeAdapter::Node& n = node(chain);
    const std::uint64_t free = n.chain.head().number.value - n.final.value;
    if (sides_[chain].broken || free == 0) {
        return;
    }
    const std::size_t depth = 1 + random_.below(std::min<std::uint64_t>(free, kForkMax));
    trace_.add("fork", std::to_string(chain) + " " + std::to_string(depth));
    const bool forget = random_.percent(15);
    trace_.add(forget ? "forget" : "requeue");
    drop(chain, depth, forget);
    // Now and then the new branch is shorter for a while.
    const std::size_t length =
        random_.percent(20) ? random_.below(depth + 1) : depth + random_.below(2);
    for (std::size_t i = 0; i < length; ++i) {
        add_block(chain, 2);
    }
}

void Chains::fork_back(std::size_t chain) {
    FakeAdapter::Node& n = node(chain);
    Side& side = sides_[chain];
    if (side.before.empty() || side.broken) {
        return;
    }
    // Only while nothing of the other branch is final.
    const FakeChain::Block* final = n.chain.at(n.final);
    const auto kept = std::find_if(side.before.begin(), side.before.end(), [&](const auto& block) {
        return block.data.block.hash == final->data.block.hash;
    });
    if (kept == side.before.end()) {
        side.before.clear();
        return;
    }
    trace_.add("fork-back", std::to_string(chain) + " " + name_of(side.before.back().data.block));
    for (const FakeChain::Block& block : n.chain.blocks()) {
        for (const FakeReceipt& receipt : block.receipts) {
            n.mempool.emplace(receipt.txn.nonce, receipt.txn);
        }
    }
    n.chain.restore(std::exchange(side.before, {}));
}

void Chains::break_finality(std::size_t chain, BlockNum attested) {
    FakeAdapter::Node& n = node(chain);
    const std::uint64_t first = n.chain.blocks().front().data.block.number.value;
    if (sides_[chain].broken || attested.value < first + 3) {
        return;
    }
    const std::size_t depth = n.chain.head().number.value - attested.value + 1 + random_.below(2);
    trace_.add("finality-broken", std::to_string(chain) + " " + std::to_string(depth));
    drop(chain, depth, /*forget=*/false);
    // What users did on a branch that will be gone again is not told twice.
    sides_[chain].orphaned.clear();
    sides_[chain].broken = true;
    for (std::size_t i = 0; i <= depth; ++i) {
        add_block(chain, 1);
    }
}

void Chains::mend_finality(std::size_t chain) {
    Side& side = sides_[chain];
    if (!side.broken) {
        return;
    }
    FakeAdapter::Node& n = node(chain);
    for (const FakeChain::Block& block : n.chain.blocks()) {
        for (const FakeReceipt& receipt : block.receipts) {
            n.mempool.emplace(receipt.txn.nonce, receipt.txn);
        }
    }
    n.chain.restore(std::exchange(side.before, {}));
    side.broken = false;
    trace_.add("finality-mended", std::to_string(chain) + " " + name_of(n.chain.head()));
}

void Chains::move_price() {
    // Often so low that whoever owes much is liquidated.
    const std::uint64_t cents =
        random_.percent(40) ? random_.between(15'000, 60'000) : random_.between(60'000, 260'000);
    world_.eth_price =
        users::usd(std::to_string(cents / 100) + "." + std::to_string(10 + cents % 90));
    world_.eth_published = UnixSeconds{time_};
    trace_.add("price", std::to_string(cents));
}

void Chains::skew_clock() {
    const bool right = skew_ != 0;
    const std::int64_t by = static_cast<std::int64_t>(random_.below(7'200)) - 3'600;
    skew_ = right ? 0 : by;
    const std::int64_t shown = static_cast<std::int64_t>(time_) + skew_;
    world_.clock.set(UnixSeconds{static_cast<std::uint64_t>(shown)});
    trace_.add("clock", std::to_string(skew_));
}

void Chains::trouble_node(std::size_t chain) {
    static const std::array<std::string, 11> kMethods{
        "next",
        "next",
        "custody_at",
        "latest_round",
        "simulate",
        "fees",
        "nonce",
        "balance",
        "broadcast",
        "status",
        "probe"};
    const std::string& method = kMethods[random_.below(kMethods.size())];
    const std::uint64_t times = random_.between(1, 3);
    for (std::uint64_t i = 0; i < times; ++i) {
        const Errc code = random_.percent(70) ? Errc::kTimeout : Errc::kUnproved;
        node(chain).failures[method].emplace_back(code, "scripted");
    }
    node(chain).blocks_a_step = random_.percent(50) ? random_.between(1, 4) : 1'000;
    if (random_.percent(20)) {
        node(chain).fees.base_fee = Amount{random_.between(5, 40)};
    }
    trace_.add("node", std::to_string(chain) + " " + method + " " + std::to_string(times));
}

void Chains::calm() {
    skew_ = 0;
    for (std::size_t c = 0; c < kChains; ++c) {
        mend_finality(c);
        node(c).failures.clear();
        node(c).fail_after.clear();
        node(c).blocks_a_step = 1'000;
        node(c).fees.base_fee = Amount{10};
    }
    // Above every time of issue that a wrong clock led to, so that a registry takes it.
    time_ = std::max(time_, world_.scribe->last().issued_at.value);
    for (std::size_t c = 0; c < kChains; ++c) {
        pass_time();
        add_block(c, 0);
        node(c).final = node(c).chain.head().number;
    }
    world_.eth_published = UnixSeconds{time_};
    world_.clock.set(UnixSeconds{time_});
    trace_.add("calm");
}

}  // namespace margrave::tests::sim
