// SPDX-License-Identifier: Apache-2.0
#include "relayer/detail/deploy_journal.hpp"

#include "infra/files.hpp"
#include "relayer/deploy.hpp"
#include "relayer/detail/messages.hpp"

#include <system_error>

namespace margrave::relayer {

namespace {

constexpr std::size_t kJournalBytesMax = 4 * 1024 * 1024;

}  // namespace

std::filesystem::path journal_file(const config::Settings& settings, const ChainId& chain) {
    std::string name = settings.deployment_file.filename().string() + ".";
    for (const char c : chain.text()) {
        name += c == ':' ? '-' : c;
    }
    return settings.deployment_file.parent_path() / (name + ".partial");
}

Result<Journal> read_journal(const std::filesystem::path& file) {
    Journal journal;
    auto text = infra::read_file(file, kJournalBytesMax);
    if (!text) {
        if (text.error().code == Errc::kNotFound) {
            return journal;
        }
        return text.as_failure();
    }
    MARGRAVE_TRY(auto document, parse_canonical(text.value()));
    const auto* rows = std::get_if<Canonical::Object>(&document.value());
    if (rows == nullptr) {
        return fail(Errc::kCorrupt, file.string() + " is no deploy journal");
    }
    for (const auto& [contract, row] : *rows) {
        Creation creation;
        MARGRAVE_TRY(auto address, text_member(row, "address"));
        MARGRAVE_TRY(creation.address, parse_address(address));
        MARGRAVE_TRY(auto hash, text_member(row, "txn"));
        MARGRAVE_TRY(creation.txn_hash, parse_hash32(hash));
        MARGRAVE_TRY(creation.nonce, integer_member(row, "nonce"));
        MARGRAVE_TRY(auto raw, text_member(row, "raw"));
        MARGRAVE_TRY(creation.raw, parse_hex(raw));
        MARGRAVE_TRY(auto code, text_member(row, "code"));
        MARGRAVE_TRY(creation.code, parse_hash32(code));
        journal.emplace(contract, std::move(creation));
    }
    return journal;
}

Result<void> write_journal(const std::filesystem::path& file, const Journal& journal) {
    Canonical::Object rows;
    for (const auto& [contract, creation] : journal) {
        rows.emplace(
            contract,
            Canonical::Object{
                {"address", to_hex(creation.address)},
                {"code", to_hex(creation.code)},
                {"nonce", Canonical::integer(creation.nonce)},
                {"raw", to_hex(ByteView{creation.raw})},
                {"txn", to_hex(creation.txn_hash)},
            }
        );
    }
    return infra::write_file_atomic(file, Canonical(std::move(rows)).dump(), 0600);
}

void forget_deploy_journal(const config::Settings& settings, const ChainId& chain) {
    std::error_code ignored;
    std::filesystem::remove(journal_file(settings, chain), ignored);
}

}  // namespace margrave::relayer
