// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/relayer/fixture.hpp"

#include "attest/leaf.hpp"
#include "core/assert.hpp"
#include "relayer/detail/run_task.hpp"
#include "relayer/price_check.hpp"
#include "relayer/seizure_call.hpp"

#include <algorithm>
#include <cstdlib>
#include <system_error>
#include <unistd.h>

namespace margrave::relayer::tests {

namespace {

constexpr std::uint64_t kStart = 1'000'000;

Address address(std::string_view name) {
    return low_address(keccak256(name));
}

margin::Weights weights(std::string_view initial, std::string_view end, std::string_view least) {
    return {usd(initial), usd(end), usd(least)};
}

margin::AssetParameters asset(std::string name, unsigned decimals) {
    margin::AssetParameters out;
    out.name = std::move(name);
    out.decimals = decimals;
    out.max_bonus = usd("1.05");
    out.price_min = usd("0.01");
    out.price_max = usd("100000");
    return out;
}

chains::ChainSettings chain_settings(std::uint64_t number, const Hash32& network) {
    chains::ChainSettings out;
    out.chain = ChainId::evm(number);
    out.vault = address("vault " + out.chain.text());
    out.registry = address("registry " + out.chain.text());
    out.sale = address("sale " + out.chain.text());
    out.network = network;
    out.start_block = BlockNum{100};
    return out;
}

Movement movement(
    MovementKind kind,
    const AccountId& account,
    const Address& token,
    const Amount& amount,
    const Hash32& counterparty
) {
    Movement m;
    m.kind = kind;
    m.account = account;
    m.token = token;
    m.amount = amount;
    m.counterparty = counterparty;
    return m;
}

Hash32 somebody() {
    return left_pad(address("somebody"));
}

template <class T>
Result<T> run(Task<Result<T>> task) {
    boost::asio::io_context io(1);
    return run_to_end(io, std::move(task));
}

}  // namespace

TempDir::TempDir() {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "margrave-relayer-test-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) {
        std::abort();
    }
    path_ = pattern;
}

TempDir::~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

Money usd(std::string_view decimal) {
    return Money::parse(decimal).value();
}

Amount eth(std::uint64_t whole) {
    return Amount::parse(std::to_string(whole) + (whole == 0 ? "" : std::string(18, '0'))).value();
}

Amount dollars(std::uint64_t whole) {
    return Amount{whole * 1'000'000};
}

Address dollar_token() {
    return address("dollar");
}

Address price_feed() {
    return address("feed");
}

Address uptime_feed() {
    return address("uptime");
}

AssetId eth_on(const ChainId& chain) {
    return AssetId::native(chain);
}

AssetId usd_on(const ChainId& chain) {
    return AssetId::erc20(chain, dollar_token());
}

AccountId account(std::uint64_t number) {
    return account_of(address("owner " + std::to_string(number)));
}

Movement deposit(const AccountId& who, const Address& token, const Amount& amount) {
    return movement(MovementKind::kDeposit, who, token, amount, somebody());
}

Movement repayment(const AccountId& who, const Address& token, const Amount& amount) {
    return movement(MovementKind::kRepayment, who, token, amount, somebody());
}

Movement funding(const Address& token, const Amount& amount) {
    return movement(MovementKind::kPoolFunding, AccountId{}, token, amount, somebody());
}

Movement withdrawal_request(const AccountId& who, const Address& token, const Amount& amount) {
    return movement(MovementKind::kWithdrawalRequest, who, token, amount, somebody());
}

Movement borrow_request(const AccountId& who, const Address& token, const Amount& amount) {
    return movement(MovementKind::kBorrowRequest, who, token, amount, somebody());
}

Movement proceeds(
    const AccountId& who, const Address& token, const Amount& amount, const Hash32& seizure
) {
    return movement(MovementKind::kProceeds, who, token, amount, seizure);
}

World::World()
    : eth_price(usd("2000")),
      eth_published(kStart) {
    configure();
    for (const chains::ChainSettings& chain : settings.chains) {
        nodes.push_back(FakeAdapter::make_node(chain, UnixSeconds{kStart}));
    }
    const Result<void> started = start();
    if (!started) {
        ADD_FAILURE() << started.error().detail;
        std::abort();
    }
}

