// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/store/fixture.hpp"

#include "core/keccak.hpp"

#include <cstdlib>
#include <sstream>
#include <system_error>
#include <unistd.h>

namespace margrave::store::test {

TempDir::TempDir() {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "margrave-store-test-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) {
        std::abort();
    }
    path_ = pattern;
}

TempDir::~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

Hash32 network() {
    return keccak256("test network");
}

Hash32 word(std::uint64_t v) {
    return Amount(v).to_word();
}

Address address(std::uint64_t v) {
    return low_address(word(v));
}

AccountId account(std::uint64_t v) {
    return account_of(address(v));
}

namespace {

Movement movement(
    MovementKind kind,
    const AccountId& account,
    const Address& token,
    std::uint64_t units,
    const Hash32& counterparty
) {
    Movement m;
    m.kind = kind;
    m.account = account;
    m.token = token;
    m.amount = Amount(units);
    m.counterparty = counterparty;
    return m;
}

}  // namespace

Movement deposit(const AccountId& account, const Address& token, std::uint64_t amount) {
    return movement(MovementKind::kDeposit, account, token, amount, word(0xFEED));
}

Movement withdrawal_request(const AccountId& account, const Address& token, std::uint64_t amount) {
    return movement(MovementKind::kWithdrawalRequest, account, token, amount, word(0xCAFE));
}

Movement borrow_request(const AccountId& account, const Address& token, std::uint64_t amount) {
    return movement(MovementKind::kBorrowRequest, account, token, amount, word(0xCAFE));
}

Movement release(
    const AccountId& account, const Address& token, std::uint64_t amount, const Hash32& id
) {
    return movement(MovementKind::kRelease, account, token, amount, id);
}

Movement seizure(
    const AccountId& account, const Address& token, std::uint64_t amount, const Hash32& id
) {
    return movement(MovementKind::kSeizure, account, token, amount, id);
}

Movement proceeds(
    const AccountId& account, const Address& token, std::uint64_t amount, const Hash32& id
) {
    return movement(MovementKind::kProceeds, account, token, amount, id);
}

Movement repayment(const AccountId& account, const Address& token, std::uint64_t amount) {
    return movement(MovementKind::kRepayment, account, token, amount, word(0xFEED));
}

Movement funding(const Address& token, std::uint64_t amount) {
    return movement(MovementKind::kPoolFunding, kPoolItself, token, amount, word(0xFEED));
}

Movement exit(const AccountId& account, const Address& token, std::uint64_t amount) {
    return movement(MovementKind::kExit, account, token, amount, word(0xCAFE));
}

MappedEvent mapped(
    MappedKind kind,
    const AccountId& account,
    const Address& token,
    std::uint64_t amount,
    std::uint64_t source
) {
    MappedEvent out;
    out.source = word(source);
    out.account = account;
    out.what = MappedAmount{kind, token, Amount(amount), false};
    return out;
}

MappedEvent link(const AccountId& from, const AccountId& into, bool active) {
    MappedEvent out;
    out.source = word(9);
    out.account = from;
    out.what = MappedLink{into, active};
    return out;
}

MappedEvent price(std::uint64_t answer, std::uint64_t time, std::uint64_t source) {
    MappedEvent out;
    out.source = word(source);
    out.what = MappedPrice{Amount(answer), UnixSeconds{time}};
    return out;
}

MappedEvent rate(const Address& token, std::uint64_t percent) {
    constexpr unsigned kDecimalsOfPercent = 2;
    MappedEvent out;
    out.source = word(3);
    out.what = MappedRate{token, yearly_rate(Amount(percent), kDecimalsOfPercent, false)};
    return out;
}

Address watched() {
    return address(0xE0E0);
}

Position position(const AccountId& account, std::uint64_t market, std::int64_t size) {
    Position p;
    p.account = account;
    p.market = word(market);
    p.size = Money::whole(size);
    p.entry_price = Money::whole(100);
    return p;
}

