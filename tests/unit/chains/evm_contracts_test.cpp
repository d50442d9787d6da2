// SPDX-License-Identifier: Apache-2.0
#include "chains/evm/abi.hpp"
#include "chains/evm/contracts.hpp"
#include "core/keccak.hpp"
#include "tests/support/vectors.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

namespace margrave::chains::evm {
namespace {

const std::vector<std::string> kContracts{"HealthRegistry", "PositionBook", "SeizureSale", "Vault"};

Hash32 named(std::string_view text) {
    return keccak256(text);
}

AccountId account_named(std::string_view text) {
    AccountId out;
    out.data = named(text).data;
    return out;
}

Address address_named(std::string_view text) {
    return low_address(named(text));
}

nlohmann::json abi_of(const std::string& contract) {
    const std::string path =
        std::string(MARGRAVE_SOURCE_DIR) + "/contracts/artifacts/" + contract + ".json";
    const auto text = tests::read_file(path);
    return text ? nlohmann::json::parse(*text)["abi"] : nlohmann::json::array();
}

std::string type_text(const nlohmann::json& input) {
    const auto type = input["type"].get<std::string>();
    if (!type.starts_with("tuple")) {
        return type;
    }
    std::string members;
    for (const auto& part : input["components"]) {
        members += (members.empty() ? "" : ",") + type_text(part);
    }
    return "(" + members + ")" + type.substr(5);
}

abi::Signature signature_of(const nlohmann::json& entry) {
    std::string text = entry["name"].get<std::string>() + "(";
    for (const auto& input : entry["inputs"]) {
        text += (text.ends_with("(") ? "" : ",") + type_text(input);
    }
    return abi::parse_signature(text + ")").value();
}

// The declaration of `name` in a contract's artifact.
abi::Signature declared(const std::string& contract, const std::string& name) {
    for (const auto& entry : abi_of(contract)) {
        if (entry.value("name", "") == name) {
            return signature_of(entry);
        }
    }
    ADD_FAILURE() << contract << " has no " << name;
    return {};
}

Bytes call_of(const abi::Signature& signature, std::vector<abi::Value> arguments) {
    const auto selector = signature.selector();
    Bytes out(selector.begin(), selector.end());
    const auto encoded = abi::encode(signature.tuple(), abi::Value(std::move(arguments)));
    EXPECT_TRUE(encoded.has_value()) << encoded.error().detail;
    put_bytes(out, encoded.value());
    return out;
}

abi::Value value_of(const AccountId& account) {
    Hash32 word;
    word.data = account.data;
    return abi::Value(word);
}

abi::Value value_of(std::uint64_t number) {
    return abi::Value(number);
}

abi::Value value_of(const Money& money) {
    return abi::Value(money.to_word());
}

using Values = std::vector<abi::Value>;

Attestation sample_attestation() {
    Attestation a;
    a.round = RoundNum(7);
    a.signer_epoch = 2;
    a.issued_at = UnixSeconds(1'700'000'000);
    a.valid_until = UnixSeconds(1'700'000'600);
    a.previous = named("previous");
    a.parameters = named("parameters");
    a.snapshot = named("snapshot");
    a.prices = named("prices");
    a.accounts = named("accounts");
    a.account_count = 12;
    return a;
}

TEST(EvmContracts, SubmitIsEncodedAsTheArtifactDeclares) {
    const Attestation a = sample_attestation();
    for (const std::size_t size : {0U, 65U, 130U, 64U}) {
        const Bytes signatures(size, 0x5a);
        const Values row{
            value_of(a.round.value),
            value_of(a.signer_epoch),
            value_of(a.issued_at.value),
            value_of(a.valid_until.value),
            abi::Value(a.previous),
            abi::Value(a.parameters),
            abi::Value(a.snapshot),
            abi::Value(a.prices),
            abi::Value(a.accounts),
            value_of(a.account_count)};
        const Bytes expected = call_of(
            declared("HealthRegistry", "submit"), {abi::Value(row), abi::Value(signatures)}
        );
        EXPECT_EQ(encode_submit(SubmitAttestation{a, signatures}), expected);
    }
}

TEST(EvmContracts, ReleaseIsEncodedAsTheArtifactDeclares) {
    ExecuteRelease order;
    Release& r = order.release;
    r.id = named("id");
    r.kind = ReleaseKind::kBorrow;
    r.chain = named("chain");
    r.vault = address_named("vault");
    r.account = account_named("account");
    r.token = address_named("token");
    r.amount = Amount::max();
    r.recipient = address_named("recipient");
    r.round = RoundNum(9);
    r.deadline = UnixSeconds(1'700'000'000);
    order.request = 33;
    order.signatures = Bytes(130, 0x11);
    const Values row{
        abi::Value(r.id),
        value_of(std::uint64_t{2}),
        abi::Value(r.chain),
        abi::Value(r.vault),
        value_of(r.account),
        abi::Value(r.token),
        abi::Value(r.amount),
        abi::Value(r.recipient),
        value_of(r.round.value),
        value_of(r.deadline.value)};
    const Bytes expected = call_of(
        declared("Vault", "release"),
        {abi::Value(row), value_of(order.request), abi::Value(order.signatures)}
    );
    EXPECT_EQ(encode_release(order), expected);
}

ExecuteSeizure sample_seizure() {
    ExecuteSeizure order;
    Seizure& s = order.seizure;
    s.id = named("id");
    s.chain = named("chain");
    s.vault = address_named("vault");
    s.account = account_named("account");
    s.token = address_named("token");
    s.amount = Amount(5);
    s.debt_token = address_named("debt");
    s.min_proceeds = Amount(6);
    s.sale = address_named("sale");
    s.round = RoundNum(4);
    s.deadline = UnixSeconds(1'700'000'000);
    AccountState& leaf = order.leaf;
    leaf.account = s.account;
    leaf.equity = Money::whole(-3);
    leaf.initial = Money::whole(-9);
    leaf.liquidation_end = Money::whole(-7);
    leaf.maintenance = Money::whole(-5);
    leaf.status = Status::kLiquidatable;
    leaf.flags = flags::kHasDebt;
    leaf.detail = named("detail");
    order.signatures = Bytes(65, 0x22);
    return order;
}

TEST(EvmContracts, SeizeIsEncodedAsTheArtifactDeclares) {
    ExecuteSeizure order = sample_seizure();
    const Seizure& s = order.seizure;
    const AccountState& l = order.leaf;
    const Values row{
        abi::Value(s.id),
        abi::Value(s.chain),
        abi::Value(s.vault),
        value_of(s.account),
        abi::Value(s.token),
        abi::Value(s.amount),
        abi::Value(s.debt_token),
        abi::Value(s.min_proceeds),
        abi::Value(s.sale),
        value_of(s.round.value),
        value_of(s.deadline.value)};
    const Values leaf{
        value_of(l.account),
        value_of(l.equity),
        value_of(l.initial),
        value_of(l.liquidation_end),
        value_of(l.maintenance),
        value_of(std::uint64_t{2}),
        value_of(std::uint64_t{l.flags}),
        abi::Value(l.detail)};
    for (const std::size_t nodes : {0U, 1U, 5U}) {
        order.proof.assign(nodes, named("node"));
        Values proof;
        for (const Hash32& node : order.proof) {
            proof.emplace_back(node);
        }
        const Bytes expected = call_of(
            declared("Vault", "seize"),
            {abi::Value(row), abi::Value(leaf), abi::Value(proof), abi::Value(order.signatures)}
        );
        EXPECT_EQ(encode_seize(order), expected) << nodes;
    }
}

TEST(EvmContracts, CloseAndTheViewsHaveTheSelectorsOfTheArtifacts) {
    const Hash32 id = named("id");
    EXPECT_EQ(encode_close(id), call_of(declared("SeizureSale", "close"), {abi::Value(id)}));
    const auto selector = [](const std::string& contract, const std::string& name) {
        return call_of(declared(contract, name), {});
    };
    EXPECT_EQ(encode_view(View::kLatest), selector("HealthRegistry", "latest"));
    EXPECT_EQ(encode_view(View::kLatestDigest), selector("HealthRegistry", "latestDigest"));
    EXPECT_EQ(encode_view(View::kNetwork), selector("HealthRegistry", "network"));
    EXPECT_EQ(encode_view(View::kChain), selector("HealthRegistry", "chain"));
    EXPECT_EQ(encode_view(View::kRegistry), selector("Vault", "registry"));
    EXPECT_EQ(encode_view(View::kVault), selector("SeizureSale", "vault"));
    EXPECT_EQ(encode_view(View::kEventCount), selector("Vault", "eventCount"));
    EXPECT_EQ(encode_view(View::kAccumulator), selector("PositionBook", "accumulator"));
    EXPECT_EQ(encode_view(View::kLatestRoundData), selector("LocalFeed", "latestRoundData"));
    EXPECT_EQ(encode_view(View::kDecimals), selector("LocalToken", "decimals"));
    const Address holder = address_named("holder");
    EXPECT_EQ(
        encode_balance_of(holder),
        call_of(declared("LocalToken", "balanceOf"), {abi::Value(holder)})
    );
    EXPECT_EQ(movement_topic(), declared("Vault", "Movement").topic());
    EXPECT_EQ(position_topic(), declared("PositionBook", "Position").topic());
}

TEST(EvmContracts, EveryErrorOfTheArtifactsHasAReason) {
    std::set<std::string> known;
    for (const std::string_view text : known_errors()) {
        known.insert(abi::parse_signature(text).value().canonical());
    }
    EXPECT_EQ(known.size(), known_errors().size());
    for (const std::string& contract : kContracts) {
        const auto abi = abi_of(contract);
        ASSERT_FALSE(abi.empty()) << contract;
        for (const auto& entry : abi) {
            if (entry["type"] == "error") {
                const std::string declaration = signature_of(entry).canonical();
                EXPECT_TRUE(known.contains(declaration)) << contract << ": " << declaration;
            }
        }
    }
}

struct MovementLog {
    std::vector<Hash32> topics;
    Bytes data;
};

MovementLog sample_log() {
    MovementLog log;
    log.topics = {movement_topic(), Amount(41).to_word(), Amount(4).to_word(), named("account")};
    for (const Hash32& word :
         {left_pad(address_named("token")), Amount(1000).to_word(), named("release")}) {
        put_bytes(log.data, word.view());
    }
    return log;
}

TEST(EvmContracts, AMovementIsDecodedFieldByField) {
    const MovementLog log = sample_log();
    const auto decoded = decode_movement(log.topics, log.data);
    ASSERT_TRUE(decoded.has_value()) << decoded.error().detail;
    const Movement expected{
        41,
        MovementKind::kRelease,
        account_named("account"),
        address_named("token"),
        Amount(1000),
        named("release")};
    EXPECT_EQ(decoded.value(), expected);
}

TEST(EvmContracts, AMovementThatIsNotExactIsRefused) {
    const auto refused = [](const MovementLog& log) {
        return !decode_movement(log.topics, log.data).has_value();
    };
    MovementLog log = sample_log();
    log.data.push_back(0);
    EXPECT_TRUE(refused(log));
    log = sample_log();
    log.data.pop_back();
    EXPECT_TRUE(refused(log));
    log = sample_log();
    log.data[0] = 1;
    EXPECT_TRUE(refused(log)) << "dirty address";
    log = sample_log();
    log.topics.pop_back();
    EXPECT_TRUE(refused(log));
    log = sample_log();
    log.topics[0] = position_topic();
    EXPECT_TRUE(refused(log));
    for (const std::uint64_t kind : {0U, 10U, 256U, 260U}) {
        log = sample_log();
        log.topics[2] = Amount(kind).to_word();
        EXPECT_TRUE(refused(log)) << kind;
    }
    log = sample_log();
    log.topics[2].data[0] = 1;
    EXPECT_TRUE(refused(log)) << "kind beyond 64 bits";
    log = sample_log();
    log.topics[1] = Hash32{};
    EXPECT_TRUE(refused(log)) << "sequence zero";
    log.topics[1] = named("no number");
    EXPECT_TRUE(refused(log));
}

TEST(EvmContracts, EveryKindOfMovementIsKnown) {
    for (std::uint64_t kind = 1; kind <= 9; ++kind) {
        MovementLog log = sample_log();
        log.topics[2] = Amount(kind).to_word();
        const auto decoded = decode_movement(log.topics, log.data);
        ASSERT_TRUE(decoded.has_value());
        EXPECT_EQ(static_cast<std::uint64_t>(decoded.value().kind), kind);
    }
}

TEST(EvmContracts, APositionKeepsItsSign) {
    const std::vector<Hash32> topics{
        position_topic(), Amount(3).to_word(), named("account"), named("market")};
    Bytes data;
    put_bytes(data, Money::whole(-2).to_word().view());
    put_bytes(data, Money::whole(1500).to_word().view());
    const auto decoded = decode_position(topics, data);
    ASSERT_TRUE(decoded.has_value());
    EXPECT_EQ(decoded.value().size, Money::whole(-2));
    EXPECT_EQ(decoded.value().entry_price, Money::whole(1500));
    EXPECT_EQ(decoded.value().account, account_named("account"));
    EXPECT_EQ(decoded.value().market, named("market"));
    EXPECT_FALSE(decode_position(topics, ByteView(data).first(32)).has_value());
    Bytes huge = data;
    huge[0] = 0x7f;
    EXPECT_EQ(decode_position(topics, huge).error().code, Errc::kOverflow);
}

Bytes error_data(std::string_view declaration, Values arguments) {
    return call_of(abi::parse_signature(declaration).value(), std::move(arguments));
}

TEST(EvmContracts, RevertReasonsAreForPeople) {
    EXPECT_EQ(revert_reason({}), "no reason given");
    EXPECT_EQ(
        revert_reason(error_data("Error(string)", {abi::Value(to_bytes("too late"))})),
        "\"too late\""
    );
    EXPECT_EQ(
        revert_reason(error_data("Panic(uint256)", {abi::Value(std::uint64_t{0x11})})),
        "Panic: arithmetic overflow (code 17)"
    );
    EXPECT_EQ(
        revert_reason(error_data(
            "RoundNotNewer(uint64,uint64)",
            {abi::Value(std::uint64_t{3}), abi::Value(std::uint64_t{4})}
        )),
        "RoundNotNewer(given=3, latest=4)"
    );
    EXPECT_EQ(revert_reason(error_data("EnforcedPause()", {})), "EnforcedPause()");
    EXPECT_EQ(revert_reason(Bytes{0xde, 0xad, 0xbe, 0xef}), "unknown error 0xdeadbeef");
    EXPECT_EQ(revert_reason(Bytes{0xde}), "unknown error 0xde");
}

TEST(EvmContracts, AHostileRevertIsPrintableAndShort) {
    const Bytes steering = to_bytes("\x1b[2Jgone\n\"quoted\"");
    const auto told = revert_reason(error_data("Error(string)", {abi::Value(steering)}));
    EXPECT_TRUE(std::ranges::all_of(told, [](char c) { return c >= 0x20 && c < 0x7f; }));
    const auto large = revert_reason(error_data("Error(string)", {abi::Value(Bytes(50'000, 'x'))}));
    EXPECT_LT(large.size(), 500U);
    EXPECT_LT(revert_reason(Bytes(200'000, 0xee)).size(), 500U);
}

TEST(EvmContracts, AnswersOfViewsAreExact) {
    const Hash32 word = Amount(6).to_word();
    EXPECT_EQ(answer_u64(word.view(), "vault.eventCount()").value(), 6U);
    EXPECT_FALSE(answer_u64(ByteView{}, "vault.eventCount()").has_value());
    EXPECT_FALSE(answer_u64(named("big").view(), "vault.eventCount()").has_value());
    EXPECT_FALSE(answer_address(named("dirty").view(), "vault.registry()").has_value());
    const Address registry = address_named("registry");
    const Hash32 padded = left_pad(registry);
    EXPECT_EQ(answer_address(padded.view(), "vault.registry()").value(), registry);
    Bytes latest;
    for (const std::uint64_t n : {7U, 8U, 9U, 10U}) {
        const Hash32 field = Amount(n).to_word();
        put_bytes(latest, field.view());
    }
    const auto round = answer_latest(latest);
    ASSERT_TRUE(round.has_value());
    EXPECT_EQ(round.value().round, RoundNum(7));
    EXPECT_EQ(round.value().valid_until, UnixSeconds(10));
    EXPECT_FALSE(answer_feed(latest).has_value());
    const Hash32 fifth = Amount(11).to_word();
    put_bytes(latest, fifth.view());
    ASSERT_TRUE(answer_feed(latest).has_value());
    EXPECT_EQ(answer_feed(latest).value().updated_at, UnixSeconds(10));
    EXPECT_FALSE(answer_latest(latest).has_value());
}

}  // namespace
}  // namespace margrave::chains::evm
