// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/evm_world.hpp"

#include "chains/evm/txn.hpp"
#include "core/words.hpp"
#include "infra/timeout.hpp"
#include "tests/support/vectors.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace margrave::tests {
namespace {

namespace abi = chains::evm::abi;

constexpr int kReceiptTries = 200;
constexpr std::chrono::milliseconds kReceiptWait{25};

Hash32 word_of(const AccountId& account) {
    Hash32 out;
    out.data = account.data;
    return out;
}

Result<Bytes> bytecode(const std::string& contract) {
    const auto text =
        read_file(std::string(MARGRAVE_SOURCE_DIR) + "/contracts/artifacts/" + contract + ".json");
    if (!text) {
        return fail(Errc::kNotFound, "no artifact of " + contract);
    }
    return parse_hex(nlohmann::json::parse(*text)["bytecode"].get<std::string>());
}

}  // namespace

EvmWorld::EvmWorld()
    : signer(keccak256(std::string_view("margrave integration signer"))) {}

std::unique_ptr<EvmWorld> EvmWorld::make(const AnvilOptions& options) {
    std::unique_ptr<EvmWorld> out(new EvmWorld);
    auto started = Anvil::start(options);
    if (!started) {
        ADD_FAILURE() << started.error().detail;
        return nullptr;
    }
    out->anvil = std::move(started).value();
    const auto deployed = out->deploy();
    if (!deployed) {
        ADD_FAILURE() << deployed.error().detail;
        return nullptr;
    }
    return out;
}

std::unique_ptr<chains::ChainAdapter> EvmWorld::another(chains::ChainSettings wanted) {
    chains::EndpointSettings endpoint;
    endpoint.name = "anvil";
    endpoint.http = anvil->url();
    endpoint.operator_name = "anvil";
    wanted.endpoints.assign(1, endpoint);
    wanted.agreement = 1;
    auto made = chains::make_adapter(loop.executor(), std::move(wanted));
    EXPECT_TRUE(made.has_value());
    return std::move(made).value();
}

