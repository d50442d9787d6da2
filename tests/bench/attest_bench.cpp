// SPDX-License-Identifier: Apache-2.0
#include "attest/keys.hpp"
#include "attest/leaf.hpp"
#include "attest/tlog.hpp"
#include "attest/tree.hpp"
#include "core/keccak.hpp"

#include <benchmark/benchmark.h>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

namespace {

using namespace margrave;

const Hash32 kNetwork = keccak256("bench network");

attest::SecretKey bench_key() {
    return attest::SecretKey::from_bytes(keccak256("bench key").view()).value();
}

std::vector<Hash32> leaves(std::size_t count) {
    std::vector<Hash32> out(count);
    for (std::size_t i = 0; i < count; ++i) {
        out[i] = keccak256(ByteView(reinterpret_cast<const std::uint8_t*>(&i), sizeof i));
    }
    return out;
}

// A round over three chains and ten assets, the size of a small network's.
struct Round {
    Attestation attestation;
    std::vector<Head> heads;
    std::vector<PriceRow> prices;
    std::vector<SignerSignature> signatures;

    Round() {
        for (const std::uint64_t chain : {1U, 10U, 8453U}) {
            heads.push_back(
                {ChainId::evm(chain), BlockNum{20'000'000}, keccak256("block"), 7, keccak256("acc")}
            );
        }
        std::sort(heads.begin(), heads.end(), [](const Head& a, const Head& b) {
            return a.chain.key() < b.chain.key();
        });
        for (std::uint32_t coin = 0; coin < 10; ++coin) {
            PriceRow row;
            row.asset = AssetId::native(ChainId::evm(1), coin);
            row.price = Money::whole(3000);
            row.confidence = Money::whole(1);
            prices.push_back(row);
        }
        std::sort(prices.begin(), prices.end(), [](const PriceRow& a, const PriceRow& b) {
            return a.asset.key() < b.asset.key();
        });
        attestation.round = RoundNum{1};
        attestation.snapshot = attest::snapshot_hash(heads);
        attestation.prices = attest::price_root(prices);
        const auto signer = attest::make_local_signer(bench_key());
        const Hash32 digest = attest::digest_of(kNetwork, attestation);
        signatures.push_back({signer->address(), signer->sign(digest).value()});
    }

    [[nodiscard]] Bytes leaf() const {
        return attest::attestation_leaf(kNetwork, attestation, signatures, heads, prices);
    }
};

void Digest(benchmark::State& state) {
    Attestation s;
    for (auto _ : state) {
        ++s.round.value;
        benchmark::DoNotOptimize(attest::digest_of(kNetwork, s));
    }
}

BENCHMARK(Digest);

void Sign(benchmark::State& state) {
    const auto signer = attest::make_local_signer(bench_key());
    Hash32 digest = keccak256("digest");
    for (auto _ : state) {
        ++digest.data[0];
        benchmark::DoNotOptimize(signer->sign(digest));
    }
}

BENCHMARK(Sign);

void Recover(benchmark::State& state) {
    const auto signer = attest::make_local_signer(bench_key());
    const Hash32 digest = keccak256("digest");
    const Signature signature = signer->sign(digest).value();
    for (auto _ : state) {
        benchmark::DoNotOptimize(attest::recover(digest, signature));
    }
}

BENCHMARK(Recover);

void AccountLeafHash(benchmark::State& state) {
    AccountState account;
    account.equity = Money::whole(12345);
    for (auto _ : state) {
        ++account.flags;
        benchmark::DoNotOptimize(attest::leaf_hash(account));
    }
}

BENCHMARK(AccountLeafHash);

void TreeBuild(benchmark::State& state) {
    const auto all = leaves(static_cast<std::size_t>(state.range(0)));
    for (auto _ : state) {
        const attest::MerkleTree tree(all);
        benchmark::DoNotOptimize(tree.root());
    }
}

BENCHMARK(TreeBuild)->Arg(10'000)->Arg(1'000'000)->Unit(benchmark::kMillisecond);

void TreeReplace100Of10k(benchmark::State& state) {
    attest::MerkleTree tree(leaves(10'000));
    std::vector<std::pair<std::size_t, Hash32>> changes;
    for (std::size_t i = 0; i < 100; ++i) {
        changes.emplace_back((i * 7919) % 10'000, keccak256(std::to_string(i)));
    }
    for (auto _ : state) {
        ++changes[0].second.data[0];
        tree.replace(changes);
        benchmark::DoNotOptimize(tree.root());
    }
}

BENCHMARK(TreeReplace100Of10k)->Unit(benchmark::kMicrosecond);

void LeafBuild(benchmark::State& state) {
    const Round round;
    for (auto _ : state) {
        benchmark::DoNotOptimize(round.leaf());
    }
}

BENCHMARK(LeafBuild)->Unit(benchmark::kMicrosecond);

void LeafRead(benchmark::State& state) {
    const Bytes leaf = Round().leaf();
    for (auto _ : state) {
        benchmark::DoNotOptimize(attest::read_leaf(kNetwork, leaf));
    }
    state.counters["bytes"] = static_cast<double>(leaf.size());
}

BENCHMARK(LeafRead)->Unit(benchmark::kMicrosecond);

class LogDirectory {
  public:
    LogDirectory() {
        std::string name = (std::filesystem::temp_directory_path() / "margrave-bench-XXXXXX");
        path_ = ::mkdtemp(name.data());
    }

    LogDirectory(const LogDirectory&) = delete;
    LogDirectory& operator=(const LogDirectory&) = delete;

    ~LogDirectory() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }

    [[nodiscard]] std::unique_ptr<attest::TileLog> open() const {
        const auto none = [](std::uint64_t) -> Result<Bytes> {
            return fail(Errc::kNotFound, "none");
        };
        return attest::TileLog::open(path_, "bench.log", 0, none).value();
    }

  private:
    std::filesystem::path path_;
};

void LogAppend(benchmark::State& state) {
    const LogDirectory dir;
    const auto log = dir.open();
    const Bytes leaf = Round().leaf();
    for (auto _ : state) {
        benchmark::DoNotOptimize(log->append(leaf));
    }
}

// The entries wait in memory for a publication, so their number is bounded.
BENCHMARK(LogAppend)->Iterations(100'000);

void LogRootOf100k(benchmark::State& state) {
    const LogDirectory dir;
    const auto log = dir.open();
    for (int i = 0; i < 100'001; ++i) {
        benchmark::DoNotOptimize(log->append(as_bytes("entry")));
    }
    for (auto _ : state) {
        benchmark::DoNotOptimize(log->root());
    }
}

BENCHMARK(LogRootOf100k);

// One leaf and its checkpoint: three to five files, each fsynced.
void LogPublishOneLeaf(benchmark::State& state) {
    const LogDirectory dir;
    const auto log = dir.open();
    const Bytes leaf = Round().leaf();
    const attest::LogKey key = attest::derive_log_key(bench_key());
    for (auto _ : state) {
        benchmark::DoNotOptimize(log->append(leaf));
        benchmark::DoNotOptimize(log->publish(key));
    }
}

BENCHMARK(LogPublishOneLeaf)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
