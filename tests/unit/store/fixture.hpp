// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/events.hpp"
#include "store/database.hpp"
#include "store/ledger.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace margrave::store::test {

/// A directory of its own, removed at the end.
class TempDir {
  public:
    TempDir();
    ~TempDir();
    TempDir(const TempDir&) = delete;
    TempDir& operator=(const TempDir&) = delete;

    [[nodiscard]] const std::filesystem::path& path() const { return path_; }

  private:
    std::filesystem::path path_;
};

Hash32 network();
Hash32 word(std::uint64_t v);
Address address(std::uint64_t v);
AccountId account(std::uint64_t v);

inline Amount amount(std::uint64_t v) {
    return Amount(v);
}

inline const AccountId kPoolItself{};

/// Events without sequence, as the body of a block.
using Body = std::variant<Movement, Position, MappedEvent>;
Movement deposit(const AccountId& account, const Address& token, std::uint64_t amount);
Movement withdrawal_request(const AccountId& account, const Address& token, std::uint64_t amount);
Movement borrow_request(const AccountId& account, const Address& token, std::uint64_t amount);
Movement release(
    const AccountId& account, const Address& token, std::uint64_t amount, const Hash32& id
);
Movement seizure(
    const AccountId& account, const Address& token, std::uint64_t amount, const Hash32& id
);
Movement proceeds(
    const AccountId& account, const Address& token, std::uint64_t amount, const Hash32& id
);
Movement repayment(const AccountId& account, const Address& token, std::uint64_t amount);
Movement funding(const Address& token, std::uint64_t amount);
Movement exit(const AccountId& account, const Address& token, std::uint64_t amount);
Position position(const AccountId& account, std::uint64_t market, std::int64_t size);

/// Of the watch that is called `source`.
MappedEvent mapped(
    MappedKind kind,
    const AccountId& account,
    const Address& token,
    std::uint64_t amount,
    std::uint64_t source = 1
);
MappedEvent link(const AccountId& from, const AccountId& into, bool active = true);
/// Told by the watch that is called `source`.
MappedEvent price(std::uint64_t answer, std::uint64_t time, std::uint64_t source = 1);
/// What loans in `token` cost from here on: per cent for a year.
MappedEvent rate(const Address& token, std::uint64_t percent);
/// Who emits every mapped event of a TestChain.
Address watched();

/// A chain that keeps its contracts' promises: parent links, sequences and accumulators are right.
class TestChain {
  public:
    explicit TestChain(std::uint64_t chain_id = 1);

    /// The next block on the current head. `salt` tells two blocks with one content apart.
    BlockData next(std::vector<Body> events, std::uint64_t salt = 0) const;
    /// Makes it the head.
    const BlockData& push(BlockData block);
    const BlockData& push(std::vector<Body> events, std::uint64_t salt = 0);

    void pop() { blocks_.pop_back(); }

    [[nodiscard]] const ChainId& id() const { return id_; }

    [[nodiscard]] const Address& vault() const { return vault_; }

    [[nodiscard]] const Address& book() const { return book_; }

    [[nodiscard]] const std::vector<BlockData>& blocks() const { return blocks_; }

    [[nodiscard]] const BlockRef& head() const { return blocks_.back().block; }

    [[nodiscard]] Accumulator vault_state() const;
    [[nodiscard]] Accumulator book_state() const;
    /// Release id of the vault's event `number`.
    [[nodiscard]] Hash32 release_of(std::uint64_t number) const;
    [[nodiscard]] AssetId asset(const Address& token) const;

  private:
    ChainId id_;
    Address vault_;
    Address book_;
    std::vector<BlockData> blocks_;
};

/// One data directory with database, ledger and one chain; two tokens are defined.
class Store {
  public:
    explicit Store(const std::filesystem::path& dir);

    void reopen();
    void close();

    Database& db() { return *db_; }

    Ledger& ledger() { return *ledger_; }

    /// Applies one block and expects it to be right.
    ApplySummary apply(const TestChain& chain, const BlockData& block);
    ApplySummary revert(const TestChain& chain, const BlockRef& ancestor);
    void finalize(const TestChain& chain, const BlockRef& block);

  private:
    std::filesystem::path dir_;
    std::unique_ptr<Database> db_;
    std::unique_ptr<Ledger> ledger_;
};

/// Tokens that every test chain's ledgers are defined for.
inline Address usd() {
    return address(0xAAAA);
}

inline Address eth() {
    return Address{};
}

/// A token that no ledger is defined for.
inline Address stranger() {
    return address(0xBBBB);
}

/// The directory, the store and chain 1 together: what most tests need.
class LedgerTest : public ::testing::Test {
  protected:
    LedgerTest();
    void define(const TestChain& chain);
    /// Pushes a block with these events and applies it.
    ApplySummary block(std::vector<Body> events);
    /// The same, `seconds` after the block before.
    ApplySummary block_after(std::uint64_t seconds, std::vector<Body> events);

    /// Number of the last event of the vault.
    [[nodiscard]] std::uint64_t last_event() const { return chain_.vault_state().count; }

    [[nodiscard]] Amount total(AccountCode code, const Address& token = usd());
    [[nodiscard]] Holding holding(const AccountId& account, const Address& token = usd());

    [[nodiscard]] AsOf head() const { return {{chain_.id(), chain_.head().number}}; }

    Ledger& ledger() { return store_.ledger(); }

    Database& db() { return store_.db(); }

    TempDir dir_;
    Store store_;
    TestChain chain_;
};

/// Everything a ledger can be asked about one state, as one text: two stores that answer alike are
/// alike.
std::string picture(Ledger& ledger, const std::vector<ChainId>& chains, const AsOf& as_of);

/// ASSERT that a Result holds; yields its value.
#define STORE_OK(expression)                                 \
    ([&]() {                                                 \
        auto store_ok_result = (expression);                 \
        if (!store_ok_result) {                              \
            ADD_FAILURE() << store_ok_result.error().detail; \
            std::abort();                                    \
        }                                                    \
        return std::move(store_ok_result).value();           \
    }())

#define EXPECT_CODE(expression, wanted)                                                            \
    do {                                                                                           \
        const auto expect_code_result = (expression);                                              \
        ASSERT_FALSE(expect_code_result.has_value());                                              \
        EXPECT_EQ(expect_code_result.error().code, (wanted)) << expect_code_result.error().detail; \
    } while (false)

#define EXPECT_DONE(expression)                                                           \
    do {                                                                                  \
        const auto expect_done_result = (expression);                                     \
        EXPECT_TRUE(expect_done_result.has_value()) << expect_done_result.error().detail; \
    } while (false)

}  // namespace margrave::store::test
