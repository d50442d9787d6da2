// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/daemon.hpp"

#include "attest/digest.hpp"
#include "relayer/detail/trouble.hpp"
#include "relayer/silence.hpp"
#include "store/detail/database_impl.hpp"

#include <array>
#include <chrono>
#include <filesystem>
#include <string>
#include <thread>
#include <utility>

namespace margrave::tests::sim {

namespace {

namespace fs = std::filesystem;

constexpr int kStartsMax = 8;

/// Compactions run on threads of RocksDB: what they do is over before the next step, so that no
/// step depends on them. One that failed is tried again for ever, and the store is done for.
void wait_until_idle(store::Database& database) {
    rocksdb::DB& db = *database.impl().db;
    const auto busy = [&db, &database](const std::string& name) {
        for (rocksdb::ColumnFamilyHandle* family : database.impl().families) {
            std::uint64_t value = 0;
            if (db.GetIntProperty(family, name, &value) && value > 0) {
                return true;
            }
        }
        return false;
    };
    while (database.check() && (busy(rocksdb::DB::Properties::kNumRunningCompactions) ||
                                busy(rocksdb::DB::Properties::kCompactionPending))) {
        std::this_thread::sleep_for(std::chrono::microseconds(100));
    }
}

Result<void> without_value(const Result<bool>& result) {
    return result ? Result<void>(ok()) : Result<void>(result.error());
}

}  // namespace

Daemon::Daemon(World& world, Random& random, Trace& trace, std::function<void()> started)
    : world_(world),
      random_(random),
      trace_(trace),
      started_(std::move(started)) {}

bool Daemon::judge(const std::string& what, const Result<void>& ended) {
    const bool struck = Disk::instance().has_struck();
    hurt_ = hurt_ || struck;
    trace_.add(what, ended ? "ok" : std::string(to_string(ended.error().code)));
    if (dead_) {
        end(random_.percent(50));
        return false;
    }
    if (ended || !relayer::must_stop(ended.error().code)) {
        return true;
    }
    // A disk that failed leaves a store error; whatever else stops a daemon is for a person, and
    // nothing that a person would have to look at has happened.
    if (!hurt_ || ended.error().code != Errc::kStore) {
        throw Finding(what + " stops the daemon: " + ended.error().detail);
    }
    end(random_.percent(30));
    return false;
}

void Daemon::watch(std::size_t chain) {
    const ChainId id = world_.id(chain);
    if (world_.board->is_halted(id)) {
        return;
    }
    Result<bool> passed = world_.watch(chain);
    if (!passed && passed.error().code == Errc::kBelowFinality) {
        store::ChainStop stop;
        stop.chain = id;
        stop.at = world_.clock.now();
        stop.reason = "a final block was replaced";
        stop.final = world_.ledger->chain_state(id).final;
        auto halted = world_.scribe->halt(std::move(stop));
        if (halted) {
            world_.board->halt(halted.value());
            trace_.add("halt", id.text());
            passed = true;
        } else {
            passed = halted.error();
        }
    }
    judge("watch", without_value(passed));
}

void Daemon::round() {
    world_.board->review(world_.clock.now());
    judge("round", without_value(world_.round()));
}

void Daemon::deliver(std::size_t chain) {
    const ChainId id = world_.id(chain);
    if (world_.board->is_halted(id) || world_.rounds->dead().contains(id)) {
        return;
    }
    judge("deliver", world_.deliver(chain));
}

void Daemon::resume(std::size_t chain) {
    const ChainId id = world_.id(chain);
    if (!world_.board->is_halted(id)) {
        return;
    }
    const Result<void> resumed = world_.scribe->resume(id, "mended", world_.clock.now());
    if (judge("resume", resumed) && resumed) {
        world_.board->resume(id, world_.clock.now());
    }
}

void Daemon::start() {
    for (int i = 0; i < kStartsMax; ++i) {
        if (i + 1 < kStartsMax && random_.percent(10)) {
            trouble_disk();
        }
        const Result<void> started = world_.start();
        hurt_ = hurt_ || Disk::instance().has_struck();
        trace_.add("start", started ? "ok" : std::string(to_string(started.error().code)));
        if (started && !dead_) {
            wait_until_idle(*world_.database);
        }
        // What compacts may be what meets the fault.
        const bool works = started && !dead_ && world_.database->check();
        if (works) {
            started_();
            return;
        }
        hurt_ = hurt_ || Disk::instance().has_struck();
        if (!hurt_) {
            const Result<void> store = started ? world_.database->check() : started;
            throw Finding("the daemon does not start: " + store.error().detail);
        }
        bury();
        if (random_.percent(50)) {
            Disk::instance().lose_unsynced(random_.next());
        }
    }
    throw Finding("the daemon does not start on a disk that works");
}

void Daemon::bury() {
    Disk::instance().die();
    world_.stop();
    Disk::instance().heal();
    for (const auto& node : world_.nodes) {
        node->cut_off = false;
    }
    hurt_ = false;
    dead_ = false;
}

void Daemon::end(bool power) {
    bury();
    if (power) {
        Disk::instance().lose_unsynced(random_.next());
    }
    trace_.add("end", power ? "power" : "process");
    start();
}

void Daemon::restart() {
    world_.stop();
    bury();
    trace_.add("stop");
    start();
}

void Daemon::die() {
    end(random_.percent(50));
}

void Daemon::calm() {
    const bool stop = hurt_ || dead_;
    Disk::instance().heal();
    hurt_ = false;
    if (stop) {
        end(/*power=*/false);
    }
}

void Daemon::publish() {
    judge("publish", world_.scribe->publish());
}

void Daemon::trouble_disk() {
    if (hurt_) {
        return;
    }
    const std::uint64_t what = random_.below(10);
    const DiskFault fault = what < 7   ? DiskFault::kDeath
                            : what < 9 ? DiskFault::kError
                                       : DiskFault::kFull;
    const std::uint64_t after = random_.between(1, random_.percent(50) ? 12 : 60);
    trace_.add("fault", std::to_string(static_cast<int>(fault)) + " " + std::to_string(after));
    // A dead process talks to nobody either.
    Disk::instance().arm(fault, after, random_.next(), [this] {
        dead_ = true;
        for (const auto& node : world_.nodes) {
            node->cut_off = true;
        }
    });
}

void Daemon::expect_unchanged(std::size_t chain, const BlockApplied& update, bool refused) {
    const ChainId id = world_.id(chain);
    const store::ChainState before = world_.ledger->chain_state(id);
    const Seq seq = world_.ledger->last_seq();
    const auto applied = world_.ledger->apply(id, update);
    const store::ChainState after = world_.ledger->chain_state(id);
    trace_.add("mislead", applied ? "same" : std::string(to_string(applied.error().code)));
    if (refused == applied.has_value() || before.head != after.head ||
        before.vault != after.vault || world_.ledger->last_seq() != seq) {
        throw Finding(
            "block " + std::to_string(update.data.block.number.value) + " of " + id.text() +
            (refused ? " is applied though it does not fit" : " is applied a second time")
        );
    }
}

void Daemon::mislead(std::size_t chain) {
    const auto head = world_.ledger->chain_state(world_.id(chain)).head;
    const FakeChain& c = world_.nodes[chain]->chain;
    const FakeChain::Block* at_head = head ? c.find(head->hash) : nullptr;
    if (at_head == nullptr || hurt_ || Disk::instance().has_struck()) {
        return;
    }
    // Runs leave no single blocks behind, so only the head is certain to be known as a block.
    expect_unchanged(chain, BlockApplied{at_head->data}, /*refused=*/false);
    const FakeChain::Block* next = c.at(BlockNum{head->number.value + 1});
    const FakeChain::Block* later = c.at(BlockNum{head->number.value + 2});
    if (later != nullptr) {
        expect_unchanged(chain, BlockApplied{later->data}, /*refused=*/true);
    }
    if (next != nullptr && !next->data.events.empty()) {
        BlockApplied missing{next->data};
        missing.data.events.pop_back();
        // That no event of a watched contract is missing is the adapter's to prove.
        if (std::holds_alternative<Movement>(next->data.events.back().body)) {
            expect_unchanged(chain, missing, /*refused=*/true);
        }
        BlockApplied twice{next->data};
        twice.data.events.push_back(twice.data.events.front());
        expect_unchanged(chain, twice, /*refused=*/true);
    }
}

void Daemon::copy() {
    // What a fault leaves of a copy is not one.
    if (hurt_ || Disk::instance().is_armed() || Disk::instance().has_struck()) {
        return;
    }
    const fs::path& data = world_.settings.data_dir;
    const Hash32 network = world_.settings.genesis.network();
    const auto second = store::SigningGuard::open(data / "guard", data / "guard.mark", network);
    if (second || second.error().code != Errc::kLocked) {
        throw Finding("a second process opens the signing guard of one that runs");
    }
    const fs::path twin = world_.dir.path() / "twin";
    std::error_code error;
    fs::create_directories(twin, error);
    fs::copy(data / "guard", twin / "guard", fs::copy_options::recursive, error);
    fs::copy(data / "guard.mark", twin / "guard.mark", error);
    const auto copied = store::SigningGuard::open(twin / "guard", twin / "guard.mark", network);
    if (copied || copied.error().code != Errc::kUnsafe) {
        throw Finding("a copy of the signing guard opens");
    }
    fs::remove_all(twin, error);
    trace_.add("copy");
}

}  // namespace margrave::tests::sim
