// SPDX-License-Identifier: Apache-2.0
#include "chains/evm/mapping.hpp"
#include "core/interest.hpp"
#include "core/keccak.hpp"
#include "core/words.hpp"
#include "tests/unit/chains/watch_samples.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace margrave::chains::evm {
namespace {

BlockRef block() {
    BlockRef out;
    out.number = BlockNum(7);
    out.hash = keccak256(std::string_view("block 7"));
    return out;
}

NodeLog log_of(
    const Address& contract,
    std::string_view event,
    std::vector<Hash32> indexed,
    const std::vector<Hash32>& data,
    std::uint32_t index = 0
) {
    NodeLog out;
    out.number = block().number;
    out.block = block().hash;
    out.txn = keccak256(std::string_view("txn"));
    out.index = index;
    out.address = contract;
    out.topics.push_back(abi::parse_signature(event).value().topic());
    out.topics.insert(out.topics.end(), indexed.begin(), indexed.end());
    for (const Hash32& word : data) {
        put_bytes(out.data, word.view());
    }
    return out;
}

NodeLog transfer(
    const Address& from, const Address& to, std::uint64_t amount, std::uint32_t index = 0
) {
    return log_of(
        kToken,
        "Transfer(address,address,uint256)",
        {left_pad(from), left_pad(to)},
        {Amount(amount).to_word()},
        index
    );
}

Mapping mapping_of(const std::vector<WatchSettings>& settings) {
    auto made = Mapping::make(settings);
    EXPECT_TRUE(made.has_value()) << made.error().detail;
    return std::move(made).value();
}

std::vector<ChainEvent> events_of(const Mapping& mapping, const std::vector<NodeLog>& logs) {
    auto mapped = map_logs(mapping, block(), logs);
    EXPECT_TRUE(mapped.has_value()) << mapped.error().detail;
    return mapped ? std::move(mapped).value().events : std::vector<ChainEvent>{};
}

const MappedAmount& amount_of(const ChainEvent& event) {
    return std::get<MappedAmount>(std::get<MappedEvent>(event.body).what);
}

const AccountId& account_in(const ChainEvent& event) {
    return std::get<MappedEvent>(event.body).account;
}

TEST(Mapping, AnIndexedTextThatNobodyNamesIsNoFault) {
    const WatchSettings settings =
        plain(deposit_event("event Put(address who, string indexed note, uint256 much)"));
    const Mapping mapping = mapping_of({settings});
    NodeLog log = log_of(
        kToken,
        "Put(address,string,uint256)",
        {keccak256(std::string_view("note"))},
        {left_pad(user(1)), Amount(3).to_word()}
    );
    EXPECT_EQ(events_of(mapping, {log}).size(), 1U);
}

TEST(Mapping, TransfersToACustodyAreDepositsAndThoseFromItWithdrawals) {
    const Mapping mapping = mapping_of({custody_watch()});
    const auto events = events_of(
        mapping,
        {transfer(user(1), kCustody, 100, 0),
         transfer(user(1), user(2), 50, 1),
         transfer(kCustody, user(2), 30, 2)}
    );
    ASSERT_EQ(events.size(), 2U);
    EXPECT_EQ(amount_of(events[0]).kind, MappedKind::kDeposit);
    EXPECT_EQ(amount_of(events[0]).amount, Amount(100));
    EXPECT_EQ(amount_of(events[0]).token, kToken);
    EXPECT_EQ(account_in(events[0]), account_of(user(1)));
    EXPECT_EQ(events[0].emitter, kToken);
    EXPECT_EQ(amount_of(events[1]).kind, MappedKind::kWithdraw);
    EXPECT_EQ(account_in(events[1]), account_of(user(2)));
    EXPECT_EQ(events[1].log_index, 2U);
}

TEST(Mapping, OneLogMayHaveSeveralMeaningsAndEachHasItsPart) {
    const Mapping mapping = mapping_of({custody_watch()});
    const auto events = events_of(mapping, {transfer(kCustody, kCustody, 5)});
    ASSERT_EQ(events.size(), 2U);
    EXPECT_EQ(std::get<MappedEvent>(events[0].body).part, 0U);
    EXPECT_EQ(std::get<MappedEvent>(events[1].body).part, 1U);
}

TEST(Mapping, MintingBurningAndZeroAmountsMeanNothing) {
    const Mapping mapping = mapping_of({custody_watch()});
    EXPECT_TRUE(events_of(mapping, {transfer(Address{}, kCustody, 5)}).empty());
    EXPECT_TRUE(events_of(mapping, {transfer(user(1), kCustody, 0)}).empty());
}

TEST(Mapping, TheSameEventOfAnotherContractIsNotOurs) {
    const Mapping mapping = mapping_of({custody_watch()});
    NodeLog log = transfer(user(1), kCustody, 5);
    log.address = kOther;
    EXPECT_TRUE(events_of(mapping, {log}).empty());
    log.topics.clear();
    log.address = kToken;
    EXPECT_TRUE(events_of(mapping, {log}).empty());
}

TEST(Mapping, ALogThatDoesNotDecodeIsAFaultThatNamesIt) {
    const Mapping mapping = mapping_of({custody_watch()});
    const auto refused = [&](NodeLog log, std::string_view words) {
        const std::vector<NodeLog> logs{std::move(log)};
        const auto mapped = map_logs(mapping, block(), logs);
        ASSERT_FALSE(mapped.has_value());
        EXPECT_EQ(mapped.error().code, Errc::kUnproved);
        EXPECT_NE(mapped.error().detail.find(words), std::string::npos) << mapped.error().detail;
        EXPECT_NE(mapped.error().detail.find("log 0 of block 7"), std::string::npos);
    };
    NodeLog log = transfer(user(1), kCustody, 5);
    // ERC-721 has the same topic 0 and the number indexed.
    log.topics.push_back(Amount(5).to_word());
    refused(log, "it has 4 topics, the event has 3");
    log = transfer(user(1), kCustody, 5);
    log.data.pop_back();
    refused(log, "does not decode as Transfer(address,address,uint256)");
    log = transfer(user(1), kCustody, 5);
    log.data.push_back(0);
    refused(log, "canonical");
    log = transfer(user(1), kCustody, 5);
    log.topics[1].data[0] = 1;
    refused(log, "address does not hold");
}

TEST(Mapping, LogsOfAnotherBlockOrOutOfOrderAreRefused) {
    const Mapping mapping = mapping_of({custody_watch()});
    std::vector<NodeLog> logs{transfer(user(1), kCustody, 5, 3), transfer(user(1), kCustody, 5, 3)};
    EXPECT_EQ(map_logs(mapping, block(), logs).error().code, Errc::kUnproved);
    logs.pop_back();
    logs[0].block = keccak256(std::string_view("another"));
    EXPECT_EQ(map_logs(mapping, block(), logs).error().code, Errc::kUnproved);
}

TEST(Mapping, TheOrderOfTheConfigDecidesNothing) {
    WatchSettings second = custody_watch();
    second.name = "again";
    const auto one =
        events_of(mapping_of({custody_watch(), second}), {transfer(user(1), kCustody, 5)});
    const auto other =
        events_of(mapping_of({second, custody_watch()}), {transfer(user(1), kCustody, 5)});
    EXPECT_EQ(one.size(), 2U);
    EXPECT_EQ(one, other);
    const std::vector<WatchSettings> twice{custody_watch(), custody_watch()};
    EXPECT_EQ(Mapping::make(twice).error().code, Errc::kConfig);
}

TEST(Mapping, ABloomThatLacksTheContractOrTheTopicProvesThatThereIsNothing) {
    const Mapping mapping = mapping_of({custody_watch()});
    const Hash32 topic = mapping.topics().front();
    const auto holds = [&](bool contract, bool event) {
        return mapping.may_touch([&](ByteView item) {
            const bool is_contract = std::ranges::equal(item, kToken.view());
            const bool is_topic = std::ranges::equal(item, topic.view());
            EXPECT_TRUE(is_contract || is_topic);
            return is_contract ? contract : event;
        });
    };
    EXPECT_TRUE(holds(true, true));
    EXPECT_FALSE(holds(true, false));
    EXPECT_FALSE(holds(false, true));
    EXPECT_FALSE(Mapping{}.may_touch([](ByteView) { return true; }));
    EXPECT_EQ(mapping.addresses(), (std::vector<Address>{kToken}));
    EXPECT_EQ(mapping.topics().size(), 1U);
    EXPECT_FALSE(mapping.needs_txns());
}

TEST(Mapping, PositionsKeepTheirSignAndTheMarketsOfTwoVenuesApart) {
    WatchEventSettings event;
    event.event = "event Moved(address indexed who, bytes32 market, int256 size, uint256 entry)";
    event.meaning = Meaning::kPosition;
    event.account = "who";
    event.market = "market";
    event.size = "size";
    event.entry_price = "entry";
    WatchSettings first = plain(event);
    WatchSettings second = plain(event);
    second.name = "second";
    const Hash32 market = keccak256(std::string_view("ETH"));
    NodeLog log = log_of(
        kToken,
        "Moved(address,bytes32,int256,uint256)",
        {left_pad(user(1))},
        {market, Money::whole(-2).to_word(), Money::whole(3000).to_word()}
    );
    const auto events = events_of(mapping_of({first, second}), {log});
    ASSERT_EQ(events.size(), 2U);
    const auto at = [&](std::size_t i) {
        return std::get<MappedPosition>(std::get<MappedEvent>(events[i].body).what);
    };
    EXPECT_EQ(at(0).size, Money::whole(-2));
    EXPECT_EQ(at(0).entry_price, Money::whole(3000));
    EXPECT_NE(at(0).market, at(1).market);
    Hash32 huge;
    huge.data.fill(0xff);
    log = log_of(
        kToken,
        "Moved(address,bytes32,int256,uint256)",
        {left_pad(user(1))},
        {market, Money::whole(-2).to_word(), huge}
    );
    const std::vector<NodeLog> logs{log};
    EXPECT_EQ(map_logs(mapping_of({first}), block(), logs).error().code, Errc::kUnproved);
}

TEST(Mapping, LinksLeadFromAccountToAccountAndAreTakenBack) {
    WatchEventSettings event;
    event.event = "event Linked(bytes32 indexed wallet, bytes32 indexed account)";
    event.meaning = Meaning::kLink;
    event.account = "wallet";
    event.into = "account";
    WatchSettings settings = plain(event);
    event.event = "event Unlinked(bytes32 indexed wallet, bytes32 indexed account)";
    event.meaning = Meaning::kUnlink;
    settings.events.push_back(event);
    const std::vector<Hash32> indexed{left_pad(user(1)), left_pad(user(2))};
    const auto events = events_of(
        mapping_of({settings}),
        {log_of(kToken, "Linked(bytes32,bytes32)", indexed, {}, 0),
         log_of(kToken, "Unlinked(bytes32,bytes32)", indexed, {}, 1)}
    );
    ASSERT_EQ(events.size(), 2U);
    const MappedLink linked{account_of(user(2)), true};
    EXPECT_EQ(std::get<MappedLink>(std::get<MappedEvent>(events[0].body).what), linked);
    const MappedLink unlinked{account_of(user(2)), false};
    EXPECT_EQ(std::get<MappedLink>(std::get<MappedEvent>(events[1].body).what), unlinked);
}

TEST(Mapping, ATouchedAccountIsReadWithEveryCallAndTheAnswersOfOneSideAreAdded) {
    WatchSettings settings;
    settings.name = "aave";
    settings.preset = WatchPreset::kAaveV3Pool;
    settings.contract = kCustody;
    settings.token = kToken;
    settings.balance_token = user(10);
    settings.debt_token = user(11);
    settings.stable_debt_token = user(12);
    const Mapping mapping = mapping_of({settings});
    const std::vector<NodeLog> logs{log_of(
        user(10),
        "Transfer(address,address,uint256)",
        {left_pad(Address{}), left_pad(user(1))},
        {Amount(5).to_word()}
    )};
    const auto mapped = map_logs(mapping, block(), logs);
    ASSERT_TRUE(mapped.has_value());
    EXPECT_TRUE(mapped.value().events.empty()) << "a touch is no event";
    ASSERT_EQ(mapped.value().touched.size(), 1U) << "and account zero is nobody";
    const auto calls = due_readings(mapping, mapped.value().touched);
    ASSERT_EQ(calls.size(), 3U);
    EXPECT_EQ(calls[0].to, user(10));
    EXPECT_EQ(to_hex(ByteView(calls[0].data).first(4)), "0x70a08231");
    EXPECT_EQ(calls[0].data.size(), 36U);
    std::vector<Bytes> answers;
    for (const std::uint64_t n : {7U, 20U, 3U}) {
        const Hash32 word = Amount(n).to_word();
        answers.emplace_back(word.data.begin(), word.data.end());
    }
    auto events = read_balances(calls, answers);
    ASSERT_TRUE(events.has_value());
    ASSERT_EQ(events.value().size(), 2U);
    EXPECT_EQ(amount_of(events.value()[0]).kind, MappedKind::kBalance);
    EXPECT_EQ(amount_of(events.value()[0]).amount, Amount(7));
    EXPECT_EQ(amount_of(events.value()[1]).kind, MappedKind::kDebt);
    EXPECT_EQ(amount_of(events.value()[1]).amount, Amount(23));
    EXPECT_EQ(events.value()[1].log_index, 1U);
    answers[1].pop_back();
    events = read_balances(calls, answers);
    EXPECT_EQ(events.error().code, Errc::kUnproved);
    EXPECT_NE(events.error().detail.find("31 bytes"), std::string::npos);
}

TEST(Mapping, AChangeInAnotherTokenThanTheCallsTellIsNotTakenForRead) {
    WatchEventSettings event = deposit_event("event Put(address who, address token, uint256 much)");
    event.token = "token";
    WatchSettings settings = plain(event);
    settings.calls.push_back({"function balanceOf(address a) returns (uint256)", {}, false});
    const Mapping mapping = mapping_of({settings});
    const auto put = [](const Address& token, std::uint32_t index) {
        return log_of(
            kToken,
            "Put(address,address,uint256)",
            {},
            {left_pad(user(1)), left_pad(token), Amount(1).to_word()},
            index
        );
    };
    const auto events = events_of(mapping, {put(kToken, 0), put(kOther, 1)});
    ASSERT_EQ(events.size(), 2U);
    EXPECT_TRUE(amount_of(events[0]).is_read);
    EXPECT_FALSE(amount_of(events[1]).is_read);
}

TEST(Mapping, NativeCoinIsMappedFromTransactions) {
    WatchSettings settings;
    settings.name = "coins";
    settings.preset = WatchPreset::kNativeCustody;
    settings.custody = kCustody;
    const Mapping mapping = mapping_of({settings});
    EXPECT_TRUE(mapping.needs_txns());
    EXPECT_FALSE(mapping.may_touch([](ByteView) { return true; }));
    const auto txn = [](const Address& from, std::optional<Address> to, std::uint64_t wei) {
        NodeTxn out;
        out.hash = keccak256("txn " + std::to_string(wei));
        out.from = from;
        out.to = to;
        out.value = Amount(wei);
        out.succeeded = true;
        return out;
    };
    std::vector<NodeTxn> txns{
        txn(user(1), kCustody, 5),
        txn(user(1), user(2), 6),
        txn(kCustody, user(2), 7),
        txn(user(1), std::nullopt, 8),
        txn(user(1), kCustody, 0),
        txn(user(1), kCustody, 9)};
    txns.back().succeeded = false;
    const auto events = map_txns(mapping, txns).events;
    ASSERT_EQ(events.size(), 2U);
    EXPECT_EQ(amount_of(events[0]).kind, MappedKind::kDeposit);
    EXPECT_EQ(amount_of(events[0]).amount, Amount(5));
    EXPECT_EQ(amount_of(events[0]).token, Address{});
    EXPECT_EQ(account_in(events[0]), account_of(user(1)));
    EXPECT_EQ(events[0].log_index, kNoLog);
    EXPECT_EQ(amount_of(events[1]).kind, MappedKind::kWithdraw);
    EXPECT_EQ(account_in(events[1]), account_of(user(2)));
}

WatchEventSettings answer_updated() {
    WatchEventSettings out;
    out.event =
        "event AnswerUpdated(int256 indexed current, uint256 indexed roundId, uint256 updatedAt)";
    out.meaning = Meaning::kPrice;
    out.price = "current";
    out.time = "updatedAt";
    return out;
}

NodeLog answered(const Hash32& current, const Hash32& time, std::uint32_t index = 0) {
    return log_of(
        kToken,
        "AnswerUpdated(int256,uint256,uint256)",
        {current, Amount(7).to_word()},
        {time},
        index
    );
}

MappedPrice price_of(const ChainEvent& event) {
    EXPECT_TRUE(is_pool(account_in(event)));
    return std::get<MappedPrice>(std::get<MappedEvent>(event.body).what);
}

TEST(Mapping, AnEventTellsAPriceThatIsOfNoAccount) {
    const Mapping mapping = mapping_of({plain(answer_updated())});
    const NodeLog log = answered(Amount(300'000'000'000).to_word(), Amount(1'234).to_word(), 3);
    const auto mapped = map_logs(mapping, block(), std::vector{log});
    ASSERT_TRUE(mapped.has_value()) << mapped.error().detail;
    ASSERT_EQ(mapped.value().events.size(), 1U);
    EXPECT_TRUE(mapped.value().touched.empty());
    const ChainEvent& event = mapped.value().events[0];
    const MappedPrice expected{Amount(300'000'000'000), UnixSeconds{1'234}};
    EXPECT_EQ(price_of(event), expected);
    EXPECT_EQ(event.log_index, 3U);
    EXPECT_EQ(event.emitter, kToken);
    EXPECT_EQ(std::get<MappedEvent>(event.body).source, keccak256(std::string_view("plain")));
}

// Whoever emits the event must not stop the chain by what it says.
TEST(Mapping, APriceThatIsNoneIsToldAsZeroAndATimeThatIsNoneAsTheLast) {
    const Mapping mapping = mapping_of({plain(answer_updated())});
    Hash32 minus_one;
    minus_one.data.fill(0xff);
    const auto events = events_of(
        mapping,
        {answered(minus_one, Amount(5).to_word(), 0),
         answered(Hash32{}, Amount(5).to_word(), 1),
         answered(Amount(9).to_word(), minus_one, 2)}
    );
    ASSERT_EQ(events.size(), 3U);
    EXPECT_TRUE(price_of(events[0]).answer.is_zero());
    EXPECT_TRUE(price_of(events[1]).answer.is_zero());
    EXPECT_EQ(price_of(events[2]).answer, Amount(9));
    EXPECT_EQ(price_of(events[2]).published_at.value, ~std::uint64_t{0});
}

TEST(Mapping, APriceWithoutATimeIsAsOldAsItsBlockAndWhereTellsOneAssetFromAnother) {
    WatchEventSettings event;
    event.event = "event Poke(address indexed asset, uint256 price)";
    event.meaning = Meaning::kPrice;
    event.price = "price";
    event.where.push_back({"asset", to_hex(user(1))});
    const Mapping mapping = mapping_of({plain(event)});
    const auto poke = [](std::uint8_t asset, const Hash32& value, std::uint32_t index) {
        return log_of(kToken, "Poke(address,uint256)", {left_pad(user(asset))}, {value}, index);
    };
    Hash32 most;
    most.data.fill(0xff);
    BlockRef at = block();
    at.time = UnixSeconds{555};
    const std::vector<NodeLog> logs{
        poke(2, Amount(4).to_word(), 0), poke(1, most, 1), poke(1, Amount(8).to_word(), 2)};
    const auto mapped = map_logs(mapping, at, logs);
    ASSERT_TRUE(mapped.has_value()) << mapped.error().detail;
    ASSERT_EQ(mapped.value().events.size(), 2U);
    // An unsigned number has no sign.
    const MappedPrice expected{Amount::max(), UnixSeconds{555}};
    EXPECT_EQ(price_of(mapped.value().events[0]), expected);
    EXPECT_EQ(price_of(mapped.value().events[1]).answer, Amount(8));
}

TEST(Mapping, ARateIsOfAYearAndOfTheTokenThatItsEventNames) {
    WatchEventSettings yearly;
    yearly.event = "event Yearly(address indexed reserve, uint256 supply, uint256 borrow)";
    yearly.meaning = Meaning::kRate;
    yearly.token = "reserve";
    yearly.rate = "borrow";
    yearly.from_block = BlockNum{};
    WatchEventSettings secondly;
    secondly.event = "event Secondly(uint64 rate)";
    secondly.meaning = Meaning::kRate;
    secondly.token = "native";
    secondly.rate = "rate";
    secondly.rate_decimals = 18;
    secondly.rate_per_second = true;
    secondly.from_block = BlockNum{};
    WatchSettings settings = plain(yearly);
    settings.events.push_back(secondly);
    Hash32 most;
    most.data.fill(0xff);
    const std::string name = "Yearly(address,uint256,uint256)";
    const Hash32 borrow = Amount(31).to_word();
    const std::vector<NodeLog> logs{
        log_of(kToken, name, {left_pad(user(1))}, {Amount(1).to_word(), borrow}, 0),
        log_of(kToken, "Secondly(uint64)", {}, {Amount(1'000'000'000).to_word()}, 1),
        log_of(kToken, name, {left_pad(user(2))}, {Hash32{}, most}, 2)};
    const auto events = events_of(mapping_of({settings}), logs);
    ASSERT_EQ(events.size(), 3U);
    const auto rate_of = [](const ChainEvent& event) {
        EXPECT_TRUE(is_pool(account_in(event)));
        return std::get<MappedRate>(std::get<MappedEvent>(event.body).what);
    };
    EXPECT_EQ(rate_of(events[0]), (MappedRate{user(1), Amount(31)}));
    // 10^-9 a second are 3.1536 % a year.
    const Amount yearly_rate = Amount::parse("31536" + std::string(21, '0')).value();
    EXPECT_EQ(rate_of(events[1]), (MappedRate{Address{}, yearly_rate}));
    // Whoever tells it must not stop the chain by what he says.
    EXPECT_EQ(rate_of(events[2]), (MappedRate{user(2), max_rate()}));
    // All operators hear it in the same blocks, whenever they began to watch.
    const std::uint64_t here = block().number.value;
    settings.events[0].from_block = BlockNum{here};
    settings.events[1].to_block = BlockNum{here};
    EXPECT_EQ(events_of(mapping_of({settings}), logs), events);
    settings.events[0].from_block = BlockNum{here + 1};
    EXPECT_EQ(events_of(mapping_of({settings}), logs).size(), 1U);
    settings.events[1].to_block = BlockNum{here - 1};
    EXPECT_TRUE(events_of(mapping_of({settings}), logs).empty());
}

}  // namespace
}  // namespace margrave::chains::evm