World::~World() {
    stop();
}

void World::configure() {
    settings.node_name = "op-1";
    settings.data_dir = dir.path() / "data";
    settings.deployment_file = dir.path() / "deployment.json";
    settings.genesis.name = "test";
    settings.genesis.hub = ChainId::evm(1);
    auto key = attest::SecretKey::parse(std::string(64, '1'));
    settings.genesis.signers = {attest::address_of(key.value()).value()};
    settings.genesis.guardian = address("guardian");
    const Hash32 network = settings.genesis.network();
    settings.chains = {chain_settings(1, network), chain_settings(10, network)};
    settings.attestation_interval = std::chrono::seconds(60);
    settings.deploy.sale_duration_s = 1'800;

    margin::AssetParameters ether = asset("eth", 18);
    ether.collateral = weights("0.75", "0.8", "0.85");
    ether.debt = weights("1.25", "1.2", "1.15");
    margin::AssetParameters dollar = asset("usd", 6);
    dollar.collateral = weights("0.9", "0.92", "0.94");
    dollar.debt = weights("1.05", "1.03", "1.01");
    dollar.max_bonus = usd("1.02");
    dollar.borrowable = true;
    for (const chains::ChainSettings& chain : settings.chains) {
        ether.on.push_back({eth_on(chain.chain), usd("1")});
        dollar.on.push_back({usd_on(chain.chain), usd("1")});
    }
    settings.parameters.assets = {ether, dollar};
    settings.parameters.liquidation = {usd("0.02"), usd("0.5"), usd("100"), usd("10"), 600};
    for (const margin::ParameterError& error : margin::check(settings.parameters)) {
        ADD_FAILURE() << error.where << " " << error.what;
    }
    for (const margin::AssetParameters& parameters : settings.parameters.assets) {
        oracle::AssetOracleSettings row;
        row.name = parameters.name;
        for (const margin::AssetOnChain& form : parameters.on) {
            row.assets.push_back(form.asset);
        }
        if (parameters.name == "eth") {
            row.sources.push_back(
                oracle::feed_source("feed", settings.chains[0].chain, price_feed())
            );
        } else {
            row.sources.push_back(oracle::fixed_source("fixed", usd("1")));
        }
        row.price_min = parameters.price_min;
        row.price_max = parameters.price_max;
        settings.oracle.push_back(std::move(row));
    }
}

Result<void> World::open_store() {
    const Hash32 network = settings.genesis.network();
    const std::filesystem::path& data = settings.data_dir;
    MARGRAVE_TRY(database, store::Database::open({data / "store", network, false}));
    ledger = std::make_unique<store::Ledger>(*database);
    incidents = std::make_unique<store::Incidents>(*database);
    std::vector<ChainId> ids;
    for (const chains::ChainSettings& chain : settings.chains) {
        ids.push_back(chain.chain);
    }
    board =
        std::make_unique<ChainBoard>(ids, std::chrono::seconds(20), clock.now(), infra::Logger{});
    MARGRAVE_TRY(board->load(*incidents));
    for (const margin::AssetParameters& parameters : settings.parameters.assets) {
        for (const margin::AssetOnChain& form : parameters.on) {
            MARGRAVE_TRY(ledger->define(form.asset, parameters.decimals));
        }
    }
    MARGRAVE_TRY(guard, store::SigningGuard::open(data / "guard", data / "guard.mark", network));
    return ok();
}

