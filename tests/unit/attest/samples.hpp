// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "attest/leaf.hpp"
#include "attest/tlog.hpp"
#include "attest/tree.hpp"
#include "core/keccak.hpp"
#include "tests/support/vectors.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <filesystem>
#include <sodium.h>
#include <string>
#include <unistd.h>
#include <vector>

// What the tests of this room make again and again: keys, statements, a log that an auditor finds
// nothing in, a directory that goes away.
namespace margrave::attest::tests {

using margrave::tests::read_file;
using margrave::tests::vectors_dir;

class TempDir {
  public:
    TempDir() {
        std::string name =
            (std::filesystem::temp_directory_path() / "margrave-attest-XXXXXX").string();
        path_ = ::mkdtemp(name.data());
    }

    TempDir(const TempDir&) = delete;
    TempDir& operator=(const TempDir&) = delete;

    ~TempDir() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }

    [[nodiscard]] const std::filesystem::path& path() const { return path_; }

  private:
    std::filesystem::path path_;
};

inline SecretKey key_of(std::string_view name) {
    return SecretKey::from_bytes(keccak256(name).view()).value();
}

/// A signer set with its keys, ascending by address.
struct Keys {
    std::vector<std::unique_ptr<Signer>> signers;
    std::vector<Address> addresses;

    explicit Keys(const std::vector<std::string>& names) {
        for (const std::string& name : names) {
            signers.push_back(make_local_signer(key_of(name)));
        }
        std::sort(signers.begin(), signers.end(), [](const auto& a, const auto& b) {
            return a->address() < b->address();
        });
        for (const auto& signer : signers) {
            addresses.push_back(signer->address());
        }
    }

    [[nodiscard]] std::vector<SignerSignature> sign(const Hash32& digest) const {
        std::vector<SignerSignature> out;
        for (const auto& signer : signers) {
            out.push_back({signer->address(), signer->sign(digest).value()});
        }
        return out;
    }
};

inline Canonical genesis_document() {
    return Canonical::Object{
        {"name", "test"}, {"hub", "eip155:1"}, {"threshold", "1"}, {"exitSilence", "86400"}};
}

inline Hash32 test_network() {
    return keccak256(genesis_document().dump());
}

inline Canonical parameter_document(std::string_view version) {
    return Canonical::Object{
        {"engine", "1"}, {"version", std::string(version)}, {"assets", Canonical::Array{}}};
}

inline Address address_named(std::string_view name) {
    return low_address(keccak256(name));
}

inline AccountState account_state(std::uint64_t i) {
    AccountState out;
    out.account = account_of(address_named("account " + std::to_string(i)));
    out.equity = Money::whole(static_cast<std::int64_t>(i) - 50);
    out.initial = Money::from_e18(-static_cast<std::int64_t>(i));
    out.liquidation_end = Money::whole(3);
    out.maintenance = Money::whole(-1);
    out.status = static_cast<Status>(i % 5);
    out.flags = static_cast<std::uint32_t>(i);
    out.detail = keccak256("detail " + std::to_string(i));
    return out;
}

inline std::vector<Head> heads_at(std::uint64_t block_num) {
    std::vector<Head> out;
    for (const std::uint64_t chain : {1U, 10U, 8453U}) {
        const std::string name = std::to_string(chain) + "/" + std::to_string(block_num);
        out.push_back(
            {ChainId::evm(chain),
             BlockNum{block_num},
             keccak256("block " + name),
             block_num / 2,
             keccak256(
                 "accumulator " + std::to_string(chain) + "/" + std::to_string(block_num / 2)
             )}
        );
    }
    std::sort(out.begin(), out.end(), [](const Head& a, const Head& b) {
        return a.chain.key() < b.chain.key();
    });
    return out;
}

