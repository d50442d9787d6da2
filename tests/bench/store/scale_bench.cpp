// SPDX-License-Identifier: Apache-2.0
#include "core/keccak.hpp"
#include "store/backup.hpp"
#include "store/database.hpp"
#include "store/detail/database_impl.hpp"
#include "store/ledger.hpp"
#include "store/prune.hpp"
#include "tests/bench/store/fixture.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <memory>
#include <spawn.h>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

// A ledger of many accounts with four balances each: filling, against RocksDB that writes the very
// rows in the same run; starting after the process that filled it was killed; reading all of it as
// of a state; copying and pruning; and the whole ledger again from its stored events.
namespace margrave::store {
namespace {

namespace fs = std::filesystem;
using bench::Clock;
using bench::cpu_seconds;
using bench::Dir;
using bench::must;
using bench::seconds_since;

constexpr std::size_t kTokens = 4;
constexpr std::uint64_t kEventsEach = 500;
constexpr std::size_t kBlocksEach = 130;

struct Timed {
    double seconds{0};
    double cpu{0};
};

Timed time_of(const std::function<void()>& work) {
    const double cpu = cpu_seconds();
    const auto start = Clock::now();
    work();
    return {seconds_since(start), cpu_seconds() - cpu};
}

// "VmRSS" or "VmHWM", in MiB.
std::uint64_t memory_mib(const std::string& field) {
    constexpr std::uint64_t kKiB = 1024;
    std::ifstream in("/proc/self/status");
    std::string word;
    std::uint64_t value = 0;
    while (in >> word) {
        if (word == field + ":" && in >> value) {
            return value / kKiB;
        }
    }
    return 0;
}

// Deposits, account after account, each of the four tokens in turn.
class Author {
  public:
    explicit Author(std::uint64_t accounts)
        : accounts_(accounts) {
        for (std::size_t i = 0; i < kTokens; ++i) {
            tokens.at(i) = low_address(keccak256("token " + std::to_string(i)));
        }
    }

    [[nodiscard]] bool is_done() const { return events_ >= accounts_ * kTokens; }

    BlockData next(std::uint64_t events) {
        BlockData block;
        block.block.number = BlockNum{++number_};
        block.block.parent = head_;
        block.block.hash = keccak256(std::to_string(number_));
        block.block.time = UnixSeconds{1'000'000 + 12 * number_};
        for (std::uint32_t i = 0; i < events; ++i) {
            Movement m;
            m.sequence = vault_.count + 1;
            m.account =
                account_of(low_address(keccak256(std::to_string(events_ / kTokens % accounts_))));
            m.token = tokens.at(events_ % kTokens);
            m.amount = Amount(1'000'000 + i);
            vault_ = fold(vault_, m);
            block.events.push_back({m, block.block.hash, i, Address{}});
            ++events_;
        }
        block.vault = vault_;
        head_ = block.block.hash;
        return block;
    }

    // As if all of it had been asked for, in the blocks of `load`.
    void skip_all() {
        while (!is_done()) {
            next(kEventsEach);
        }
    }

    [[nodiscard]] std::uint64_t events() const { return events_; }

    [[nodiscard]] BlockNum number() const { return BlockNum{number_}; }

    std::array<Address, kTokens> tokens;

  private:
    std::uint64_t accounts_;
    std::uint64_t events_{0};
    std::uint64_t number_{0};
    Hash32 head_;
    Accumulator vault_;
};

// The rows of one batch, written again into another database and timed.
class Bare : public rocksdb::WriteBatch::Handler {
  public:
    explicit Bare(const fs::path& dir)
        : db_(must(Database::open({dir, keccak256("bench")}))) {}

    rocksdb::Status PutCF(std::uint32_t family, const rocksdb::Slice& k, const rocksdb::Slice& v)
        override {
        bytes += k.size() + v.size();
        return batch_.Put(db_->impl().families.at(family), k, v);
    }