void World::build() {
    auto key = attest::SecretKey::parse(std::string(64, '1'));
    const attest::LogKey log_key = attest::derive_log_key(key.value());
    signer = attest::make_local_signer(std::move(key.value()));
    std::vector<chains::ChainAdapter*> targets;
    for (std::size_t i = 0; i < nodes.size(); ++i) {
        adapters.push_back(std::make_unique<FakeAdapter>(settings.chains[i], nodes[i]));
        targets.push_back(adapters.back().get());
    }
    oracle = std::make_unique<oracle::Oracle>(
        settings.oracle, oracle::Reach(call_at(), told_by(*ledger))
    );
    scribe = std::make_unique<Scribe>(Scribe::Parts{
        settings, *database, *guard, *signer, log_key, targets});
    rounds = std::make_unique<Rounds>(Rounds::Parts{
        settings, *ledger, *database, *oracle, *scribe, clock, {}, *board, call_at()});
    reconciler = std::make_unique<Reconciler>(Reconciler::Parts{
        settings.reconciliation, *ledger, *database, *incidents, scribe.get(), *board, clock, {}});
    for (const auto& adapter : adapters) {
        const ChainId chain = adapter->settings().chain;
        watchers.push_back(std::make_unique<Watcher>(Watcher::Parts{
            *adapter,
            *ledger,
            {},
            [] {},
            [this, chain](BlockNum at, std::optional<std::string> deficit) {
                rounds->set_custody(chain, at, std::move(deficit));
            },
            *incidents,
            clock,
            nullptr,
            reconciler.get()}));
        FakeAdapter* target = adapter.get();
        deliveries.push_back(std::make_unique<Delivery>(Delivery::Parts{
            *adapter,
            *database,
            *ledger,
            address("sender"),
            [this](const Hash32& digest) { return signer->sign(digest); },
            [this, target](const store::Intent& intent, RoundNum round) {
                return complete_seizure(*database, *target, intent, round);
            },
            clock,
            {}}));
    }
}

Result<void> World::start() {
    stop();
    MARGRAVE_TRY(open_store());
    build();
    MARGRAVE_TRY(scribe->open(clock.now()));
    MARGRAVE_TRY(rounds->open());
    std::vector<ChainId> ids;
    for (const chains::ChainSettings& chain : settings.chains) {
        ids.push_back(chain.chain);
    }
    MARGRAVE_TRY(reconciler->load(ids));
    for (const ChainId& chain : ids) {
        if (auto doubt = reconciler->doubt(chain)) {
            rounds->set_custody(chain, BlockNum{}, std::move(doubt));
        }
    }
    return ok();
}

void World::stop() {
    deliveries.clear();
    watchers.clear();
    reconciler.reset();
    rounds.reset();
    scribe.reset();
    oracle.reset();
    adapters.clear();
    signer.reset();
    guard.reset();
    board.reset();
    incidents.reset();
    ledger.reset();
    database.reset();
}

oracle::CallAt World::call_at() {
    return [this](ChainId, Address to, Bytes data, Hash32) {
        return answer_feed(to, std::move(data));
    };
}

Task<Result<Bytes>> World::answer_feed(Address to, Bytes data) {
    if (to == uptime_feed()) {
        if (!uptime) {
            co_return fail(Errc::kRpc, "execution reverted");
        }
        co_return *uptime;
    }
    const Hash32 decimals = keccak256("decimals()");
    Bytes out;
    if (std::equal(data.begin(), data.end(), decimals.data.begin())) {
        put_bytes(out, Amount{18}.to_word().view());
        co_return out;
    }
    const Hash32 one = Amount{1}.to_word();
    const Hash32 at = Amount{eth_published.value}.to_word();
    put_bytes(out, one.view());
    put_bytes(out, eth_price.to_word().view());
    put_bytes(out, at.view());
    put_bytes(out, at.view());
    put_bytes(out, one.view());
    co_return out;
}

Result<bool> World::watch(std::size_t chain) {
    auto passed = run(watchers[chain]->pass());
    watchers[chain]->report(*board, passed);
    return passed;
}

void World::watch_all() {
    for (std::size_t i = 0; i < watchers.size(); ++i) {
        EXPECT_OK(watch(i));
    }
}

Result<bool> World::round() {
    return run(rounds->pass());
}

void World::step() {
    watch_all();
    EXPECT_OK(round());
}

void World::settle(std::size_t chain, std::vector<FakeChain::Body> events) {
    for (std::size_t i = 0; i < adapters.size(); ++i) {
        adapters[i]->mine(i == chain ? std::move(events) : std::vector<FakeChain::Body>{});
        adapters[i]->finalize();
        clock.set(std::max(clock.now(), adapters[i]->chain().head().time));
    }
    eth_published = clock.now();
    step();
}

