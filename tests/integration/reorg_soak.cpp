// SPDX-License-Identifier: Apache-2.0
// Random reorgs of a real node, followed into a real ledger, and after each one a clean replay of
// the node's chain into a fresh ledger: both must say the same. Arguments: how many reorgs, and a
// seed; a failure prints both.
#include "chains/evm/abi.hpp"
#include "store/database.hpp"
#include "store/ledger.hpp"
#include "tests/integration/evm_world.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <random>
#include <string>
#include <unistd.h>

namespace margrave::tests {
namespace {

namespace fs = std::filesystem;
using chains::evm::abi::Value;
using Clock = std::chrono::steady_clock;

constexpr std::uint64_t kDepthMax = 64;
/// Blocks above the deployment, so that a clean replay stays short.
constexpr std::uint64_t kHeightMax = 110;
constexpr std::uint64_t kGas = 300'000;

template <class T>
T must(Result<T> result) {
    if (!result) {
        std::fprintf(stderr, "reorg_soak: %s\n", result.error().detail.c_str());
        std::exit(1);
    }
    return std::move(result).value();
}

void must(const Result<void>& result) {
    if (!result) {
        std::fprintf(stderr, "reorg_soak: %s\n", result.error().detail.c_str());
        std::exit(1);
    }
}

/// A ledger in a directory of its own.
class Books {
  public:
    Books(const fs::path& dir, const chains::ChainSettings& settings)
        : db_(must(store::Database::open({dir, settings.network, false}))),
          ledger_(*db_),
          chain_(settings.chain) {
        for (const chains::AssetSettings& asset : settings.assets) {
            must(ledger_.define(asset.asset, asset.decimals));
        }
    }

    void follow(Loop& loop, chains::ChainAdapter& adapter) {
        while (true) {
            const chains::Updates updates = must(loop.run(adapter.next(view())));
            if (updates.updates.empty()) {
                return;
            }
            for (const ChainUpdate& update : updates.updates) {
                must(ledger_.apply(chain_, update));
            }
        }
    }

    [[nodiscard]] store::Ledger& ledger() { return ledger_; }

    [[nodiscard]] const ChainId& chain() const { return chain_; }

  private:
    [[nodiscard]] chains::ChainView view() const {
        const store::ChainState state = ledger_.chain_state(chain_);
        chains::ChainView out;
        out.head = state.head;
        out.final = state.final;
        out.vault = state.vault;
        out.positions = state.positions;
        out.block_at = [this](BlockNum number) {
            return ledger_.block_at(chain_, number);
        };
        return out;
    }

    std::unique_ptr<store::Database> db_;
    store::Ledger ledger_;
    ChainId chain_;
};

/// What makes a block the same block again: its time and its transactions.
struct Recipe {
    std::uint64_t time{0};
    std::vector<std::string> txns;
};

class Soak {
  public:
    Soak(std::uint64_t seed, fs::path dir)
        : random_(seed),
          dir_(std::move(dir)) {
        world_ = EvmWorld::make(AnvilOptions{});
        if (world_ == nullptr) {
            std::exit(1);
        }
        settings_ = world_->settings;
        settings_.finality.mode = chains::FinalityMode::kDepth;
        settings_.finality.depth = 100'000;
        adapter_ = world_->another(settings_);
        rpc("evm_setAutomine", "[false]");
        time_ = 4'000'000'000;
        fees_ = must(world_->loop.run(adapter_->fees()));
        main_ = std::make_unique<Books>(dir_ / "main", settings_);
        grow(kDepthMax);
        main_->follow(world_->loop, *adapter_);
    }

