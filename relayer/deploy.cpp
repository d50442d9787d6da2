// SPDX-License-Identifier: Apache-2.0
#include "relayer/deploy.hpp"

#include "chains/evm/abi.hpp"
#include "chains/evm/txn.hpp"
#include "core/keccak.hpp"
#include "infra/timeout.hpp"
#include "relayer/detail/delivery_rules.hpp"
#include "relayer/detail/deploy_journal.hpp"

#include <chrono>
#include <optional>

namespace margrave::relayer {

namespace abi = chains::evm::abi;

namespace {

constexpr std::chrono::minutes kInclusionLimit{10};

Result<Bytes> with_arguments(
    std::string_view contract, std::string_view types, std::vector<abi::Value> values
) {
    MARGRAVE_TRY(auto code, creation_code(contract));
    MARGRAVE_TRY(auto type, abi::parse_type(types));
    MARGRAVE_TRY(auto arguments, abi::encode(type, abi::Value(std::move(values))));
    put_bytes(code, arguments);
    return code;
}

Result<Bytes> registry_code(const config::Settings& settings, const std::string& log_key) {
    const config::Genesis& genesis = settings.genesis;
    std::vector<abi::Value> signers;
    for (const Address& signer : genesis.signers) {
        signers.emplace_back(signer);
    }
    const Canonical metadata = Canonical::Object{
        {"network", genesis.name},
        {"operators",
         Canonical::Array{
             Canonical::Object{{"logKey", log_key}, {"name", settings.node_name}},
         }},
    };
    std::vector<abi::Value> values;
    values.emplace_back(genesis.network());
    values.emplace_back(std::move(signers));
    values.emplace_back(genesis.threshold);
    values.emplace_back(genesis.guardian);
    values.emplace_back(genesis.exit_silence_s);
    values.emplace_back(settings.deploy.veto_window_s);
    values.emplace_back(to_bytes(metadata.dump()));
    return with_arguments(
        "HealthRegistry",
        "(bytes32,address[],uint64,address,uint64,uint64,string)",
        std::move(values)
    );
}

/// The creations of one chain, in order; each may need the addresses of those before it.
class ChainDeploy {
  public:
    ChainDeploy(DeployParts parts, chains::ChainSettings chain)
        : parts_(std::move(parts)),
          chain_(std::move(chain)),
          file_(journal_file(parts_.settings, chain_.chain)) {}

    Task<Result<config::DeployedChain>> run();

  private:
    Result<Bytes> code_of(const std::string& contract) const;
    Task<Result<void>> create(std::string contract);
    Task<Result<Creation>> sign(std::string contract);
    Task<Result<chains::TxnStatus>> wait_for(Creation creation);
    Task<Result<void>> check_funds(std::uint64_t gas, Amount max_fee);
    Result<void> check_journal(const std::string& contract) const;
    Task<Result<void>> send(Creation creation);
    Result<std::unique_ptr<chains::ChainAdapter>> open_adapter() const;
    void note_done(const std::string& contract, const Creation& creation, BlockNum block);

