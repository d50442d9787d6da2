// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/keccak.hpp"
#include "store/database.hpp"
#include "store/detail/database_impl.hpp"
#include "store/ledger.hpp"

#include <chrono>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <unistd.h>
#include <utility>
#include <vector>

/// What the benchmarks of the store have in common. Anything that fails ends the program.
namespace margrave::store::bench {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr std::uint64_t kAccounts = 10'000;
inline const Address kToken = low_address(keccak256("token"));

template <class T>
T must(Result<T> result) {
    if (!result) {
        std::cerr << result.error().detail << '\n';
        std::abort();
    }
    return std::move(result).value();
}

inline void must(const Result<void>& result) {
    if (!result) {
        std::cerr << result.error().detail << '\n';
        std::abort();
    }
}

// Of all threads of this process: what stays steady on a machine that others use too.
inline double cpu_seconds() {
    timespec now{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

inline double seconds_since(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
}

struct Dir {
    Dir() {
        std::string pattern = (fs::temp_directory_path() / "margrave-bench-XXXXXX").string();
        if (::mkdtemp(pattern.data()) == nullptr) {
            std::abort();
        }
        path = pattern;
    }

    ~Dir() { fs::remove_all(path); }

    Dir(const Dir&) = delete;
    Dir& operator=(const Dir&) = delete;

    fs::path path;
};

struct Fixture {
    Fixture()
        : db(must(Database::open({dir.path, keccak256("bench")}))),
          ledger(*db) {
        must(ledger.define(AssetId::erc20(chain, kToken), 6));
    }

    // Deposits of accounts in turn: each touches an account, its book and the journal.
    BlockData next(std::size_t events) {
        BlockData block;
        block.block.number = BlockNum{++number};
        block.block.parent = head;
        block.block.hash = keccak256(std::to_string(number));
        block.block.time = UnixSeconds{number};
        for (std::uint32_t i = 0; i < events; ++i) {
            Movement m;
            m.sequence = vault.count + 1;
            m.account = account_of(low_address(Amount(next_account++ % kAccounts + 1).to_word()));
            m.token = kToken;
            m.amount = Amount(1'000'000 + i);
            vault = fold(vault, m);
            block.events.push_back({m, block.block.hash, i, Address{}});
        }
        block.vault = vault;
        head = block.block.hash;
        return block;
    }

    ApplySummary apply(BlockData block) {
        return must(ledger.apply(chain, BlockApplied{std::move(block)}));
    }

    Dir dir;
    std::unique_ptr<Database> db;
    Ledger ledger;
    ChainId chain = ChainId::evm(1);
    std::uint64_t number{0};
    std::uint64_t next_account{0};
    Hash32 head;
    Accumulator vault;
};

// Rows and bytes that the last batch put into the write-ahead log, read back from it.
struct Footprint : rocksdb::WriteBatch::Handler {
    rocksdb::Status PutCF(std::uint32_t family, const rocksdb::Slice& k, const rocksdb::Slice& v)
        override {
        rows.emplace_back(family, std::pair(k.ToString(), v.ToString()));
        bytes += k.size() + v.size();
        return rocksdb::Status::OK();
    }

    std::vector<std::pair<std::uint32_t, std::pair<std::string, std::string>>> rows;
    std::size_t bytes{0};
};

inline Footprint last_batch(rocksdb::DB& db, rocksdb::SequenceNumber since) {
    Footprint out;
    std::unique_ptr<rocksdb::TransactionLogIterator> it;
    if (!db.GetUpdatesSince(since, &it).ok()) {
        std::abort();
    }
    for (; it->Valid(); it->Next()) {
        rocksdb::BatchResult result = it->GetBatch();
        if (!result.writeBatchPtr->Iterate(&out).ok()) {
            std::abort();
        }
    }
    return out;
}

}  // namespace margrave::store::bench
