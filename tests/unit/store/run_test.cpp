// SPDX-License-Identifier: Apache-2.0
#include "store/detail/database_impl.hpp"
#include "store/detail/records.hpp"
#include "tests/unit/store/fixture.hpp"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace margrave::store::test {
namespace {

const AccountId kAlice = account(1);
const AccountId kBob = account(2);

// Runs of final blocks on chain 1, whose first block is final.
class Run : public LedgerTest {
  protected:
    Run() { store_.finalize(chain_, chain_.head()); }

    BlocksFinal blocks(std::size_t count, std::uint64_t units = 1) {
        BlocksFinal run;
        for (std::size_t i = 0; i < count; ++i) {
            run.blocks.push_back(
                chain_.push({deposit(kAlice, usd(), units), deposit(kBob, eth(), 2 * units)})
            );
        }
        return run;
    }

    // The next block, with many deposits of one account in one transaction.
    [[nodiscard]] BlockData large_block(std::size_t events) const {
        BlockData out = chain_.next({});
        const Hash32 txn = word(out.block.number.value);
        for (std::size_t i = 0; i < events; ++i) {
            Movement m = deposit(kAlice, usd(), 1);
            m.sequence = out.vault.count + 1;
            out.vault = fold(out.vault, m);
            out.events.push_back({m, txn, static_cast<std::uint32_t>(i), chain_.vault()});
        }
        return out;
    }

    Result<ApplySummary> apply(const BlocksFinal& run) { return ledger().apply(chain_.id(), run); }

    [[nodiscard]] AsOf at(std::size_t index) const {
        return {{chain_.id(), chain_.blocks().at(index).block.number}};
    }