TestChain::TestChain(std::uint64_t chain_id)
    : id_(ChainId::evm(chain_id)),
      vault_(address(0x5AFE0000 + chain_id)),
      book_(address(0xB0000000 + chain_id)) {
    BlockData first;
    first.block.number = BlockNum{100};
    first.block.hash = keccak256("first block of " + id_.text());
    first.block.parent = keccak256("before " + id_.text());
    first.block.time = UnixSeconds{1'000'000};
    blocks_.push_back(first);
}

Accumulator TestChain::vault_state() const {
    return blocks_.back().vault;
}

Accumulator TestChain::book_state() const {
    return blocks_.back().positions;
}

Hash32 TestChain::release_of(std::uint64_t number) const {
    return release_id(id_.key(), vault_, number);
}

AssetId TestChain::asset(const Address& token) const {
    return token.is_zero() ? AssetId::native(id_) : AssetId::erc20(id_, token);
}

BlockData TestChain::next(std::vector<Body> events, std::uint64_t salt) const {
    const BlockData& before = blocks_.back();
    BlockData out;
    out.vault = before.vault;
    out.positions = before.positions;
    Bytes content = to_bytes("block");
    put_bytes(content, before.block.hash.view());
    put_u64(content, salt);
    std::uint32_t index = 0;
    for (Body& body : events) {
        ChainEvent event;
        if (auto* movement = std::get_if<Movement>(&body)) {
            movement->sequence = out.vault.count + 1;
            out.vault = fold(out.vault, *movement);
            event.emitter = vault_;
        } else if (auto* position = std::get_if<Position>(&body)) {
            position->sequence = out.positions.count + 1;
            out.positions = fold(out.positions, *position);
            event.emitter = book_;
        } else {
            const auto& mapped = std::get<MappedEvent>(body);
            event.emitter = watched();
            put_bytes(content, mapped.account.view());
            if (const auto* what = std::get_if<MappedAmount>(&mapped.what)) {
                put_u8(content, static_cast<std::uint8_t>(what->kind));
                put_bytes(content, what->amount.to_word().view());
            } else if (const auto* told = std::get_if<MappedPrice>(&mapped.what)) {
                put_bytes(content, told->answer.to_word().view());
            } else if (const auto* cost = std::get_if<MappedRate>(&mapped.what)) {
                put_bytes(content, cost->token.view());
                put_bytes(content, cost->rate.to_word().view());
            }
        }
        event.body = std::move(body);
        event.log_index = index++;
        put_bytes(content, out.vault.hash.view());
        put_bytes(content, out.positions.hash.view());
        event.txn_hash = keccak256(content);
        out.events.push_back(std::move(event));
    }
    out.block.number = BlockNum{before.block.number.value + 1};
    out.block.parent = before.block.hash;
    out.block.hash = keccak256(content);
    out.block.time = UnixSeconds{before.block.time.value + 12};
    return out;
}

const BlockData& TestChain::push(BlockData block) {
    blocks_.push_back(std::move(block));
    return blocks_.back();
}

const BlockData& TestChain::push(std::vector<Body> events, std::uint64_t salt) {
    return push(next(std::move(events), salt));
}

Store::Store(const std::filesystem::path& dir)
    : dir_(dir) {
    reopen();
}

void Store::close() {
    ledger_.reset();
    db_.reset();
}

void Store::reopen() {
    close();
    db_ = STORE_OK(Database::open({dir_, network()}));
    ledger_ = std::make_unique<Ledger>(*db_);
}

ApplySummary Store::apply(const TestChain& chain, const BlockData& block) {
    return STORE_OK(ledger_->apply(chain.id(), BlockApplied{block}));
}

ApplySummary Store::revert(const TestChain& chain, const BlockRef& ancestor) {
    return STORE_OK(ledger_->apply(chain.id(), BlocksReverted{ancestor}));
}