    /// One reorg. True when it went back to the branch before the last one.
    bool turn() {
        const std::uint64_t height = chain_.size();
        const bool back = !former_.empty() && random_() % 4 == 0;
        const std::uint64_t depth =
            back ? height - fork_ : 1 + random_() % std::min<std::uint64_t>(kDepthMax, height);
        std::vector<Recipe> dropped(
            chain_.end() - static_cast<std::ptrdiff_t>(depth), chain_.end()
        );
        const Hash32 left = head_hash();
        rpc("anvil_rollback", "[" + std::to_string(depth) + "]");
        chain_.resize(height - depth);
        if (back) {
            for (const Recipe& recipe : former_) {
                mine(recipe);
            }
            if (head_hash() != former_head_) {
                std::fprintf(stderr, "reorg_soak: the same recipes gave another block\n");
                std::exit(1);
            }
        } else {
            fork_ = chain_.size();
            grow(new_length(depth));
        }
        former_ = std::move(dropped);
        former_head_ = left;
        // Sometimes two reorgs between two looks.
        if (random_() % 8 != 0) {
            main_->follow(world_->loop, *adapter_);
        }
        return back;
    }

    void compare() {
        main_->follow(world_->loop, *adapter_);
        const fs::path dir = dir_ / "replay";
        fs::remove_all(dir);
        Books replay(dir, settings_);
        replay.follow(world_->loop, *adapter_);
        const auto seen = describe(*main_);
        const auto clean = describe(replay);
        if (seen != clean) {
            std::fprintf(
                stderr, "the ledger is not the replay:\n%s\n---\n%s\n", seen.c_str(), clean.c_str()
            );
            std::exit(1);
        }
    }

    void verify() { must(main_->ledger().verify()); }

    [[nodiscard]] std::uint64_t events() const {
        return main_->ledger().chain_state(settings_.chain).vault.count;
    }

  private:
    static std::string describe(Books& books) {
        const store::ChainState state = books.ledger().chain_state(books.chain());
        std::string out = to_hex(state.head->hash) + " " + std::to_string(state.vault.count) + " " +
                          to_hex(state.vault.hash) + "\n";
        const std::uint64_t head = state.head->number.value;
        for (const std::uint64_t at : {head, head - head / 7, head - head / 3}) {
            const store::AsOf as_of{{books.chain(), BlockNum(at)}};
            for (const AccountHoldings& account : must(books.ledger().all_holdings(as_of))) {
                out += std::to_string(at) + " " + to_hex(account.account);
                for (const Holding& holding : account.holdings) {
                    out += " " + holding.asset.text() + " " + holding.collateral.to_string() + " " +
                           holding.debt.to_string() + " " + holding.book.to_string();
                }
                out += "\n";
            }
        }
        return out;
    }

    [[nodiscard]] std::uint64_t new_length(std::uint64_t depth) {
        const std::uint64_t room = kHeightMax - chain_.size();
        const std::uint64_t wanted = std::max<std::uint64_t>(depth + random_() % 7, 4) - 3;
        return std::min(std::max<std::uint64_t>(wanted, 1), room);
    }

    void grow(std::uint64_t blocks) {
        for (std::uint64_t i = 0; i < blocks; ++i) {
            Recipe recipe;
            recipe.time = ++time_;
            for (std::uint64_t j = random_() % 4; j > 1; --j) {
                recipe.txns.push_back(deposit(nonce_after(recipe)));
            }
            mine(recipe);
        }
    }

    [[nodiscard]] std::uint64_t nonce_after(const Recipe& recipe) {
        if (recipe.txns.empty()) {
            nonce_ = must(world_->loop.run(adapter_->nonce(Anvil::rich().address())));
        }
        return nonce_ + recipe.txns.size();
    }