    // Rows of a column family whose keys begin with `prefix`.
    std::size_t rows(detail::Cf family, const Bytes& prefix) {
        std::size_t count = 0;
        const auto visit = [&](ByteView, ByteView) -> Result<bool> {
            ++count;
            return true;
        };
        EXPECT_TRUE(db().impl().scan(family, prefix, visit));
        return count;
    }
};

TEST_F(Run, EndsAtAFinalHead) {
    const ApplySummary summary = STORE_OK(apply(blocks(5)));
    EXPECT_EQ(summary.events, 10U);
    EXPECT_EQ(summary.transfers, 10U);
    const auto touched =
        STORE_OK(ledger().touched_between(chain_.id(), BlockNum{0}, chain_.head().number));
    EXPECT_EQ(touched, (std::set<AccountId>{kAlice, kBob}));
    const ChainState state = ledger().chain_state(chain_.id());
    EXPECT_EQ(state.head, chain_.head());
    EXPECT_EQ(state.final, chain_.head());
    EXPECT_EQ(state.vault, chain_.vault_state());
    EXPECT_EQ(holding(kAlice).collateral, amount(5));
    EXPECT_EQ(holding(kBob, eth()).collateral, amount(10));
    EXPECT_DONE(ledger().verify());
}

TEST_F(Run, WritesBalancesOnceAndEventsOncePerBlock) {
    STORE_OK(apply(blocks(50)));
    const detail::AccountKey key{LedgerId{1}, AccountCode::kCollateral, detail::owner_of(kAlice)};
    EXPECT_EQ(rows(detail::Cf::kVersion, detail::subject::balance(key)), 1U);
    EXPECT_EQ(rows(detail::Cf::kJournal, detail::journal_key::entries(kAlice)), 1U);
    EXPECT_EQ(rows(detail::Cf::kJournal, Bytes{detail::journal_key::kTransfer}), 50U);
    EXPECT_EQ(
        rows(detail::Cf::kEvent, detail::chain_key::events(detail::tag_of(chain_.id()))), 50U
    );
}

TEST_F(Run, StatesInsideItCannotBeRead) {
    STORE_OK(apply(blocks(4)));
    STORE_OK(apply(blocks(3)));
    block({deposit(kAlice, usd(), 1)});
    // The first block, the ends of two runs, and what came block by block after them.
    const std::set<std::size_t> kept{0, 4, 7, 8};
    for (std::size_t i = 0; i < chain_.blocks().size(); ++i) {
        SCOPED_TRACE(i);
        const BlockNum number = chain_.blocks()[i].block.number;
        if (kept.contains(i)) {
            EXPECT_DONE(ledger().check_kept(chain_.id(), number));
            EXPECT_EQ(
                STORE_OK(ledger().trial_balance(LedgerId{1}, number))
                    .totals.at(AccountCode::kVault),
                amount(i)
            );
            continue;
        }
        EXPECT_CODE(ledger().check_kept(chain_.id(), number), Errc::kNotFound);
        EXPECT_CODE(ledger().holdings(kAlice, at(i)), Errc::kNotFound);
        EXPECT_CODE(ledger().all_holdings(at(i)), Errc::kNotFound);
        EXPECT_CODE(ledger().trial_balance(LedgerId{1}, number), Errc::kNotFound);
        EXPECT_CODE(ledger().requests(chain_.id(), number, false), Errc::kNotFound);
        // What a block says of itself is there all the same.
        EXPECT_EQ(ledger().block_at(chain_.id(), number), chain_.blocks()[i].block);
        EXPECT_EQ(
            STORE_OK(ledger().accumulators_at(chain_.id(), number)).first, chain_.blocks()[i].vault
        );
    }
    EXPECT_DONE(ledger().check_kept(chain_.id(), BlockNum{1}));
    EXPECT_DONE(ledger().check_kept(chain_.id(), BlockNum{1'000'000}));
    EXPECT_DONE(ledger().check_kept(ChainId::evm(77), BlockNum{1}));
}

TEST_F(Run, LeavesOutEmptyBlocksAboveAFinalOne) {
    BlocksFinal run = blocks(1);
    chain_.push(std::vector<Body>{});
    chain_.push(std::vector<Body>{});
    const BlocksFinal later = blocks(2);
    run.blocks.insert(run.blocks.end(), later.blocks.begin(), later.blocks.end());
    // A block whose header was not read has no parent to check.
    run.blocks[1].block.parent = Hash32{};
    STORE_OK(apply(run));
    EXPECT_EQ(holding(kAlice).collateral, amount(3));
    EXPECT_FALSE(ledger().block_at(chain_.id(), chain_.blocks()[2].block.number).has_value());
    EXPECT_DONE(ledger().verify());
    // The head path goes on from its last block.
    block({deposit(kAlice, usd(), 10)});
    EXPECT_EQ(holding(kAlice).collateral, amount(13));
    EXPECT_DONE(ledger().verify());
}

TEST_F(Run, LeavesOutNothingAboveAHeadThatIsNotFinal) {
    block({deposit(kAlice, usd(), 1)});
    chain_.push(std::vector<Body>{});
    EXPECT_CODE(apply(blocks(1)), Errc::kUnproved);
    EXPECT_EQ(holding(kAlice).collateral, amount(1));
}

TEST_F(Run, MayBeginOnAHeadThatIsNotFinal) {
    block({deposit(kAlice, usd(), 1)});
    STORE_OK(apply(blocks(2)));
    EXPECT_EQ(ledger().chain_state(chain_.id()).final, chain_.head());
    EXPECT_EQ(holding(kAlice).collateral, amount(3));
    EXPECT_DONE(ledger().verify());
}

TEST_F(Run, WithAWrongBlockChangesNothing) {
    const auto refused = [&](BlocksFinal run, Errc code) {
        EXPECT_CODE(apply(run), code);
        EXPECT_EQ(ledger().chain_state(chain_.id()).head, chain_.blocks().front().block);
        EXPECT_EQ(ledger().last_seq(), Seq{});
        EXPECT_TRUE(STORE_OK(ledger().all_holdings({{chain_.id(), BlockNum{999}}})).empty());
    };
    const BlocksFinal good = blocks(3);
    BlocksFinal run = good;
    std::get<Movement>(run.blocks[1].events[0].body).amount = amount(77);
    refused(run, Errc::kUnproved);
    run = good;
    run.blocks.erase(run.blocks.begin() + 1);
    refused(run, Errc::kUnproved);
    run = good;
    run.blocks[2].events.pop_back();
    refused(run, Errc::kUnproved);
    run = good;
    run.blocks[1].block.parent = word(66);
    refused(run, Errc::kUnproved);
    run = good;
    std::swap(run.blocks[1].block.number, run.blocks[2].block.number);
    EXPECT_FALSE(apply(run).has_value());
    STORE_OK(apply(good));
    EXPECT_DONE(ledger().verify());
}

TEST_F(Run, AppliedAgainChangesNothing) {
    const BlocksFinal run = blocks(4);
    STORE_OK(apply(run));
    const Seq last = ledger().last_seq();
    EXPECT_EQ(STORE_OK(apply(run)).transfers, 0U);
    EXPECT_EQ(ledger().last_seq(), last);
    // Known blocks at its start are left out; what is new is applied.
    BlocksFinal longer = run;
    longer.blocks.push_back(chain_.push({deposit(kAlice, usd(), 5)}));
    EXPECT_EQ(STORE_OK(apply(longer)).events, 1U);
    EXPECT_EQ(holding(kAlice).collateral, amount(9));
    BlocksFinal changed = run;
    changed.blocks[1].events.pop_back();
    EXPECT_CODE(apply(changed), Errc::kConflict);
    EXPECT_EQ(STORE_OK(apply(BlocksFinal{})).events, 0U);
    EXPECT_DONE(ledger().verify());
}

TEST_F(Run, IsNotTakenBack) {
    STORE_OK(apply(blocks(3)));
    for (std::size_t i = 0; i < 3; ++i) {
        const BlocksReverted back{chain_.blocks()[i].block};
        EXPECT_CODE(ledger().apply(chain_.id(), back), Errc::kBelowFinality);
    }
    // Blocks above it are, down to its end.
    const BlockRef end = chain_.head();
    block({deposit(kAlice, usd(), 50)});
    store_.revert(chain_, end);
    EXPECT_EQ(holding(kAlice).collateral, amount(3));
    EXPECT_DONE(ledger().verify());
}

TEST_F(Run, OfTooManyEventsIsRefusedAndOneLargeBlockIsNot) {
    const std::size_t half = Ledger::kRunEvents / 2 + 1;
    const BlockData first = large_block(half);
    chain_.push(first);
    const BlockData second = large_block(half);
    chain_.push(second);
    EXPECT_CODE(apply(BlocksFinal{{first, second}}), Errc::kLimit);
    EXPECT_EQ(STORE_OK(apply(BlocksFinal{{first}})).events, half);
    EXPECT_EQ(STORE_OK(apply(BlocksFinal{{second}})).events, half);
    EXPECT_EQ(holding(kAlice).collateral, amount(2 * half));
    const BlockNum number = first.block.number;
    EXPECT_EQ(
        STORE_OK(ledger().touched_between(chain_.id(), BlockNum{number.value - 1}, number)),
        std::set<AccountId>{kAlice}
    );
}

TEST_F(Run, SettlesWhatItsEventsSettle) {
    BlocksFinal run;
    run.blocks.push_back(chain_.push({deposit(kAlice, usd(), 100)}));
    run.blocks.push_back(chain_.push({withdrawal_request(kAlice, usd(), 30)}));
    const Hash32 id = chain_.release_of(last_event());
    run.blocks.push_back(chain_.push({release(kAlice, usd(), 30, id)}));
    run.blocks.push_back(chain_.push({withdrawal_request(kAlice, usd(), 7)}));
    const Hash32 lot = seizure_id(kAlice, 1, 0);
    run.blocks.push_back(chain_.push({seizure(kAlice, usd(), 10, lot)}));
    run.blocks.push_back(chain_.push({proceeds(kAlice, eth(), 3, lot)}));
    STORE_OK(apply(run));
    const auto open = STORE_OK(ledger().requests(chain_.id(), chain_.head().number, true));
    ASSERT_EQ(open.size(), 1U);
    EXPECT_EQ(open[0].amount, amount(7));
    EXPECT_EQ(rows(detail::Cf::kDecision, Bytes{'Q'}), 1U);
    EXPECT_TRUE(STORE_OK(ledger().open_legs()).empty());
    EXPECT_EQ(STORE_OK(ledger().legs(kAlice)).at(0).state, LegState::kSold);
    EXPECT_EQ(STORE_OK(ledger().legs(kAlice)).at(0).lock, 1U);
    EXPECT_DONE(ledger().verify());
}

TEST_F(Run, ItsEntriesAndAccountsAreFoundAgain) {
    STORE_OK(apply(blocks(30)));
    STORE_OK(apply(blocks(20)));
    const auto entries = STORE_OK(ledger().entries_of(kAlice));
    ASSERT_EQ(entries.size(), 50U);
    for (std::size_t i = 0; i < entries.size(); ++i) {
        EXPECT_EQ(entries[i].block, chain_.blocks()[i + 1].block.number);
        EXPECT_EQ(entries[i].account, kAlice);
        EXPECT_EQ(entries[i].id, STORE_OK(ledger().journal(entries[i].seq, 1)).at(0).id);
    }
    const BlockNum from = chain_.blocks()[10].block.number;
    EXPECT_EQ(
        STORE_OK(ledger().touched_between(chain_.id(), from, BlockNum{from.value + 1})),
        (std::set<AccountId>{kAlice, kBob})
    );
}

TEST_F(Run, AReaderBesideTheWriterSeesWholeRuns) {
    const auto reader = STORE_OK(Database::open({dir_.path(), network(), true}));
    Ledger view(*reader);
    STORE_OK(apply(blocks(5)));
    EXPECT_EQ(view.chain_state(chain_.id()).head, chain_.blocks().front().block);
    EXPECT_DONE(reader->refresh());
    EXPECT_EQ(view.chain_state(chain_.id()).head, chain_.head());
    EXPECT_CODE(view.holdings(kAlice, at(2)), Errc::kNotFound);
    EXPECT_EQ(STORE_OK(view.holdings(kAlice, at(5))).holdings.at(0).collateral, amount(5));
    EXPECT_DONE(view.verify());
}

TEST_F(Run, ADamagedRunIsFound) {
    STORE_OK(apply(blocks(5)));
    const detail::ChainTag tag = detail::tag_of(chain_.id());
    const Bytes key = detail::chain_key::block(tag, chain_.head().number);
    auto row = STORE_OK(db().impl().read<detail::BlockRow>(detail::Cf::kChain, key)).value();
    // A state that was not kept, made to look like one that was.
    row.run_to = BlockNum{row.block.number.value + 1};
    rocksdb::WriteBatch batch;
    db().impl().put_row(batch, detail::Cf::kChain, key, row);
    ASSERT_TRUE(db().impl().write(batch, true));
    EXPECT_CODE(ledger().verify(), Errc::kCorrupt);
}

// Fills by runs of five blocks until it is killed; says each head once the run after it was booked,
// for then it is durable.
[[noreturn]] void fill_for_ever(
    const std::filesystem::path& dir,
    const std::vector<BlockData>& chain,
    const ChainId& id,
    int out
) {
    const auto opened = Database::open({dir, network()});
    if (!opened) {
        ::_exit(1);
    }
    Ledger ledger(*opened.value());
    const std::uint64_t first = chain.front().block.number.value;
    const auto head = ledger.chain_state(id).head;
    std::uint64_t reached = head ? head->number.value : first - 1;
    std::size_t i = reached - first + 1;
    while (true) {
        if (i + 5 > chain.size()) {
            ::_exit(0);
        }
        BlocksFinal run;
        for (std::size_t n = 0; n < 5; ++n) {
            run.blocks.push_back(chain[i++]);
        }
        if (!ledger.fill_ahead(id, run) ||
            ::write(out, &reached, sizeof reached) != sizeof reached) {
            ::_exit(1);
        }
        reached = run.blocks.back().block.number.value;
    }
}

TEST_F(Run, ARunThatIsOnItsWayIsWhatTheNextOneStandsOn) {
    const BlocksFinal first = blocks(3);
    const BlocksFinal second = blocks(2);
    EXPECT_EQ(STORE_OK(ledger().fill_ahead(chain_.id(), first)).events, 6U);
    EXPECT_EQ(STORE_OK(ledger().fill_ahead(chain_.id(), second)).events, 4U);
    // The same again changes nothing, and one that does not follow is refused as ever.
    EXPECT_EQ(STORE_OK(ledger().fill_ahead(chain_.id(), second)).events, 0U);
    blocks(1);
    EXPECT_CODE(ledger().fill_ahead(chain_.id(), blocks(1)), Errc::kUnproved);
    EXPECT_DONE(ledger().flush());
    EXPECT_EQ(ledger().chain_state(chain_.id()).head, second.blocks.back().block);
    EXPECT_DONE(ledger().verify());
    store_.reopen();
    EXPECT_EQ(ledger().chain_state(chain_.id()).head, second.blocks.back().block);
    EXPECT_DONE(ledger().verify());
}

// Fills until the disk takes no more; ends with 0 when every call from then on says so. RocksDB is
// left open: as Debian builds it, it aborts where a file that failed is closed.
[[noreturn]] void fill_a_full_disk(
    const std::filesystem::path& dir, const ChainId& id, const std::vector<BlocksFinal>& runs
) {
    const auto opened = Database::open({dir, network()});
    if (!opened) {
        ::_exit(1);
    }
    Ledger ledger(*opened.value());
    constexpr rlim_t kMost = 65'536;
    const rlimit limit{kMost, kMost};
    if (::signal(SIGXFSZ, SIG_IGN) == SIG_ERR || ::setrlimit(RLIMIT_FSIZE, &limit) != 0) {
        ::_exit(2);
    }
    std::size_t i = 0;
    while (i < runs.size() && ledger.fill_ahead(id, runs[i])) {
        ++i;
    }
    if (i == runs.size() && ledger.flush()) {
        ::_exit(3);
    }
    const bool is_told = ledger.flush().error().code == Errc::kStore && !ledger.last_seq().value &&
                         !ledger.fill_ahead(id, runs.back()) && !ledger.apply(id, runs.back());
    ::_exit(is_told ? 0 : 4);
}

TEST_F(Run, AWriteThatFailsOnItsWayIsAnErrorOfEveryLaterCall) {
    std::vector<BlocksFinal> runs;
    for (int i = 0; i < 20; ++i) {
        runs.push_back(blocks(100));
    }
    store_.close();
    const pid_t child = ::fork();
    if (child == 0) {
        fill_a_full_disk(dir_.path(), chain_.id(), runs);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), 0);
    store_.reopen();
    EXPECT_DONE(ledger().verify());
}

