// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "chains/settings.hpp"
#include "core/canonical_json.hpp"
#include "margin/parameters.hpp"
#include "oracle/oracle.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace margrave::config {

/// Where a secret comes from; never the config itself. `credential` is a systemd credential name.
struct SecretSource {
    enum class Kind : std::uint8_t { kNone, kFile, kCredential, kEnvironment };
    Kind kind{Kind::kNone};
    std::string name;
};

/// The signed protocol's genesis document (protocol.md section 1); its keccak is the network id.
struct Genesis {
    std::string name;
    ChainId hub;
    /// Ascending.
    std::vector<Address> signers;
    std::uint64_t threshold{1};
    Address guardian;
    std::uint64_t exit_silence_s{86'400};
    [[nodiscard]] Canonical document() const;
    [[nodiscard]] Hash32 network() const;
};

struct DeploySettings {
    std::uint64_t veto_window_s{86'400};
    /// First ask of an auction over its floor, 10000 = the floor; and how long it falls.
    std::uint16_t sale_start_bps{12'000};
    std::uint32_t sale_duration_s{1'800};
    /// Who may post positions on the hub; the guardian when absent.
    std::optional<Address> venue;
    std::optional<Address> treasury;
};

/// Where the signing guard lies, and how long it keeps silent after a start.
struct GuardSettings {
    std::filesystem::path dir;
    std::filesystem::path mark;
    /// Zero: not at all, which takes the exact words of the schema.
    std::chrono::seconds silence{120};
    /// Where the log is published, to be compared at a start. May hold keys.
    std::vector<std::string> published;
};

/// Whose margin accounts bear bad debt before lenders do. Nothing is signed by it.
struct FundSettings {
    std::optional<Address> reserve;
    std::optional<Address> insurance;
};

/// How custody readings become leaves, deficits and their ends (docs/ledger.md section 14).
struct ReconciliationSettings {
    /// Blocks; final blocks whose number it divides are read and logged.
    std::uint64_t every{100};
    /// Readings at different blocks, one after the other, that make a deficit and that end one.
    std::uint64_t confirm{2};
    std::uint64_t clear{3};
};

struct Settings {
    std::filesystem::path file;
    std::string node_name;
    std::filesystem::path data_dir;
    /// MiB; 0 is off.
    std::uint64_t disk_reserve_mb{256};
    std::uint64_t ballast_mb{64};
    Genesis genesis;
    DeploySettings deploy;
    /// True only when the config says `accept_single_source` in the exact words of the schema.
    bool accept_single_source{false};
    /// Contract addresses are zero until a deployment is known.
    std::vector<chains::ChainSettings> chains;
    /// Where `deploy` writes the contract addresses and `run` reads them.
    std::filesystem::path deployment_file;
    bool deployed{false};
    margin::Parameters parameters;
    std::vector<oracle::AssetOracleSettings> oracle;
    std::filesystem::path keystore;
    SecretSource password;
    std::chrono::milliseconds attestation_interval{60'000};
    GuardSettings guard;
    FundSettings funds;
    ReconciliationSettings reconciliation;
    /// How long every state stays readable.
    std::chrono::seconds keep_states{2'592'000};
    std::filesystem::path admin_socket;
    std::string log_level{"info"};
    std::string log_format{"auto"};
};

/// One thing that is wrong: JSON pointer, what, and what to write instead. Printed one a line.
struct Problem {
    std::string pointer;
    std::string what;
    bool operator==(const Problem&) const = default;
};

struct Loaded {
    Settings settings;
    /// Empty when the settings may be used.
    std::vector<Problem> problems;
    /// What may be meant but should be known, e.g. that a price is fixed. Never stops anything.
    std::vector<Problem> notes;
    /// The document as it stands and with every default filled in, as indented JSON in the order of
    /// the table; of a URL only scheme, host and port. Empty when there are problems.
    std::string written;
    std::string effective;
    /// Pointers of what `effective` has from a default.
    std::vector<std::string> defaulted;
};

/// What a config is read for. What signs needs all of it; what only reads chains into a ledger
/// needs no network, no signer, and of an asset no more than what it is called, its decimals and
/// forms.
enum class Use : std::uint8_t { kSign, kFollow };

/// Reads and checks a config file: unknown fields with the nearest known name, types, bounds,
/// references, cross-field rules; every problem at once. A deployment file that does not exist is
/// not a problem here (`deployed` stays false).
Loaded load(const std::filesystem::path& file, Use use = Use::kSign);
Loaded load_text(
    std::string_view text, const std::filesystem::path& base_dir, Use use = Use::kSign
);

/// The words that must stand behind "accept_single_source", and behind "silence_off".
std::string_view single_source_words();
std::string_view no_silence_words();
/// The words that must stand behind "accept_single_source" of a price.
std::string_view single_price_words();

/// One deployed chain; the file is canonical JSON.
struct DeployedChain {
    Address registry;
    Address vault;
    Address sale;
    std::optional<Address> position_book;
    BlockNum start_block;
};

struct Deployment {
    Hash32 network;
    std::map<ChainId, DeployedChain> chains;
};

Result<Deployment> read_deployment(const std::filesystem::path& file);
Result<void> write_deployment(const std::filesystem::path& file, const Deployment& deployment);

/// "ethereum", "base" and a few others, or any CAIP-2 id of the eip155 family.
Result<ChainId> parse_chain_name(std::string_view text);

/// What `init` knows beyond the chains. Empty members become a placeholder, which `load_text`
/// reports with what to write in its place.
struct ExampleOptions {
    std::string node_name{"op-1"};
    std::string network_name{"margrave"};
    std::vector<Address> signers;
    /// The first signer when absent.
    std::optional<Address> guardian;
    std::map<ChainId, std::vector<std::string>> endpoints;
    bool accept_single_source{false};
    /// systemd credential "keystore-password" when empty.
    std::string password_file;
};

/// A starting config for `init`, which `load_text` accepts but for what only the operator knows.
std::string example_config(const std::vector<ChainId>& chains, std::string_view keystore);
std::string example_config(
    const std::vector<ChainId>& chains, std::string_view keystore, const ExampleOptions& options
);
/// JSON Schema (2020-12) of the config, and the table of docs/configuration.md, both from the one
/// table of settings.
std::string json_schema();
std::string markdown_table();

/// Reads a secret; trailing newline cut; at most 4 KiB. Errors name the source, never the secret.
Result<std::string> read_secret(const SecretSource& source);

}  // namespace margrave::config