    /// False when the log that held the batch is gone already.
    bool repeat(rocksdb::DB& from, rocksdb::SequenceNumber since) {
        std::unique_ptr<rocksdb::TransactionLogIterator> it;
        batch_.Clear();
        if (!from.GetUpdatesSince(since, &it).ok()) {
            return false;
        }
        for (; it->Valid(); it->Next()) {
            if (!it->GetBatch().writeBatchPtr->Iterate(this).ok()) {
                return false;
            }
        }
        const Timed took = time_of([this] {
            rocksdb::WriteOptions how;
            how.sync = true;
            how.protection_bytes_per_key = 8;
            if (!db_->impl().db->Write(how, &batch_).ok()) {
                std::abort();
            }
        });
        seconds += took.seconds;
        return true;
    }

    double seconds{0};
    std::uint64_t bytes{0};

  private:
    std::unique_ptr<Database> db_;
    rocksdb::WriteBatch batch_;
};

// Ends with the process, which is killed with the database open.
[[noreturn]] void load(const fs::path& dir, const ChainId& chain, Author& author) {
    Bare bare(dir.parent_path() / "bare");
    const auto db = must(Database::open({dir, keccak256("bench")}));
    Ledger ledger(*db);
    for (const Address& token : author.tokens) {
        must(ledger.define(AssetId::erc20(chain, token), 6));
    }
    Timed all;
    double compared = 0;
    std::uint64_t repeated = 0;
    while (!author.is_done()) {
        BlocksFinal run;
        const std::uint64_t before = author.events();
        for (std::size_t i = 0; i < kBlocksEach && !author.is_done(); ++i) {
            run.blocks.push_back(author.next(kEventsEach));
        }
        const rocksdb::SequenceNumber since = db->impl().db->GetLatestSequenceNumber();
        const Timed took = time_of([&] { must(ledger.apply(chain, run)); });
        all.seconds += took.seconds;
        all.cpu += took.cpu;
        if (bare.repeat(*db->impl().db, since + 1)) {
            compared += took.seconds;
            repeated += author.events() - before;
        }
    }
    const auto events = static_cast<double>(author.events());
    std::printf(
        "load: %.0f events in %.1f s, %.0f events/s, %.1f CPU us an event\n",
        events,
        all.seconds,
        events / all.seconds,
        1e6 * all.cpu / events
    );
    std::printf(
        "the same rows by bare RocksDB, synced alike: %.1f s against %.1f s for %llu events "
        "(%.0f bytes each), ratio %.2f\n",
        bare.seconds,
        compared,
        static_cast<unsigned long long>(repeated),
        static_cast<double>(bare.bytes) / static_cast<double>(repeated),
        compared / bare.seconds
    );
    std::printf(
        "memory while loading: peak %llu MiB\n",
        static_cast<unsigned long long>(memory_mib("VmHWM"))
    );
    std::fflush(stdout);
    ::kill(::getpid(), SIGKILL);
    std::abort();
}

// This program again, which fills a store and is killed.
void load_and_die(const fs::path& dir, std::uint64_t accounts) {
    std::string self = fs::read_symlink("/proc/self/exe").string();
    std::string flag = "--fill";
    std::string where = dir.string();
    std::string count = std::to_string(accounts);
    std::array<char*, 5> args{self.data(), flag.data(), where.data(), count.data(), nullptr};
    pid_t child = 0;
    int status = 0;
    if (::posix_spawn(&child, self.c_str(), nullptr, nullptr, args.data(), environ) != 0 ||
        ::waitpid(child, &status, 0) != child || !WIFSIGNALED(status) ||
        WTERMSIG(status) != SIGKILL) {
        std::abort();
    }
}

std::uint64_t log_bytes(const fs::path& db_dir) {
    std::uint64_t out = 0;
    for (const fs::directory_entry& entry : fs::directory_iterator(db_dir)) {
        out += entry.path().extension() == ".log" ? entry.file_size() : 0;
    }
    return out;
}

void replay(const Ledger& ledger, std::uint64_t events) {
    const Timed took = time_of([&] { must(ledger.verify()); });
    std::printf(
        "the ledger again from its stored events, each row compared: %.1f s, %.1f CPU s, %.0f "
        "events/s\n",
        took.seconds,
        took.cpu,
        static_cast<double>(events) / took.seconds
    );
}

void one_block_commits(Ledger& ledger, const ChainId& chain, Author& author) {
    constexpr int kBlocks = 50;
    constexpr std::uint64_t kBlockEvents = 100;
    Timed all;
    for (int i = 0; i < kBlocks; ++i) {
        const BlockData block = author.next(kBlockEvents);
        const Timed took = time_of([&] { must(ledger.apply(chain, BlockApplied{block})); });
        all.seconds += took.seconds;
    }
    std::printf(
        "a block of %llu events at the head: %.2f ms\n",
        static_cast<unsigned long long>(kBlockEvents),
        1e3 * all.seconds / kBlocks
    );
}

void read(const fs::path& dir, const ChainId& chain, Author& author) {
    std::unique_ptr<Database> db;
    std::unique_ptr<Ledger> ledger;
    const BlockNum loaded = author.number();
    const std::uint64_t logged = log_bytes(dir / "db");
    const Timed opened = time_of([&] {
        db = must(Database::open({dir, keccak256("bench")}));
        ledger = std::make_unique<Ledger>(*db);
        must(ledger->trial_balance(LedgerId{1}, loaded));
    });
    std::printf(
        "start after a SIGKILL: open %.2f s for %llu stored events, %.0f events/s; %.1f MB of "
        "logs; "
        "memory %llu MiB\n",
        opened.seconds,
        static_cast<unsigned long long>(author.events()),
        static_cast<double>(author.events()) / opened.seconds,
        static_cast<double>(logged) / 1e6,
        static_cast<unsigned long long>(memory_mib("VmRSS"))
    );
    std::printf("what it found: %s\n", db->note().c_str());
    std::size_t found = 0;
    const AsOf as_of{{chain, loaded}};
    const Timed first = time_of([&] { found = must(ledger->all_holdings(as_of)).size(); });
    std::printf(
        "all holdings as of a state (cold): %zu accounts in %.2f s, %.2f CPU s\n",
        found,
        first.seconds,
        first.cpu
    );
    one_block_commits(*ledger, chain, author);
    const Timed again = time_of([&] { found = must(ledger->all_holdings(as_of)).size(); });
    std::printf(
        "the same as of the older state, after 50 blocks: %zu accounts in %.2f s\n",
        found,
        again.seconds
    );
    const Timed copied = time_of([&] { must(copy_store(*db, dir / "copy")); });
    std::printf("snapshot of the store (checkpoint): %.2f s\n", copied.seconds);
    must(ledger->apply(chain, Finalized{*ledger->block_at(chain, author.number())}));
    PruneStep step;
    std::uint64_t seen = 0;
    std::uint64_t removed = 0;
    double longest = 0;
    const Timed pruned = time_of([&] {
        while (!step.done) {
            const Timed took = time_of([&] {
                step = must(prune_step(*db, {{chain, author.number()}}, 5'000));
            });
            longest = std::max(longest, took.seconds);
            seen += step.seen;
            removed += step.removed;
        }
    });
    std::printf(
        "prune: %llu rows looked at, %llu removed in %.1f s, longest step %.1f ms\n",
        static_cast<unsigned long long>(seen),
        static_cast<unsigned long long>(removed),
        pruned.seconds,
        1e3 * longest
    );
    replay(*ledger, author.events());
    std::printf(
        "memory at the end: %llu MiB, peak %llu MiB\n",
        static_cast<unsigned long long>(memory_mib("VmRSS")),
        static_cast<unsigned long long>(memory_mib("VmHWM"))
    );
}

}  // namespace
}  // namespace margrave::store

// scale_bench [ACCOUNTS]; by itself also: scale_bench --fill DIR ACCOUNTS
int main(int argc, char** argv) {
    using namespace margrave;
    const ChainId chain = ChainId::evm(1);
    if (argc == 4 && std::string(argv[1]) == "--fill") {
        store::Author author(std::strtoull(argv[3], nullptr, 10));
        store::load(argv[2], chain, author);
    }
    const std::uint64_t accounts = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1'000'000;
    const store::bench::Dir dir;
    store::load_and_die(dir.path / "store", accounts);
    store::Author author(accounts);
    author.skip_all();
    store::read(dir.path / "store", chain, author);
    return 0;
}
