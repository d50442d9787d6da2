// SPDX-License-Identifier: Apache-2.0
#include "chains/evm/abi.hpp"
#include "chains/evm/adapter.hpp"
#include "chains/evm/contracts.hpp"
#include "chains/evm/txn.hpp"
#include "core/keccak.hpp"
#include "tests/support/loop.hpp"
#include "tests/support/test_signer.hpp"
#include "tests/unit/chains/evm_fake_node.hpp"

#include <gtest/gtest.h>

namespace margrave::chains::evm {
namespace {

using nlohmann::json;
using rpc::RpcClass;
using rpc::RpcError;

Address address_named(std::string_view text) {
    return low_address(keccak256(text));
}

class EvmAdapterCalls : public testing::Test {
  protected:
    EvmAdapterCalls() { make(fake_settings()); }

    void make(const ChainSettings& settings) {
        settings_ = settings;
        auto node = std::make_unique<FakeNode>(settings_);
        node_ = node.get();
        EvmAdapter::Callers callers;
        callers.push_back(std::move(node));
        adapter_ = EvmAdapter::make(settings_, std::move(callers)).value();
    }

    void set_view(const Address& at, View view, const std::string& answer) {
        node_->views[{to_hex(at), to_hex(encode_view(view))}] = answer;
    }

    void expect_probe(Errc code, std::string_view part) {
        const auto facts = loop_.run(adapter_->probe());
        ASSERT_FALSE(facts.has_value());
        EXPECT_EQ(facts.error().code, code) << facts.error().detail;
        EXPECT_NE(facts.error().detail.find(part), std::string::npos) << facts.error().detail;
    }