    DeployParts parts_;
    chains::ChainSettings chain_;
    std::filesystem::path file_;
    std::unique_ptr<chains::ChainAdapter> adapter_;
    Journal journal_;
    config::DeployedChain done_;
};

Result<Bytes> ChainDeploy::code_of(const std::string& contract) const {
    const config::DeploySettings& deploy = parts_.settings.deploy;
    const Address& guardian = parts_.settings.genesis.guardian;
    if (contract == "HealthRegistry") {
        return registry_code(parts_.settings, parts_.log_key);
    }
    std::vector<abi::Value> values;
    if (contract == "Vault") {
        values.emplace_back(done_.registry);
        values.emplace_back(deploy.treasury.value_or(guardian));
        return with_arguments(contract, "(address,address)", std::move(values));
    }
    if (contract == "SeizureSale") {
        values.emplace_back(done_.vault);
        values.emplace_back(std::uint64_t{deploy.sale_start_bps});
        values.emplace_back(std::uint64_t{deploy.sale_duration_s});
        return with_arguments(contract, "(address,uint16,uint32)", std::move(values));
    }
    values.emplace_back(deploy.venue.value_or(guardian));
    return with_arguments(contract, "(address)", std::move(values));
}

Task<Result<void>> ChainDeploy::check_funds(std::uint64_t gas, Amount max_fee) {
    const Address payer = parts_.sender.address();
    auto balance = co_await adapter_->balance(payer);
    if (!balance) {
        co_return balance.as_failure();
    }
    auto cost = times(max_fee, gas);
    if (!cost) {
        co_return cost.as_failure();
    }
    if (balance.value() < cost.value()) {
        co_return fail(
            Errc::kCheckFailed,
            "the sender " + to_checksum(payer) + " has " + balance.value().to_string() +
                " wei on " + chain_.chain.text() + ", the next contract may cost " +
                cost.value().to_string() + " wei: fund it and run deploy again"
        );
    }
    co_return ok();
}

Task<Result<Creation>> ChainDeploy::sign(std::string contract) {
    auto code = code_of(contract);
    if (!code) {
        co_return code.as_failure();
    }
    const Hash32 code_hash = keccak256(code.value());
    const Address payer = parts_.sender.address();
    const std::optional<Address> nobody;
    const Amount value{0};
    Bytes data = code.value();
    auto quote = co_await adapter_->fees();
    if (!quote) {
        co_return quote.as_failure();
    }
    auto fees = first_fees(quote.value(), chain_.fees);
    if (!fees) {
        co_return fees.as_failure();
    }
    auto gas = co_await adapter_->simulate(payer, nobody, std::move(data), value);
    if (!gas) {
        co_return gas.as_failure();
    }
    chains::TxnRequest request;
    request.gas_limit = with_margin(gas.value());
    request.max_fee = fees.value().base_fee;
    request.priority_fee = fees.value().priority_fee;
    request.data = std::move(code.value());
    auto funded = co_await check_funds(request.gas_limit, request.max_fee);
    if (!funded) {
        co_return funded.as_failure();
    }
    auto nonce = co_await adapter_->nonce(payer);
    if (!nonce) {
        co_return nonce.as_failure();
    }
    request.nonce = nonce.value();
    attest::Signer& sender = parts_.sender;
    const SignDigest signer = [&sender](const Hash32& digest) {
        return sender.sign(digest);
    };
    auto signed_txn = adapter_->sign(request, signer);
    if (!signed_txn) {
        co_return signed_txn.as_failure();
    }
    Creation creation;
    creation.address = chains::evm::create_address(payer, request.nonce);
    creation.txn_hash = signed_txn.value().hash;
    creation.nonce = request.nonce;
    creation.raw = signed_txn.value().raw;
    creation.code = code_hash;
    co_return creation;
}

Task<Result<chains::TxnStatus>> ChainDeploy::wait_for(Creation creation) {
    const infra::Deadline deadline = infra::Deadline::after(kInclusionLimit);
    while (!deadline.passed()) {
        const Hash32 hash = creation.txn_hash;
        auto status = co_await adapter_->status(hash);
        if (!status) {
            co_return status.as_failure();
        }
        if (status.value()) {
            co_return *status.value();
        }
        const std::chrono::milliseconds pause = chain_.poll_interval;
        co_await infra::sleep_for(pause);
    }
    co_return fail(
        Errc::kTimeout,
        "transaction " + to_hex(creation.txn_hash) + " is in no block of " + chain_.chain.text() +
            " after 10 minutes; run deploy again to go on waiting for it"
    );
}

// Contracts of other settings must not be taken for these.
Result<void> ChainDeploy::check_journal(const std::string& contract) const {
    MARGRAVE_TRY(auto code, code_of(contract));
    if (keccak256(code) == journal_.at(contract).code) {
        return ok();
    }
    return fail(
        Errc::kCheckFailed,
        file_.string() + " has a " + contract +
            " of other settings: restore the settings it was begun with, or remove the file to "
            "deploy anew and pay again"
    );
}

Task<Result<void>> ChainDeploy::send(Creation creation) {
    const Address payer = parts_.sender.address();
    auto nonce = co_await adapter_->nonce(payer);
    if (!nonce) {
        co_return nonce.as_failure();
    }
    const Hash32 hash = creation.txn_hash;
    auto known = co_await adapter_->status(hash);
    if (!known) {
        co_return known.as_failure();
    }
    if (known.value()) {
        co_return ok();
    }
    if (nonce.value() > creation.nonce) {
        co_return fail(
            Errc::kCheckFailed,
            "nonce " + std::to_string(creation.nonce) + " of " + to_checksum(payer) + " on " +
                chain_.chain.text() + " was used by another transaction than " + to_hex(hash) +
                ": remove " + file_.string() + " and run deploy again"
        );
    }
    Bytes raw = creation.raw;
    co_return co_await adapter_->broadcast(std::move(raw));
}

Task<Result<void>> ChainDeploy::create(std::string contract) {
    if (!journal_.contains(contract)) {
        auto creation = co_await sign(contract);
        if (!creation) {
            co_return creation.as_failure();
        }
        journal_.emplace(contract, std::move(creation.value()));
        auto kept = write_journal(file_, journal_);
        if (!kept) {
            co_return kept.as_failure();
        }
    }
    auto same = check_journal(contract);
    if (!same) {
        co_return same.as_failure();
    }
    const Creation creation = journal_.at(contract);
    auto sent = co_await send(creation);
    if (!sent) {
        co_return sent.as_failure();
    }
    auto status = co_await wait_for(creation);
    if (!status) {
        co_return status.as_failure();
    }
    const chains::TxnStatus& included = status.value();
    if (!included.succeeded) {
        co_return fail(
            Errc::kReverted,
            "creating " + contract + " on " + chain_.chain.text() + " failed in " +
                to_hex(creation.txn_hash)
        );
    }
    note_done(contract, creation, included.block.number);
    DeployStep step;
    step.chain = chain_.chain;
    step.contract = std::move(contract);
    step.address = creation.address;
    step.txn_hash = creation.txn_hash;
    step.block = included.block.number;
    step.gas_used = included.gas_used;
    parts_.progress(step);
    co_return ok();
}

void ChainDeploy::note_done(const std::string& contract, const Creation& creation, BlockNum block) {
    if (contract == "HealthRegistry") {
        done_.registry = creation.address;
        done_.start_block = block;
    } else if (contract == "Vault") {
        done_.vault = creation.address;
    } else if (contract == "SeizureSale") {
        done_.sale = creation.address;
    } else {
        done_.position_book = creation.address;
    }
}

Result<std::unique_ptr<chains::ChainAdapter>> ChainDeploy::open_adapter() const {
    return parts_.make_adapter ? parts_.make_adapter(parts_.executor, chain_)
                               : chains::make_adapter(parts_.executor, chain_);
}

Task<Result<config::DeployedChain>> ChainDeploy::run() {
    auto journal = read_journal(file_);
    if (!journal) {
        co_return journal.as_failure();
    }
    journal_ = std::move(journal.value());
    auto adapter = open_adapter();
    if (!adapter) {
        co_return adapter.as_failure();
    }
    adapter_ = std::move(adapter.value());
    auto node = co_await adapter_->check_node();
    if (!node) {
        co_return node.as_failure();
    }
    std::vector<std::string> contracts;
    contracts.emplace_back("HealthRegistry");
    contracts.emplace_back("Vault");
    contracts.emplace_back("SeizureSale");
    if (chain_.chain == parts_.settings.genesis.hub) {
        contracts.emplace_back("PositionBook");
    }
    for (const std::string& contract : contracts) {
        auto created = co_await create(contract);
        if (!created) {
            co_return created.as_failure();
        }
    }
    chain_.registry = done_.registry;
    chain_.vault = done_.vault;
    chain_.sale = done_.sale;
    chain_.position_book = done_.position_book;
    chain_.start_block = done_.start_block;
    auto again = open_adapter();
    if (!again) {
        co_return again.as_failure();
    }
    adapter_ = std::move(again.value());
    auto facts = co_await adapter_->probe();
    if (!facts) {
        co_return facts.as_failure();
    }
    co_return done_;
}

}  // namespace

Task<Result<config::DeployedChain>> deploy_chain(DeployParts parts, chains::ChainSettings chain) {
    ChainDeploy deploy(std::move(parts), std::move(chain));
    auto done = co_await deploy.run();
    co_return done;
}

}  // namespace margrave::relayer