Result<void> EvmWorld::deploy() {
    settings.chain = ChainId::evm(anvil->chain_id());
    settings.network = keccak256(std::string_view("integration network"));
    settings.rpc_timeout = std::chrono::seconds(20);
    adapter_ = another(settings);
    const Address owner = Anvil::rich().address();
    const Values signers{abi::Value(signer.address())};
    const Values registry_arguments{
        abi::Value(settings.network),
        abi::Value(signers),
        abi::Value(std::uint64_t{1}),
        abi::Value(owner),
        abi::Value(std::uint64_t{86'400}),
        abi::Value(std::uint64_t{3'600}),
        abi::Value(to_bytes("integration"))};
    MARGRAVE_TRY(
        settings.registry,
        create(
            "HealthRegistry",
            "(bytes32,address[],uint64,address,uint64,uint64,string)",
            registry_arguments
        )
    );
    const Values vault_arguments{abi::Value(settings.registry), abi::Value(owner)};
    MARGRAVE_TRY(settings.vault, create("Vault", "(address,address)", vault_arguments));
    const Values sale_arguments{
        abi::Value(settings.vault),
        abi::Value(std::uint64_t{12'000}),
        abi::Value(std::uint64_t{600})};
    MARGRAVE_TRY(settings.sale, create("SeizureSale", "(address,uint16,uint32)", sale_arguments));
    const Values book_arguments{abi::Value(owner)};
    MARGRAVE_TRY(settings.position_book, create("PositionBook", "(address)", book_arguments));
    const Values token_arguments{
        abi::Value(to_bytes("Dollar")), abi::Value(to_bytes("USD")), abi::Value(std::uint64_t{6})};
    MARGRAVE_TRY(token, create("LocalToken", "(string,string,uint8)", token_arguments));
    settings.assets.push_back({AssetId::native(settings.chain), 18});
    settings.assets.push_back({AssetId::erc20(settings.chain, token), 6});
    adapter_ = another(settings);
    return ok();
}

Result<Address> EvmWorld::create(
    const std::string& contract, std::string_view constructor, Values arguments
) {
    MARGRAVE_TRY(Bytes code, bytecode(contract));
    MARGRAVE_TRY(const auto type, abi::parse_type(constructor));
    MARGRAVE_TRY(const Bytes encoded, abi::encode(type, abi::Value(std::move(arguments))));
    put_bytes(code, encoded);
    const Address owner = Anvil::rich().address();
    MARGRAVE_TRY(const std::uint64_t nonce, loop.run(adapter_->nonce(owner)));
    MARGRAVE_TRY(const auto status, send(std::nullopt, std::move(code)));
    if (!status.succeeded) {
        return fail(Errc::kReverted, contract + " was not created");
    }
    return chains::evm::create_address(owner, nonce);
}

Result<chains::TxnStatus> EvmWorld::send(std::optional<Address> to, Bytes data, Amount value) {
    const Address from = Anvil::rich().address();
    MARGRAVE_TRY(const std::uint64_t gas, loop.run(adapter_->simulate(from, to, data, value)));
    MARGRAVE_TRY(const auto fees, loop.run(adapter_->fees()));
    chains::TxnRequest request;
    MARGRAVE_TRY(request.nonce, loop.run(adapter_->nonce(from)));
    request.priority_fee = fees.priority_fee;
    MARGRAVE_TRY(const Amount doubled, add(fees.base_fee, fees.base_fee));
    MARGRAVE_TRY(request.max_fee, add(doubled, fees.priority_fee));
    request.gas_limit = gas + gas / 4;
    request.to = to;
    request.value = value;
    request.data = std::move(data);
    MARGRAVE_TRY(const auto made, adapter_->sign(request, Anvil::rich().function()));
    MARGRAVE_TRY(loop.run(adapter_->broadcast(made.raw)));
    for (int i = 0; i < kReceiptTries; ++i) {
        MARGRAVE_TRY(const auto status, loop.run(adapter_->status(made.hash)));
        if (status) {
            return *status;
        }
        loop.run(infra::sleep_for(kReceiptWait));
    }
    return fail(Errc::kTimeout, "transaction " + to_hex(made.hash) + " is in no block");
}

Result<chains::TxnStatus> EvmWorld::call(
    const Address& to, std::string_view signature, Values arguments, Amount value
) {
    MARGRAVE_TRY(const auto parsed, abi::parse_signature(signature));
    const auto selector = parsed.selector();
    Bytes data(selector.begin(), selector.end());
    MARGRAVE_TRY(
        const Bytes encoded, abi::encode(parsed.tuple(), abi::Value(std::move(arguments)))
    );
    put_bytes(data, encoded);
    return send(to, std::move(data), value);
}

Result<chains::TxnStatus> EvmWorld::deposit(std::uint64_t wei) {
    const Hash32 account = word_of(account_of(Anvil::rich().address()));
    Values arguments{abi::Value(account), abi::Value(Address{}), abi::Value(wei)};
    return call(
        settings.vault, "deposit(bytes32,address,uint256)", std::move(arguments), Amount(wei)
    );
}

Hash32 EvmWorld::digest(const Hash32& struct_hash) const {
    WordWriter domain;
    domain
        .word(keccak256(std::string_view("EIP712Domain(string name,string version,bytes32 salt)")))
        .word(keccak256(std::string_view("Margrave")))
        .word(keccak256(std::string_view("1")))
        .word(settings.network);
    Bytes message{0x19, 0x01};
    put_bytes(message, domain.hash().view());
    put_bytes(message, struct_hash.view());
    return keccak256(message);
}

Bytes EvmWorld::quorum(const Hash32& digest) const {
    return join({SignerSignature{signer.address(), signer.sign(digest).value()}});
}

Attestation EvmWorld::attestation(std::uint64_t round, std::uint64_t now) const {
    Attestation out;
    out.round = RoundNum(round);
    out.signer_epoch = 1;
    out.issued_at = UnixSeconds(now);
    out.valid_until = UnixSeconds(now + 3'600);
    out.accounts = keccak256(std::string_view("accounts"));
    return out;
}

Hash32 EvmWorld::struct_hash(const Attestation& a) {
    WordWriter out;
    out.word(keccak256(std::string_view(
                 "Attestation(uint64 round,uint64 signerEpoch,uint64 issuedAt,uint64 validUntil,"
                 "bytes32 previous,bytes32 parameters,bytes32 snapshot,bytes32 prices,"
                 "bytes32 accounts,uint64 accountCount)"
             )))
        .uint(a.round.value)
        .uint(a.signer_epoch)
        .uint(a.issued_at.value)
        .uint(a.valid_until.value)
        .word(a.previous)
        .word(a.parameters)
        .word(a.snapshot)
        .word(a.prices)
        .word(a.accounts)
        .uint(a.account_count);
    return out.hash();
}

Hash32 EvmWorld::struct_hash(const Release& r) {
    WordWriter out;
    out.word(keccak256(std::string_view(
                 "Release(bytes32 id,uint8 kind,bytes32 chain,address vault,bytes32 account,"
                 "address token,uint256 amount,address recipient,uint64 round,uint64 deadline)"
             )))
        .word(r.id)
        .uint(static_cast<std::uint64_t>(r.kind))
        .word(r.chain)
        .address(r.vault)
        .word(r.account)
        .address(r.token)
        .uint(r.amount)
        .address(r.recipient)
        .uint(r.round.value)
        .uint(r.deadline.value);
    return out.hash();
}

Result<chains::Updates> EvmWorld::step() {
    return loop.run(adapter_->next(ledger.view()));
}

Result<void> EvmWorld::follow(MiniLedger& into) {
    while (true) {
        MARGRAVE_TRY(const auto updates, loop.run(adapter_->next(into.view())));
        if (updates.updates.empty()) {
            return ok();
        }
        into.apply(updates);
    }
}

}  // namespace margrave::tests