    tests::Loop loop_;
    ChainSettings settings_;
    FakeNode* node_{nullptr};
    std::unique_ptr<EvmAdapter> adapter_;
};

TEST_F(EvmAdapterCalls, AProbeTellsWhatItFound) {
    node_->mine_empty(5);
    node_->final_number = 2;
    const auto facts = loop_.run(adapter_->probe());
    ASSERT_TRUE(facts.has_value()) << facts.error().detail;
    EXPECT_EQ(facts.value().genesis, node_->at(0));
    EXPECT_EQ(facts.value().latest, node_->at(5));
    EXPECT_EQ(facts.value().final, node_->at(2));
    EXPECT_EQ(facts.value().client_version.find('\x1b'), std::string::npos);
    EXPECT_EQ(facts.value().client_version.substr(0, 6), "fake/1");
}

TEST_F(EvmAdapterCalls, AProbeNamesTheContractWithoutCode) {
    node_->tamper = [](const std::string& method, json& answer) {
        if (method == "eth_getCode") {
            answer = "0x";
        }
    };
    expect_probe(Errc::kWrongChain, "vault has no code at " + to_hex(settings_.vault));
    expect_probe(Errc::kWrongChain, "run margrave deploy");
    EXPECT_TRUE(loop_.run(adapter_->check_node()).has_value());
}

TEST_F(EvmAdapterCalls, AProbeComparesTheImmutables) {
    const std::string other = to_hex(keccak256(std::string_view("other")));
    set_view(settings_.registry, View::kNetwork, other);
    expect_probe(Errc::kWrongChain, "belongs to network " + other);
    set_view(settings_.registry, View::kNetwork, "0x");
    expect_probe(Errc::kWrongChain, "registry.network()");
    set_view(settings_.registry, View::kNetwork, to_hex(settings_.network));
    set_view(settings_.registry, View::kChain, other);
    expect_probe(Errc::kWrongChain, "deployed for chain key " + other);
    set_view(settings_.registry, View::kChain, to_hex(settings_.chain.key()));
    set_view(settings_.vault, View::kRegistry, to_hex(left_pad(settings_.sale)));
    expect_probe(Errc::kWrongChain, "trusts registry " + to_hex(settings_.sale));
    set_view(settings_.vault, View::kRegistry, to_hex(left_pad(settings_.registry)));
    set_view(settings_.sale, View::kVault, to_hex(left_pad(settings_.registry)));
    expect_probe(Errc::kWrongChain, "belongs to vault " + to_hex(settings_.registry));
}

TEST_F(EvmAdapterCalls, AProbeComparesTheDecimalsOfTokens) {
    const Address token = address_named("token");
    AssetSettings asset;
    asset.asset = AssetId::erc20(settings_.chain, token);
    settings_.assets.push_back(asset);
    AssetSettings native;
    native.asset = AssetId::native(settings_.chain);
    settings_.assets.push_back(native);
    make(settings_);
    expect_probe(Errc::kWrongChain, "has no code, or no decimals()");
    set_view(token, View::kDecimals, to_hex(Amount(6).to_word()));
    expect_probe(
        Errc::kWrongChain, "decimals of " + asset.asset.text() + " are 6 on chain, config says 18"
    );
    set_view(token, View::kDecimals, to_hex(Amount(18).to_word()));
    EXPECT_TRUE(loop_.run(adapter_->probe()).has_value());
}

TEST_F(EvmAdapterCalls, AProbeComparesChainIdAndGenesis) {
    settings_.genesis = keccak256(std::string_view("another genesis"));
    make(settings_);
    expect_probe(Errc::kWrongChain, "genesis is " + to_hex(node_->at(0).hash));
    EXPECT_EQ(loop_.run(adapter_->check_node()).error().code, Errc::kWrongChain);
    settings_.genesis = node_->at(0).hash;
    make(settings_);
    EXPECT_TRUE(loop_.run(adapter_->probe()).has_value());
    node_->chain_id = 2;
    expect_probe(Errc::kWrongChain, "serves chain id 2");
}

TEST_F(EvmAdapterCalls, OnlyEip155ChainsWithADecimalIdAreMade) {
    ChainSettings settings = fake_settings();
    for (const char* text : {"cosmos:hub", "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp"}) {
        settings.chain = ChainId::parse(text).value();
        EvmAdapter::Callers callers;
        callers.push_back(std::make_unique<FakeNode>(fake_settings()));
        EXPECT_EQ(EvmAdapter::make(settings, std::move(callers)).error().code, Errc::kConfig);
    }
    EXPECT_FALSE(EvmAdapter::make(fake_settings(), {}).has_value());
}

TEST_F(EvmAdapterCalls, CustodyIsReadAtTheBlock) {
    node_->mine();
    const Hash32 block = node_->head().hash;
    node_->fixed.insert_or_assign("eth_getBalance", json("0x64"));
    EXPECT_EQ(loop_.run(adapter_->custody_at(Address{}, block)).value(), Amount(100));
    const Address token = address_named("token");
    const std::string ask = to_hex(encode_balance_of(settings_.vault));
    node_->views[{to_hex(token), ask}] = to_hex(Amount(55).to_word());
    EXPECT_EQ(loop_.run(adapter_->custody_at(token, block)).value(), Amount(55));
    node_->views[{to_hex(token), ask}] = "0x";
    EXPECT_FALSE(loop_.run(adapter_->custody_at(token, block)).has_value());
}

TEST_F(EvmAdapterCalls, TheLatestRoundComesWithItsDigest) {
    std::string latest = "0x";
    for (const std::uint64_t n : {7U, 0U, 1U, 2U}) {
        latest += to_hex(Amount(n).to_word()).substr(2);
    }
    const Hash32 digest = keccak256(std::string_view("digest"));
    set_view(settings_.registry, View::kLatest, latest);
    set_view(settings_.registry, View::kLatestDigest, to_hex(digest));
    const auto round = loop_.run(adapter_->latest_round());
    ASSERT_TRUE(round.has_value()) << round.error().detail;
    EXPECT_EQ(round.value().first, RoundNum(7));
    EXPECT_EQ(round.value().second, digest);
}

TEST_F(EvmAdapterCalls, OrdersForAnotherChainOrVaultAreNotEncoded) {
    ExecuteRelease order;
    order.release.chain = settings_.chain.key();
    order.release.vault = settings_.vault;
    const auto encoded = adapter_->encode(order);
    ASSERT_TRUE(encoded.has_value());
    EXPECT_EQ(encoded.value().first, settings_.vault);
    EXPECT_EQ(encoded.value().second, encode_release(order));
    order.release.vault = settings_.sale;
    EXPECT_EQ(adapter_->encode(order).error().code, Errc::kInvalid);
    ExecuteSeizure seizure;
    seizure.seizure.chain = ChainId::evm(2).key();
    seizure.seizure.vault = settings_.vault;
    EXPECT_EQ(adapter_->encode(seizure).error().code, Errc::kInvalid);
    seizure.seizure.chain = settings_.chain.key();
    EXPECT_TRUE(adapter_->encode(seizure).has_value());
    EXPECT_EQ(adapter_->encode(SubmitAttestation{}).value().first, settings_.registry);
    const Address sale = address_named("an older sale");
    EXPECT_EQ(adapter_->encode(CloseSale{{}, sale}).value().first, sale);
}

Bytes error_data(std::string_view declaration, std::vector<abi::Value> arguments) {
    const auto signature = abi::parse_signature(declaration).value();
    const auto selector = signature.selector();
    Bytes out(selector.begin(), selector.end());
    put_bytes(out, abi::encode(signature.tuple(), abi::Value(std::move(arguments))).value());
    return out;
}

TEST_F(EvmAdapterCalls, ASimulationGivesGasOrTheReason) {
    node_->fixed.insert_or_assign("eth_call", json("0x"));
    node_->fixed.insert_or_assign("eth_estimateGas", json("0x5208"));
    const Address from = address_named("sender");
    EXPECT_EQ(
        loop_.run(adapter_->simulate(from, settings_.vault, Bytes{1}, Amount{})).value(), 21'000U
    );
    RpcError reverted(RpcClass::kReverted, "execution reverted");
    reverted.revert_data = error_data("AlreadyExecuted(bytes32)", {abi::Value(Hash32{})});
    node_->fixed.insert_or_assign("eth_call", reverted);
    node_->fixed.insert_or_assign("eth_estimateGas", reverted);
    const auto refused = loop_.run(adapter_->simulate(from, settings_.vault, Bytes{1}, Amount{}));
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code, Errc::kReverted);
    EXPECT_TRUE(refused.error().detail.starts_with("AlreadyExecuted(id=0x00"))
        << refused.error().detail;
}

TEST_F(EvmAdapterCalls, FeesComeFromTheHistoryOrFromTheGasPrice) {
    json history = json::object();
    history["baseFeePerGas"] = json::array();
    history["baseFeePerGas"].push_back("0x10");
    history["baseFeePerGas"].push_back("0x20");
    history["reward"] = json::array();
    for (const char* tip : {"0x5", "0x1", "0x3"}) {
        history["reward"].push_back(json::array());
        history["reward"].back().push_back(tip);
    }
    node_->fixed.insert_or_assign("eth_feeHistory", history);
    auto quote = loop_.run(adapter_->fees());
    ASSERT_TRUE(quote.has_value()) << quote.error().detail;
    EXPECT_EQ(quote.value().base_fee, Amount(32));
    EXPECT_EQ(quote.value().priority_fee, Amount(3));
    node_->fixed.insert_or_assign("eth_maxPriorityFeePerGas", json("0x9"));
    EXPECT_EQ(loop_.run(adapter_->fees()).value().priority_fee, Amount(9));
    node_->fixed.erase("eth_feeHistory");
    EXPECT_FALSE(loop_.run(adapter_->fees()).has_value());
    node_->fixed.insert_or_assign("eth_gasPrice", json("0xa"));
    quote = loop_.run(adapter_->fees());
    ASSERT_TRUE(quote.has_value());
    EXPECT_EQ(quote.value().base_fee, Amount(7));
    EXPECT_EQ(quote.value().priority_fee, Amount(3));
}

TEST_F(EvmAdapterCalls, ASignedTransactionIsForThisChain) {
    const tests::TestSigner signer(keccak256(std::string_view("a test key")));
    TxnRequest request;
    request.nonce = 4;
    request.max_fee = Amount(100);
    request.priority_fee = Amount(2);
    request.gas_limit = 50'000;
    request.to = settings_.vault;
    request.data = Bytes{1, 2, 3};
    const auto made = adapter_->sign(request, signer.function());
    ASSERT_TRUE(made.has_value()) << made.error().detail;
    const auto decoded = decode_txn(made.value().raw, 1, Fork::kLondon);
    ASSERT_TRUE(decoded.has_value());
    EXPECT_EQ(decoded.value().sender, signer.address());
    EXPECT_EQ(decoded.value().hash, made.value().hash);
    EXPECT_EQ(decoded.value().txn.nonce, 4U);
    request.priority_fee = Amount(101);
    EXPECT_FALSE(adapter_->sign(request, signer.function()).has_value());
}

TEST_F(EvmAdapterCalls, ABroadcastThatIsAlreadyKnownIsDone) {
    const Bytes raw{1, 2, 3};
    const std::string hash = to_hex(keccak256(raw));
    node_->fixed.insert_or_assign("eth_sendRawTransaction", json(hash));
    EXPECT_TRUE(loop_.run(adapter_->broadcast(raw)).has_value());
    node_->fixed.insert_or_assign("eth_sendRawTransaction", json(to_hex(Hash32{})));
    EXPECT_EQ(loop_.run(adapter_->broadcast(raw)).error().code, Errc::kUnproved);
    node_->fixed.insert_or_assign(
        "eth_sendRawTransaction", RpcError(RpcClass::kAlreadyKnown, "already known")
    );
    EXPECT_TRUE(loop_.run(adapter_->broadcast(raw)).has_value());
    node_->fixed.insert_or_assign(
        "eth_sendRawTransaction", RpcError(RpcClass::kNonceTooLow, "nonce too low")
    );
    EXPECT_FALSE(loop_.run(adapter_->broadcast(raw)).has_value());
}

TEST_F(EvmAdapterCalls, AReceiptCountsOnlyInItsCanonicalBlock) {
    node_->mine_empty(3);
    const Hash32 txn = keccak256(std::string_view("txn"));
    node_->fixed.insert_or_assign("eth_getTransactionReceipt", json());
    EXPECT_FALSE(loop_.run(adapter_->status(txn)).value().has_value());
    json receipt = json::object();
    receipt["transactionHash"] = to_hex(txn);
    receipt["blockHash"] = to_hex(node_->at(2).hash);
    receipt["blockNumber"] = "0x2";
    receipt["gasUsed"] = "0x5208";
    receipt["status"] = "0x0";
    node_->fixed.insert_or_assign("eth_getTransactionReceipt", receipt);
    const auto found = loop_.run(adapter_->status(txn));
    ASSERT_TRUE(found.has_value()) << found.error().detail;
    ASSERT_TRUE(found.value().has_value());
    EXPECT_EQ(found.value()->block, node_->at(2));
    EXPECT_EQ(found.value()->gas_used, 21'000U);
    EXPECT_FALSE(found.value()->succeeded);
    EXPECT_FALSE(loop_.run(adapter_->status(keccak256(std::string_view("another")))).has_value())
        << "a receipt of another transaction";
    node_->rewind(1);
    node_->mine_empty(3);
    EXPECT_FALSE(loop_.run(adapter_->status(txn)).value().has_value());
}

TEST_F(EvmAdapterCalls, NonceAndBalanceAreRead) {
    node_->fixed.insert_or_assign("eth_getTransactionCount", json("0x7"));
    node_->fixed.insert_or_assign("eth_getBalance", json("0xff"));
    EXPECT_EQ(loop_.run(adapter_->nonce(Address{})).value(), 7U);
    EXPECT_EQ(loop_.run(adapter_->balance(Address{})).value(), Amount(255));
    node_->fixed.insert_or_assign("eth_getTransactionCount", json("0x07"));
    EXPECT_FALSE(loop_.run(adapter_->nonce(Address{})).has_value());
}

TEST(ChainRegistry, AnUnknownNamespaceIsRefusedWithThoseThatAreKnown) {
    tests::Loop loop;
    ChainSettings settings = fake_settings();
    settings.chain = ChainId::parse("cosmos:hub").value();
    const auto made = make_adapter(loop.executor(), settings);
    ASSERT_FALSE(made.has_value());
    EXPECT_EQ(made.error().code, Errc::kConfig);
    EXPECT_NE(made.error().detail.find("eip155"), std::string::npos);
}

TEST(ChainRegistry, AnEvmChainIsMade) {
    tests::Loop loop;
    ChainSettings settings = fake_settings();
    EndpointSettings endpoint;
    endpoint.name = "local";
    endpoint.http = "http://127.0.0.1:1";
    settings.endpoints.push_back(endpoint);
    const auto made = make_adapter(loop.executor(), settings);
    ASSERT_TRUE(made.has_value());
    EXPECT_EQ(made.value()->settings().chain, settings.chain);
}

}  // namespace
}  // namespace margrave::chains::evm