    std::string deposit(std::uint64_t nonce) {
        Hash32 account;
        account.data[31] = static_cast<std::uint8_t>(1 + random_() % 9);
        const Amount wei(1 + random_() % 1'000'000);
        const auto signature =
            must(chains::evm::abi::parse_signature("deposit(bytes32,address,uint256)"));
        const auto selector = signature.selector();
        Bytes data(selector.begin(), selector.end());
        std::vector<Value> values{Value(account), Value(Address{}), Value(wei)};
        put_bytes(
            data, must(chains::evm::abi::encode(signature.tuple(), Value(std::move(values))))
        );
        chains::TxnRequest request;
        request.nonce = nonce;
        request.priority_fee = fees_.priority_fee;
        request.max_fee = Amount(1'000'000'000'000);
        request.gas_limit = kGas;
        request.to = settings_.vault;
        request.value = wei;
        request.data = std::move(data);
        return to_hex(must(adapter_->sign(request, Anvil::rich().function())).raw);
    }

    void mine(const Recipe& recipe) {
        for (const std::string& raw : recipe.txns) {
            rpc("eth_sendRawTransaction", "[\"" + raw + "\"]");
        }
        // The node's rollback forgets blocks but not what they did to the base fee.
        rpc("anvil_setNextBlockBaseFeePerGas", "[\"0x3b9aca00\"]");
        rpc("evm_setNextBlockTimestamp", "[" + std::to_string(recipe.time) + "]");
        rpc("anvil_mine", "[\"0x1\"]");
        chain_.push_back(recipe);
    }

    nlohmann::json rpc(std::string_view method, const std::string& params) {
        return must(world_->anvil->rpc(method, params));
    }

    Hash32 head_hash() {
        const auto block = rpc("eth_getBlockByNumber", "[\"latest\",false]");
        return must(parse_hash32(block["hash"].get<std::string>()));
    }

    std::mt19937_64 random_;
    fs::path dir_;
    std::unique_ptr<EvmWorld> world_;
    chains::ChainSettings settings_;
    std::unique_ptr<chains::ChainAdapter> adapter_;
    std::unique_ptr<Books> main_;
    chains::FeeQuote fees_;
    std::uint64_t time_{0};
    std::uint64_t nonce_{0};
    /// Recipes of the blocks above the deployment.
    std::vector<Recipe> chain_;
    /// Where the last fork left, the branch that it dropped, and that branch's head.
    std::uint64_t fork_{0};
    std::vector<Recipe> former_;
    Hash32 former_head_;
};

int run(std::uint64_t count, std::uint64_t seed) {
    std::string pattern = (fs::temp_directory_path() / "margrave-reorgs-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) {
        return 1;
    }
    std::printf(
        "%llu reorgs, seed %llu\n",
        static_cast<unsigned long long>(count),
        static_cast<unsigned long long>(seed)
    );
    const auto begun = Clock::now();
    std::uint64_t back = 0;
    {
        Soak soak(seed, pattern);
        for (std::uint64_t i = 1; i <= count; ++i) {
            back += soak.turn() ? 1U : 0U;
            soak.compare();
            if (i % std::max<std::uint64_t>(count / 20, 1) == 0 || i == count) {
                const double took = std::chrono::duration<double>(Clock::now() - begun).count();
                const double rate = static_cast<double>(i) / took;
                std::printf(
                    "%5.1f %%  %llu reorgs, %llu of them back to the branch before, %.1f/s, %.0f s "
                    "left\n",
                    100.0 * static_cast<double>(i) / static_cast<double>(count),
                    static_cast<unsigned long long>(i),
                    static_cast<unsigned long long>(back),
                    rate,
                    static_cast<double>(count - i) / rate
                );
                std::fflush(stdout);
            }
        }
        soak.verify();
    }
    fs::remove_all(pattern);
    std::printf("the ledger was the clean replay each time\n");
    return back > 0 || count < 20 ? 0 : 1;
}

}  // namespace
}  // namespace margrave::tests

int main(int argc, char** argv) {
    const std::uint64_t count = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 300;
    const std::uint64_t seed = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 20'260'101;
    if (!margrave::tests::Anvil::program()) {
        std::printf("SKIPPED: there is no anvil; run scripts/setup\n");
        return 77;
    }
    return margrave::tests::run(count, seed);
}
