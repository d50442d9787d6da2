// SPDX-License-Identifier: Apache-2.0
// What a restored store must show before anything is signed from it.
#include "attest/leaf.hpp"
#include "infra/files.hpp"
#include "relayer/detail/messages.hpp"
#include "relayer/restore.hpp"

#include <system_error>

namespace margrave::relayer {

namespace {

constexpr const char* kMarkName = "restored";
constexpr std::size_t kMarkBytes = 65'536;
constexpr unsigned kMarkMode = 0600;

}  // namespace

Result<void> mark_restored(const std::filesystem::path& store_dir, const std::string& what) {
    return infra::write_file_atomic(store_dir / kMarkName, what + "\n", kMarkMode);
}

Result<std::optional<std::string>> restored_mark(const std::filesystem::path& store_dir) {
    auto text = infra::read_file(store_dir / kMarkName, kMarkBytes);
    if (!text && text.error().code == Errc::kNotFound) {
        return std::optional<std::string>{};
    }
    MARGRAVE_TRY(std::string what, std::move(text));
    while (!what.empty() && what.back() == '\n') {
        what.pop_back();
    }
    return std::optional<std::string>{std::move(what)};
}

Result<void> remove_restored_mark(const std::filesystem::path& store_dir) {
    std::error_code error;
    std::filesystem::remove(store_dir / kMarkName, error);
    if (error) {
        return fail(
            Errc::kIo, "remove " + (store_dir / kMarkName).string() + ": " + error.message()
        );
    }
    return ok();
}

Result<std::vector<Head>> attested_heads(const store::Database& database, const Hash32& network) {
    const auto bytes = database.document("attestation/last");
    if (!bytes) {
        return std::vector<Head>{};
    }
    MARGRAVE_TRY(const attest::Leaf leaf, attest::read_leaf(network, *bytes));
    MARGRAVE_TRY(const auto snapshot, member(leaf.body, "snapshot"));
    return parse_heads(snapshot);
}

Result<std::string> compare_head(const store::Ledger& ledger, const Head& head) {
    const std::string name =
        "block " + std::to_string(head.number.value) + " of " + head.chain.text();
    const auto final = ledger.chain_state(head.chain).final;
    if (!final || final->number < head.number) {
        return name + ", which was attested, to be read again and final";
    }
    // Filled in runs, a ledger has not every block, but what the events up to it give.
    const auto block = ledger.block_at(head.chain, head.number);
    MARGRAVE_TRY(const Accumulator vault, ledger.vault_as_of(head.chain, head.number));
    const bool same_block = !block || block->hash == head.hash;
    if (same_block && vault.hash == head.accumulator && vault.count == head.events) {
        return std::string{};
    }
    return fail(
        Errc::kUnsafe,
        "the restored ledger is not what was attested: " + name + " is " +
            (block ? to_hex(block->hash) : "without events") + " after " +
            std::to_string(vault.count) + " vault events, attested was " + to_hex(head.hash) +
            " after " + std::to_string(head.events) + ". Nothing is signed"
    );
}

}  // namespace margrave::relayer