Result<void> World::deliver(std::size_t chain) {
    return run(deliveries[chain]->pass());
}

void World::give_slow_price() {
    oracle::SlowSettings slow;
    slow.max_per_hour = usd("0.06");
    slow.max_from_delayed = usd("0.5");
    slow.soft = usd("0.1");
    slow.hard = usd("5");
    std::ranges::find(settings.oracle, "eth", &oracle::AssetOracleSettings::name)->slow = slow;
}

AssetId World::give_gold(std::size_t chain, std::string_view price_max) {
    std::vector<margin::AssetParameters>& assets = settings.parameters.assets;
    margin::AssetParameters gold = assets.front();
    gold.name = "gold";
    const Address token = low_address(keccak256(std::string_view("gold")));
    gold.on = {{.asset = AssetId::erc20(id(chain), token), .backing = usd("1")}};
    gold.price_max = usd(price_max);
    oracle::AssetOracleSettings row = settings.oracle.back();
    row.name = gold.name;
    row.assets = {gold.on.front().asset};
    row.price_min = gold.price_min;
    row.price_max = gold.price_max;
    assets.insert(assets.begin() + 1, gold);
    settings.oracle.push_back(std::move(row));
    EXPECT_TRUE(margin::check(settings.parameters).empty());
    return gold.on.front().asset;
}

void World::set_gold(std::string_view price) {
    std::ranges::find(settings.oracle, "gold", &oracle::AssetOracleSettings::name)->sources = {
        oracle::fixed_source("fixed", usd(price))};
}

void World::wait(std::uint64_t seconds) {
    for (const auto& adapter : adapters) {
        adapter->mine({}, seconds);
        adapter->finalize();
        clock.set(std::max(clock.now(), adapter->chain().head().time));
    }
    eth_published = clock.now();
}

const AccountState* World::state_of(const AccountId& who) const {
    const Book::Row* row = rounds->book().find(who);
    return row == nullptr ? nullptr : &row->state;
}

std::vector<std::string> World::leaf_kinds() const {
    std::vector<std::string> kinds;
    for (std::uint64_t i = 0; i < database->leaf_count(); ++i) {
        const Bytes bytes = database->leaf(i).value();
        auto leaf = attest::read_leaf(settings.genesis.network(), bytes);
        kinds.push_back(leaf ? leaf.value().kind : leaf.error().detail);
    }
    return kinds;
}

std::vector<store::Intent> World::open_intents(const std::string& kind) const {
    std::vector<store::Intent> out;
    const auto open = database->open_intents().value();
    for (const store::Intent& intent : open) {
        if (intent.kind == kind) {
            out.push_back(intent);
        }
    }
    return out;
}

std::vector<store::Request> World::requests(std::size_t chain) const {
    const auto head = ledger->chain_state(id(chain)).head;
    return ledger->requests(id(chain), head->number, /*only_open=*/false).value();
}

store::Request World::request(std::size_t chain, std::uint64_t number) const {
    for (const store::Request& row : requests(chain)) {
        if (row.number == number) {
            return row;
        }
    }
    ADD_FAILURE() << "no request " << number;
    return {};
}

std::uint64_t World::last_event(std::size_t chain) const {
    return adapters[chain]->chain().blocks().back().data.vault.count;
}

void WorldTest::give_loan(const AccountId& who, std::uint64_t ether, std::uint64_t borrowed) {
    world.settle(
        0,
        {funding(dollar_token(), dollars(borrowed)),
         deposit(who, coin(), eth(ether)),
         borrow_request(who, dollar_token(), dollars(borrowed))}
    );
    const std::uint64_t number = world.last_event(0);
    ASSERT_EQ(world.request(0, number).state, store::RequestState::kGranted);
    EXPECT_OK(world.deliver(0));
    EXPECT_OK(world.deliver(1));
    world.settle(0, {});
    ASSERT_EQ(world.request(0, number).state, store::RequestState::kExecuted);
}

}  // namespace margrave::relayer::tests
