// SPDX-License-Identifier: Apache-2.0
// New block -> signed attestation on disk: the daemon's own parts from the moment a proved block is
// handed to the ledger until the round that covers it is signed, committed with fsync and
// published. The chain is left out (its round trip is the node's); everything else is what
// `margrave run` runs.
#include "attest/keys.hpp"
#include "config/settings.hpp"
#include "core/assert.hpp"
#include "core/keccak.hpp"
#include "oracle/oracle.hpp"
#include "relayer/detail/run_task.hpp"
#include "relayer/rounds.hpp"
#include "relayer/scribe.hpp"
#include "store/database.hpp"
#include "store/guard.hpp"
#include "store/ledger.hpp"
#include "tests/support/fake_clock.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <unistd.h>
#include <vector>

namespace margrave {
namespace {

using Steady = std::chrono::steady_clock;

template <class T>
T must(Result<T> result) {
    if (!result) {
        std::fprintf(stderr, "latency_bench: %s\n", result.error().detail.c_str());
        std::abort();
    }
    if constexpr (!std::is_void_v<T>) {
        return std::move(result.value());
    }
}

Money ratio(const char* text) {
    return must(Money::parse(text));
}

AccountId account(std::uint64_t number) {
    Address owner;
    for (std::size_t i = 0; i < 8; ++i) {
        owner.data[19 - i] = static_cast<std::uint8_t>((number + 1) >> (8 * i));
    }
    return account_of(owner);
}

config::Settings make_settings(const std::filesystem::path& dir, const Address& signer) {
    config::Settings settings;
    settings.node_name = "bench";
    settings.data_dir = dir;
    settings.genesis.name = "bench";
    settings.genesis.hub = ChainId::evm(31337);
    settings.genesis.signers = {signer};
    settings.attestation_interval = std::chrono::milliseconds(1'000);
    chains::ChainSettings chain;
    chain.chain = ChainId::evm(31337);
    chain.vault.data[19] = 1;
    settings.chains.push_back(chain);
    margin::AssetParameters eth;
    eth.name = "eth";
    eth.collateral = {ratio("0.80"), ratio("0.83"), ratio("0.85")};
    eth.debt = {ratio("1.25"), ratio("1.20"), ratio("1.15")};
    eth.max_bonus = ratio("1.05");
    eth.on = {{AssetId::native(chain.chain), Money::whole(1)}};
    eth.price_min = Money::whole(1);
    eth.price_max = Money::whole(100'000);
    settings.parameters.assets = {eth};
    oracle::AssetOracleSettings price;
    price.name = "eth";
    price.assets = {AssetId::native(chain.chain)};
    price.sources = {oracle::fixed_source("fixed", Money::whole(3000))};
    price.price_min = eth.price_min;
    price.price_max = eth.price_max;
    price.max_spread = ratio("0.01");
    settings.oracle = {price};
    return settings;
}

/// A chain that only this program speaks for: every block carries `events` deposits by turns.
class Feed {
  public:
    Feed(store::Ledger& ledger, ChainId chain, std::uint64_t accounts)
        : ledger_(ledger),
          chain_(std::move(chain)),
          accounts_(accounts) {}

    /// Applies the next block as final; its number.
    BlockNum block(std::uint64_t events) {
        BlockData data;
        ++number_;
        data.block = {
            BlockNum{number_},
            keccak256("block " + std::to_string(number_)),
            last_,
            UnixSeconds{number_}};
        for (std::uint64_t i = 0; i < events; ++i) {
            Movement movement;
            movement.sequence = vault_.count + 1;
            movement.account = account(next_++ % accounts_);
            movement.amount = Amount{1'000'000'000'000'000'000U};
            vault_ = fold(vault_, movement);
            ChainEvent event;
            event.body = movement;
            event.txn_hash = keccak256(std::to_string(vault_.count));
            event.log_index = static_cast<std::uint32_t>(i);
            event.emitter.data[19] = 1;
            data.events.push_back(std::move(event));
        }
        data.vault = vault_;
        last_ = data.block.hash;
        const BlockRef block = data.block;
        must(ledger_.apply(chain_, BlockApplied{std::move(data)}));
        must(ledger_.apply(chain_, Finalized{block}));
        return block.number;
    }

  private:
    store::Ledger& ledger_;
    ChainId chain_;
    std::uint64_t accounts_;
    std::uint64_t number_{0};
    std::uint64_t next_{0};
    Hash32 last_;
    Accumulator vault_;
};

struct Sample {
    std::int64_t ledger_us{0};
    std::int64_t total_us{0};
};

std::int64_t micros(Steady::duration d) {
    return std::chrono::duration_cast<std::chrono::microseconds>(d).count();
}

std::int64_t at(std::vector<std::int64_t> values, std::size_t percent) {
    std::sort(values.begin(), values.end());
    return values[std::min(values.size() - 1, values.size() * percent / 100)];
}

void report(std::uint64_t accounts, std::uint64_t events, const std::vector<Sample>& samples) {
    std::vector<std::int64_t> ledger;
    std::vector<std::int64_t> total;
    for (const Sample& sample : samples) {
        ledger.push_back(sample.ledger_us);
        total.push_back(sample.total_us);
    }
    std::printf(
        "%8lu accounts  %4lu events a block  %4zu blocks  ledger p50 %6ld us  "
        "block -> signed on disk and published p50 %6ld us  p99 %6ld us\n",
        accounts,
        events,
        samples.size(),
        at(ledger, 50),
        at(total, 50),
        at(total, 99)
    );
}

void measure(std::uint64_t accounts, std::uint64_t events, std::size_t blocks) {
    const std::filesystem::path dir =
        std::filesystem::temp_directory_path() / ("margrave-latency-" + std::to_string(::getpid()));
    std::filesystem::remove_all(dir);
    attest::SecretKey key = attest::SecretKey::random();
    const config::Settings settings = make_settings(dir, must(attest::address_of(key)));
    const Hash32 network = settings.genesis.network();
    const auto database = must(store::Database::open({dir / "store", network, false}));
    store::Ledger ledger(*database);
    must(ledger.define(AssetId::native(settings.chains[0].chain), 18));
    const auto guard = must(store::SigningGuard::open(dir / "guard", dir / "guard.mark", network));
    const attest::LogKey log_key = attest::derive_log_key(key);
    const auto signer = attest::make_local_signer(std::move(key));
    // A round follows another after a second at the earliest: each block comes a second later.
    tests::FakeClock clock(1'800'000'000);
    oracle::Oracle oracle(settings.oracle, {});
    relayer::Scribe scribe({settings, *database, *guard, *signer, log_key, {}});
    must(scribe.open(clock.now()));
    const ChainId& chain = settings.chains[0].chain;
    relayer::ChainBoard board({chain}, std::chrono::seconds(20), clock.now(), {});
    board.passed(chain, {}, clock.now());
    relayer::Rounds rounds({settings, ledger, *database, oracle, scribe, clock, {}, board, {}});

    Feed feed(ledger, settings.chains[0].chain, accounts);
    // Custody is compared over the network, which is left out here.
    const auto covered = [&rounds, &settings](BlockNum block) {
        rounds.set_custody(settings.chains[0].chain, block, std::nullopt);
    };
    for (std::uint64_t done = 0; done < accounts; done += 1000) {
        covered(feed.block(std::min<std::uint64_t>(1000, accounts - done)));
    }
    must(rounds.open());
    const auto pass = [&rounds] {
        boost::asio::io_context io(1);
        return must(relayer::run_to_end(io, rounds.pass()));
    };
    pass();
    std::vector<Sample> samples;
    for (std::size_t i = 0; i < blocks; ++i) {
        clock.advance(1);
        const auto start = Steady::now();
        covered(feed.block(events));
        const auto applied = Steady::now();
        const bool signed_round = pass();
        MARGRAVE_ASSERT(signed_round);
        samples.push_back({micros(applied - start), micros(Steady::now() - start)});
    }
    report(accounts, events, samples);
    std::filesystem::remove_all(dir);
}

}  // namespace
}  // namespace margrave

int main() {
    std::printf("New block to signed attestation on disk; the node's own round trip is not in it.\n"
    );
    margrave::measure(10, 1, 500);
    margrave::measure(10, 100, 500);
    margrave::measure(10'000, 1, 500);
    margrave::measure(10'000, 100, 500);
    return 0;
}
