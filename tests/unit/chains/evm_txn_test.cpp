// SPDX-License-Identifier: Apache-2.0
#include "chains/evm/txn.hpp"
#include "core/keccak.hpp"
#include "tests/support/test_signer.hpp"
#include "tests/support/vectors.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <map>
#include <string>

namespace margrave::chains::evm {
namespace {

constexpr std::uint64_t kMainnet = 1;

nlohmann::json load(const std::string& name) {
    const auto text = tests::read_file(*tests::vectors_dir() + "/" + name);
    return text ? nlohmann::json::parse(*text) : nlohmann::json();
}

Bytes hex(std::string text) {
    if (!text.starts_with("0x")) {
        text.insert(0, "0x");
    }
    return parse_hex(text).value();
}

std::uint64_t quantity(const std::string& text) {
    return std::stoull(text, nullptr, 16);
}

Amount amount(const std::string& text) {
    Bytes bytes = hex((text.size() % 2 == 1 ? "0x0" : "0x") + text.substr(2));
    Hash32 word;
    std::copy_backward(bytes.begin(), bytes.end(), word.data.end());
    return Amount::from_word(word);
}

// The forks of ethereum/tests by the rules that apply to a transaction.
const std::map<std::string, Fork>& forks() {
    static const std::map<std::string, Fork> kForks{
        {"Frontier", Fork::kFrontier},
        {"Homestead", Fork::kHomestead},
        {"EIP150", Fork::kHomestead},
        {"EIP158", Fork::kSpuriousDragon},
        {"Byzantium", Fork::kSpuriousDragon},
        {"Constantinople", Fork::kSpuriousDragon},
        {"ConstantinopleFix", Fork::kSpuriousDragon},
        {"Istanbul", Fork::kIstanbul},
        {"Berlin", Fork::kBerlin},
        {"London", Fork::kLondon},
        {"Paris", Fork::kLondon},
        {"Shanghai", Fork::kShanghai},
        {"Cancun", Fork::kShanghai},
    };
    return kForks;
}

struct Row {
    std::string name;
    Bytes raw;
    std::string fork;
    nlohmann::json expected;
};

void check_row(const Row& row) {
    SCOPED_TRACE(row.name + " under " + row.fork);
    const Fork fork = forks().at(row.fork);
    const auto decoded = decode_txn(row.raw, kMainnet, fork);
    if (row.expected.contains("exception")) {
        EXPECT_FALSE(decoded.has_value()) << row.expected["exception"];
        return;
    }
    ASSERT_TRUE(decoded.has_value()) << decoded.error().detail;
    const DecodedTxn& txn = decoded.value();
    EXPECT_EQ(to_hex(txn.hash), row.expected["hash"].get<std::string>());
    EXPECT_EQ(to_hex(txn.sender), row.expected["sender"].get<std::string>());
    EXPECT_EQ(
        intrinsic_gas(txn.txn, fork), quantity(row.expected["intrinsicGas"].get<std::string>())
    );
    EXPECT_EQ(signed_bytes(txn.txn, txn.signature), row.raw);
}

struct Count {
    std::size_t files{0};
    std::size_t rows{0};
};

Count check_file(const std::string& name) {
    Count count;
    const auto files = load("ethereum/TransactionTests_" + name + ".json");
    for (const auto& [source, content] : files.items()) {
        ++count.files;
        for (const auto& [test, body] : content.items()) {
            const Bytes raw = hex(body["txbytes"].get<std::string>());
            for (const auto& [fork, expected] : body["result"].items()) {
                check_row(Row{source + ":" + test, raw, fork, expected});
                ++count.rows;
            }
        }
    }
    return count;
}

TEST(Txn, EveryRowOfEthereumTestsIsAcceptedOrRefusedAsItSays) {
    MARGRAVE_SKIP_WITHOUT_VECTORS();
    Count all;
    for (const char* name :
         {"ttAddress",
          "ttData",
          "ttEIP1559",
          "ttEIP2028",
          "ttEIP2930",
          "ttEIP3860",
          "ttGasLimit",
          "ttGasPrice",
          "ttNonce",
          "ttRSValue",
          "ttSignature",
          "ttVValue",
          "ttValue",
          "ttWrongRLP"}) {
        const Count count = check_file(name);
        all.files += count.files;
        all.rows += count.rows;
    }
    EXPECT_EQ(all.files, 210U);
    EXPECT_EQ(all.rows, 2665U);
}

Txn from_ethers(const nlohmann::json& in, TxnType type, bool with_chain_id) {
    Txn out;
    out.type = type;
    if (with_chain_id) {
        out.chain_id = quantity(in.value("chainId", "0x0"));
    }
    out.nonce = in.value("nonce", 0U);
    out.gas_limit = quantity(in.value("gasLimit", "0x0"));
    out.max_fee = amount(
        type == TxnType::kDynamicFee ? in.value("maxFeePerGas", "0x0") : in.value("gasPrice", "0x0")
    );
    if (type == TxnType::kDynamicFee) {
        out.priority_fee = amount(in.value("maxPriorityFeePerGas", "0x0"));
    }
    if (in.contains("to")) {
        out.to = parse_address(in["to"].get<std::string>()).value();
    }
    out.value = amount(in.value("value", "0x0"));
    out.data = hex(in.value("data", "0x"));
    if (type != TxnType::kLegacy && in.contains("accessList")) {
        for (const auto& entry : in["accessList"]) {
            AccessEntry access;
            access.address = parse_address(entry["address"].get<std::string>()).value();
            for (const auto& slot : entry["storageKeys"]) {
                access.slots.push_back(parse_hash32(slot.get<std::string>()).value());
            }
            out.access_list.push_back(std::move(access));
        }
    }
    return out;
}

void check_ethers(
    const nlohmann::json& entry, const Txn& txn, const std::string& form, std::size_t& count
) {
    SCOPED_TRACE(entry["name"].get<std::string>() + " " + form);
    EXPECT_EQ(to_hex(unsigned_bytes(txn)), entry["unsigned" + form].get<std::string>());
    const auto key = parse_hash32(entry["privateKey"].get<std::string>()).value();
    const tests::TestSigner signer(key);
    const auto made = sign(txn, signer.function());
    ASSERT_TRUE(made.has_value());
    EXPECT_EQ(to_hex(made.value().raw), entry["signed" + form].get<std::string>());
    EXPECT_EQ(made.value().hash, keccak256(made.value().raw));
    const auto& signature = entry["signature" + form];
    const TxnSignature parsed{
        parse_hash32(signature["r"].get<std::string>()).value(),
        parse_hash32(signature["s"].get<std::string>()).value(),
        quantity(signature["v"].get<std::string>()) % 2 == (txn.type == TxnType::kLegacy ? 0 : 1)};
    EXPECT_EQ(recover(signing_hash(txn), parsed).value(), signer.address());
    ++count;
}

TEST(Txn, EveryTransactionOfEthersIsSignedToTheSameBytes) {
    MARGRAVE_SKIP_WITHOUT_VECTORS();
    const auto cases = load("ethers/transactions_subset.json");
    ASSERT_EQ(cases.size(), 300U);
    std::size_t legacy = 0;
    std::size_t eip155 = 0;
    std::size_t berlin = 0;
    std::size_t london = 0;
    for (const auto& entry : cases) {
        const auto& in = entry["transaction"];
        check_ethers(entry, from_ethers(in, TxnType::kLegacy, false), "Legacy", legacy);
        if (!entry.value("signedEip155", "").empty()) {
            const Txn txn = from_ethers(in, TxnType::kLegacy, true);
            check_ethers(entry, txn, "Eip155", eip155);
        }
        check_ethers(entry, from_ethers(in, TxnType::kAccessList, true), "Berlin", berlin);
        check_ethers(entry, from_ethers(in, TxnType::kDynamicFee, true), "London", london);
    }
    EXPECT_EQ(legacy, 300U);
    EXPECT_EQ(eip155, 134U);
    EXPECT_EQ(berlin, 300U);
    EXPECT_EQ(london, 300U);
}

TEST(Txn, TheCasesOfBasicTestsAreSignedToTheSameBytes) {
    MARGRAVE_SKIP_WITHOUT_VECTORS();
    const auto cases = load("ethereum/BasicTests_txtest.json");
    ASSERT_EQ(cases.size(), 2U);
    for (const auto& entry : cases) {
        Txn txn;
        txn.type = TxnType::kLegacy;
        txn.nonce = entry["nonce"].get<std::uint64_t>();
        txn.max_fee = Amount(entry["gasprice"].get<std::uint64_t>());
        txn.gas_limit = entry["startgas"].get<std::uint64_t>();
        const auto to = entry["to"].get<std::string>();
        if (!to.empty()) {
            txn.to = parse_address("0x" + to).value();
        }
        txn.value = Amount(entry["value"].get<std::uint64_t>());
        txn.data = hex(entry["data"].get<std::string>());
        const Bytes key = hex(entry["key"].get<std::string>());
        Hash32 key_word;
        std::ranges::copy(key, key_word.data.begin());
        const Bytes expected = hex(entry["signed"].get<std::string>());
        const auto decoded = decode_txn(expected, kMainnet, Fork::kFrontier);
        // Both have less gas than they cost to begin, so their parts are checked by signing.
        EXPECT_FALSE(decoded.has_value());
        const tests::TestSigner signer(key_word);
        // The published signatures have random nonces; what must agree is who they recover to.
        const Bytes head = unsigned_bytes(txn);
        const Hash32 digest = keccak256(head);
        const std::size_t size = expected.size();
        TxnSignature published;
        std::copy_n(expected.end() - 32, 32, published.s.data.begin());
        std::copy_n(expected.end() - 65, 32, published.r.data.begin());
        published.odd = expected[size - 67] == 28;
        EXPECT_EQ(recover(digest, published).value(), signer.address());
        EXPECT_EQ(signed_bytes(txn, published), expected);
    }
}

Txn plain() {
    Txn txn;
    txn.chain_id = kMainnet;
    txn.max_fee = Amount(100);
    txn.priority_fee = Amount(1);
    txn.gas_limit = 21'000;
    txn.to = Address{};
    return txn;
}

TEST(Txn, TheNonceJustBelowTheLastIsValidAndTheLastIsNot) {
    Txn txn = plain();
    txn.nonce = ~std::uint64_t{0} - 1;
    EXPECT_TRUE(validate(txn, Fork::kPrague).has_value());
    txn.nonce = ~std::uint64_t{0};
    EXPECT_FALSE(validate(txn, Fork::kPrague).has_value());
}

TEST(Txn, DataHeavyTransactionsPayTheFloorFromPragueOn) {
    Txn txn = plain();
    txn.data = Bytes(100, 0xff);
    txn.gas_limit = 21'000 + 1'600;
    EXPECT_TRUE(validate(txn, Fork::kShanghai).has_value());
    EXPECT_FALSE(validate(txn, Fork::kPrague).has_value());
    txn.gas_limit = 21'000 + 4'000;
    EXPECT_TRUE(validate(txn, Fork::kPrague).has_value());
    txn.gas_limit -= 1;
    EXPECT_FALSE(validate(txn, Fork::kPrague).has_value());
}

TEST(Txn, InitCodeOfTheLargestSizeIsValidAndOneMoreByteIsNot) {
    Txn txn = plain();
    txn.to.reset();
    txn.gas_limit = 30'000'000;
    txn.data = Bytes(49'152, 0);
    EXPECT_TRUE(validate(txn, Fork::kShanghai).has_value());
    txn.data.push_back(0);
    EXPECT_FALSE(validate(txn, Fork::kShanghai).has_value());
    EXPECT_TRUE(validate(txn, Fork::kLondon).has_value());
}

TEST(Txn, ASignerThatAnswersWithHighSOrAForeignVIsRefused) {
    const tests::TestSigner signer(keccak256(std::string_view("a test key")));
    const Txn txn = plain();
    ASSERT_TRUE(sign(txn, signer.function()).has_value());
    const SignDigest foreign_v = [&](const Hash32& digest) -> Result<Signature> {
        MARGRAVE_TRY(Signature out, signer.sign(digest));
        out[64] = 0;
        return out;
    };
    EXPECT_EQ(sign(txn, foreign_v).error().code, Errc::kSignature);
    const SignDigest high_s = [&](const Hash32& digest) -> Result<Signature> {
        MARGRAVE_TRY(Signature out, signer.sign(digest));
        out[32] = 0xff;
        return out;
    };
    EXPECT_EQ(sign(txn, high_s).error().code, Errc::kSignature);
    const SignDigest refuses = [](const Hash32&) -> Result<Signature> {
        return fail(Errc::kPassword, "locked");
    };
    EXPECT_EQ(sign(txn, refuses).error().code, Errc::kPassword);
}

TEST(Txn, ATransactionForAnotherChainIsRefused) {
    const tests::TestSigner signer(keccak256(std::string_view("a test key")));
    const auto made = sign(plain(), signer.function());
    ASSERT_TRUE(made.has_value());
    const auto here = decode_txn(made.value().raw, kMainnet, Fork::kPrague);
    ASSERT_TRUE(here.has_value()) << here.error().detail;
    EXPECT_EQ(here.value().sender, signer.address());
    EXPECT_EQ(here.value().txn, plain());
    EXPECT_FALSE(decode_txn(made.value().raw, 10, Fork::kPrague).has_value());
}

TEST(Txn, CreatedAddressesAreThoseOfEthers) {
    MARGRAVE_SKIP_WITHOUT_VECTORS();
    std::size_t checked = 0;
    for (const auto& sender : load("ethers/create.json")) {
        const Address from = parse_address(sender["sender"].get<std::string>()).value();
        for (const auto& entry : sender["creates"]) {
            const Address expected = parse_address(entry["address"].get<std::string>()).value();
            EXPECT_EQ(create_address(from, entry["nonce"].get<std::uint64_t>()), expected);
            ++checked;
        }
    }
    EXPECT_EQ(checked, 160U);
}

}  // namespace
}  // namespace margrave::chains::evm