void Store::finalize(const TestChain& chain, const BlockRef& block) {
    STORE_OK(ledger_->apply(chain.id(), Finalized{block}));
}

LedgerTest::LedgerTest()
    : store_(dir_.path()) {
    define(chain_);
    store_.apply(chain_, chain_.blocks().front());
}

void LedgerTest::define(const TestChain& chain) {
    STORE_OK(ledger().define(chain.asset(usd()), 6));
    STORE_OK(ledger().define(chain.asset(eth()), 18));
}

ApplySummary LedgerTest::block(std::vector<Body> events) {
    return store_.apply(chain_, chain_.push(std::move(events)));
}

ApplySummary LedgerTest::block_after(std::uint64_t seconds, std::vector<Body> events) {
    BlockData next = chain_.next(std::move(events));
    next.block.time = UnixSeconds{chain_.head().time.value + seconds};
    return store_.apply(chain_, chain_.push(std::move(next)));
}

Amount LedgerTest::total(AccountCode code, const Address& token) {
    for (const LedgerDefinition& definition : ledger().ledgers()) {
        if (definition.asset == chain_.asset(token)) {
            return STORE_OK(ledger().trial_balance(definition.id, chain_.head().number))
                .totals.at(code);
        }
    }
    std::abort();
}

Holding LedgerTest::holding(const AccountId& account, const Address& token) {
    const AccountHoldings all = STORE_OK(ledger().holdings_at_head(account));
    for (const Holding& row : all.holdings) {
        if (row.asset == chain_.asset(token)) {
            return row;
        }
    }
    Holding none;
    none.asset = chain_.asset(token);
    return none;
}

namespace {

void draw(std::ostringstream& out, const AccountHoldings& h) {
    out << to_hex(h.account) << '\n';
    for (const Holding& row : h.holdings) {
        out << "  " << row.asset.text() << ' ' << row.collateral.to_string() << ' '
            << row.debt.to_string() << ' ' << row.book.to_string() << ' ' << row.in_sale.to_string()
            << ' ' << row.mapped.to_string() << ' ' << row.mapped_debt.to_string() << '\n';
    }
    for (const VenuePosition& p : h.positions) {
        out << "  " << to_hex(p.market) << ' ' << p.size.to_decimal() << '\n';
    }
}

}  // namespace

std::string picture(Ledger& ledger, const std::vector<ChainId>& chains, const AsOf& as_of) {
    std::ostringstream out;
    for (const AccountHoldings& h : STORE_OK(ledger.all_holdings(as_of))) {
        draw(out, h);
        EXPECT_EQ(STORE_OK(ledger.holdings(h.account, as_of)), h);
    }
    for (const LedgerDefinition& definition : ledger.ledgers()) {
        const auto it = as_of.find(definition.asset.chain());
        if (it == as_of.end()) {
            continue;
        }
        out << definition.asset.text();
        for (const auto& [code, sum] :
             STORE_OK(ledger.trial_balance(definition.id, it->second)).totals) {
            out << ' ' << to_string(code) << '=' << sum.to_string();
        }
        out << '\n';
    }
    for (const ChainId& chain : chains) {
        const auto it = as_of.find(chain);
        if (it == as_of.end()) {
            continue;
        }
        const auto [vault, positions] = STORE_OK(ledger.accumulators_at(chain, it->second));
        out << chain.text() << ' ' << vault.count << ' ' << to_hex(vault.hash) << ' '
            << positions.count << ' ' << to_hex(positions.hash) << '\n';
        for (const Request& r : STORE_OK(ledger.requests(chain, it->second, false))) {
            out << "  request " << r.number << ' ' << to_string(r.state) << ' ' << to_hex(r.account)
                << ' ' << r.amount.to_string() << ' ' << r.block.value << '\n';
        }
    }
    return out.str();
}

}  // namespace margrave::store::test