inline std::vector<PriceRow> price_rows(std::uint64_t time) {
    const ChainId mainnet = ChainId::evm(1);
    std::vector<PriceRow> out;
    for (const AssetId& asset :
         {AssetId::native(mainnet),
          AssetId::erc20(mainnet, address_named("usdc")),
          AssetId::erc20(ChainId::evm(10), address_named("wbtc"))}) {
        PriceRow row;
        row.asset = asset;
        row.price = Money::whole(3000);
        row.confidence = Money::from_e18(12345);
        row.published_at = UnixSeconds{time};
        row.verdict = static_cast<PriceVerdict>(out.size());
        row.sources = keccak256("sources");
        out.push_back(row);
    }
    std::sort(out.begin(), out.end(), [](const PriceRow& a, const PriceRow& b) {
        return a.asset.key() < b.asset.key();
    });
    return out;
}

/// An attestation with everything its leaf needs; `round` also gives time and blocks.
struct SampleRound {
    Attestation attestation;
    std::vector<Head> heads;
    std::vector<PriceRow> prices;

    explicit SampleRound(std::uint64_t round, const Hash32& previous = {})
        : heads(heads_at(1000 + round)),
          prices(price_rows(1'700'000'000 + round)) {
        attestation.round = RoundNum{round};
        attestation.signer_epoch = 1;
        attestation.issued_at = UnixSeconds{1'700'000'000 + 12 * round};
        attestation.valid_until = UnixSeconds{1'700'000'300 + 12 * round};
        attestation.previous = previous;
        attestation.parameters = keccak256(parameter_document("1").dump());
        attestation.snapshot = snapshot_hash(heads);
        attestation.prices = price_root(prices);
        attestation.accounts = keccak256("accounts " + std::to_string(round));
        attestation.account_count = 3;
    }

    [[nodiscard]] Hash32 digest() const { return digest_of(test_network(), attestation); }

    [[nodiscard]] Bytes leaf(const Keys& keys) const {
        return attestation_leaf(test_network(), attestation, keys.sign(digest()), heads, prices);
    }
};

inline Release sample_release(std::uint64_t request) {
    Release out;
    out.chain = ChainId::evm(1).key();
    out.vault = address_named("vault");
    out.id = release_id(out.chain, out.vault, request);
    out.kind = static_cast<ReleaseKind>(1 + request % 3);
    out.account = account_of(address_named("owner"));
    out.token = address_named("usdc");
    out.amount = Amount::parse(
                     "115792089237316195423570985008687907853269984665640564039457584007913"
                     "129639935"
    )
                     .value();
    out.recipient = address_named("recipient");
    out.round = RoundNum{1};
    out.deadline = UnixSeconds{1'800'000'000};
    return out;
}

inline Seizure sample_seizure(std::uint64_t lock, std::uint64_t leg) {
    Seizure out;
    out.account = account_of(address_named("owner"));
    out.id = seizure_id(out.account, lock, leg);
    out.chain = ChainId::evm(10).key();
    out.vault = address_named("vault");
    out.token = Address{};
    out.amount = Amount(5);
    out.debt_token = address_named("usdc");
    out.min_proceeds = Amount(7);
    out.sale = address_named("sale");
    out.round = RoundNum{1};
    out.deadline = UnixSeconds{1'800'000'000};
    return out;
}

inline Bytes sample_release_leaf(std::uint64_t request, const Keys& keys) {
    const Release s = sample_release(request);
    return release_leaf(test_network(), s, keys.sign(digest_of(test_network(), s)), request);
}

inline Bytes sample_seizure_leaf(std::uint64_t lock, std::uint64_t leg, const Keys& keys) {
    const Seizure s = sample_seizure(lock, leg);
    return seizure_leaf(test_network(), s, keys.sign(digest_of(test_network(), s)), lock, leg);
}

inline LogKey sample_log_key() {
    return derive_log_key(key_of("a"));
}

inline std::string sample_origin() {
    return log_origin(test_network(), "operator-1");
}

inline Bytes sample_key_leaf(const Keys& keys) {
    const std::string vkey = log_vkey(sample_origin(), sample_log_key());
    const Hash32 statement = key_statement(test_network(), vkey);
    return key_leaf(test_network(), vkey, keys.sign(statement).front());
}

inline Bytes sample_refusal(std::uint64_t request) {
    return refusal_leaf(
        ChainId::evm(1),
        address_named("vault"),
        request,
        account_of(address_named("owner")),
        "initial margin would be below zero",
        RoundNum{1}
    );
}

/// Genesis, key and parameters, then `rounds` attestations with instructions between them.
inline std::vector<Bytes> sample_log(std::uint64_t rounds, const Keys& keys) {
    std::vector<Bytes> out{
        genesis_leaf(genesis_document()),
        sample_key_leaf(keys),
        parameters_leaf(parameter_document("1"), RoundNum{1})};
    Hash32 previous;
    for (std::uint64_t round = 1; round <= rounds; ++round) {
        const SampleRound sample(round, previous);
        previous = sample.digest();
        out.push_back(sample.leaf(keys));
        if (round % 4 == 1) {
            out.push_back(sample_release_leaf(round, keys));
        }
        if (round % 4 == 2) {
            out.push_back(sample_refusal(round));
        }
        if (round % 8 == 3) {
            out.push_back(sample_seizure_leaf(round, 0, keys));
            out.push_back(sample_seizure_leaf(round, 1, keys));
        }
        if (round % 50 == 0) {
            out.push_back(notice_leaf("halt", ChainId::evm(10), "no head for 60 s", "detail"));
        }
    }
    return out;
}

inline std::function<Result<Bytes>(std::uint64_t)> reader_of(const std::vector<Bytes>& entries) {
    return [&entries](std::uint64_t index) -> Result<Bytes> {
        if (index >= entries.size()) {
            return fail(Errc::kNotFound, "no leaf " + std::to_string(index));
        }
        return entries[index];
    };
}

/// A directory as it is after one publication of everything.
inline void publish_once(const std::filesystem::path& dir, const std::vector<Bytes>& entries) {
    auto log = TileLog::open(dir, sample_origin(), entries.size(), reader_of(entries));
    ASSERT_TRUE(log) << log.error().detail;
    const auto published = log.value()->publish(sample_log_key());
    ASSERT_TRUE(published) << published.error().detail;
}

/// The contracts' vectors, which ethers and @openzeppelin/merkle-tree computed.
inline nlohmann::json protocol_vectors() {
    const auto text = read_file(std::string(MARGRAVE_SOURCE_DIR) + "/contracts/test/vectors.json");
    return text ? nlohmann::json::parse(*text) : nlohmann::json();
}

inline nlohmann::json public_vectors(const std::string& name) {
    const auto text = read_file(*vectors_dir() + "/" + name);
    return text ? nlohmann::json::parse(*text) : nlohmann::json();
}

inline std::string text_of(const nlohmann::json& value) {
    return value.get<std::string>();
}

/// "PRIVATE+KEY+name+hash+base64(0x01 || seed)", Go's form of a note key. The base64 may hold a
/// '+'.
inline LogKey key_of_go(std::string_view text) {
    for (int i = 0; i < 4; ++i) {
        text.remove_prefix(text.find('+') + 1);
    }
    std::array<std::uint8_t, 33> typed{};
    EXPECT_EQ(
        sodium_base642bin(
            typed.data(),
            typed.size(),
            text.data(),
            text.size(),
            nullptr,
            nullptr,
            nullptr,
            sodium_base64_VARIANT_ORIGINAL
        ),
        0
    );
    std::array<std::uint8_t, 32> seed{};
    std::copy_n(typed.begin() + 1, seed.size(), seed.begin());
    return log_key_from_seed(seed);
}

inline Bytes bytes_of_hex(std::string_view bare) {
    return parse_hex("0x" + std::string(bare)).value();
}

}  // namespace margrave::attest::tests