TEST_F(Run, KilledBetweenBatchesGoesOnFromAWholeOne) {
    for (int i = 0; i < 3000; ++i) {
        chain_.push({deposit(account(1 + static_cast<unsigned>(i) % 7), usd(), 1)});
    }
    store_.close();
    std::uint64_t seen = 0;
    for (unsigned round = 0; round < 5; ++round) {
        int ends[2];
        ASSERT_EQ(::pipe(ends), 0);
        const pid_t child = ::fork();
        if (child == 0) {
            fill_for_ever(
                dir_.path(),
                {chain_.blocks().begin() + 1, chain_.blocks().end()},
                chain_.id(),
                ends[1]
            );
        }
        ::close(ends[1]);
        std::uint64_t reached = 0;
        for (unsigned i = 0; i < 3 + 5 * round; ++i) {
            if (::read(ends[0], &reached, sizeof reached) == sizeof reached) {
                seen = reached;
            }
        }
        ::kill(child, SIGKILL);
        while (::read(ends[0], &reached, sizeof reached) == sizeof reached) {
            seen = reached;
        }
        ::close(ends[0]);
        int status = 0;
        ASSERT_EQ(::waitpid(child, &status, 0), child);
        const auto opened = STORE_OK(Database::open({dir_.path(), network()}));
        Ledger view(*opened);
        const ChainState state = view.chain_state(chain_.id());
        ASSERT_TRUE(state.head.has_value());
        const std::size_t index = state.head->number.value - 100;
        // Nothing that was acknowledged is gone, and nothing is there by halves.
        EXPECT_GE(state.head->number.value, seen);
        EXPECT_EQ(index % 5, 0U);
        EXPECT_EQ(state.final, state.head);
        EXPECT_EQ(state.vault, chain_.blocks().at(index).vault);
        EXPECT_EQ(view.last_seq(), Seq{index});
        EXPECT_DONE(view.verify());
    }
    store_.reopen();
}

}  // namespace
}  // namespace margrave::store::test
