// SPDX-License-Identifier: Apache-2.0
#include "config/detail/table.hpp"

#include "oracle/kinds.hpp"

#include <algorithm>
#include <deque>
#include <utility>

namespace margrave::config::detail {
namespace {

constexpr std::string_view kAssetPrice = "/assets/*/price";
constexpr std::string_view kReferencePrice = "/references/*/price";
constexpr std::string_view kSourceName = "/assets/*/price/sources/*/name";
constexpr std::string_view kAttestation = "/attestation";
constexpr std::string_view kReferenceId = "/references/*/id";

// Pointers that are put together live as long as the table.
std::string_view kept(std::string text) {
    static std::deque<std::string> texts;
    return texts.emplace_back(std::move(text));
}

Kind kind_of_form(oracle::KeyForm form) {
    switch (form) {
        case oracle::KeyForm::kObject:
            return Kind::kObject;
        case oracle::KeyForm::kList:
            return Kind::kList;
        case oracle::KeyForm::kText:
            return Kind::kText;
        case oracle::KeyForm::kChoice:
            return Kind::kChoice;
        case oracle::KeyForm::kFlag:
            return Kind::kFlag;
        case oracle::KeyForm::kInteger:
            return Kind::kInteger;
        case oracle::KeyForm::kDecimal:
            return Kind::kDecimal;
        case oracle::KeyForm::kSeconds:
            return Kind::kSeconds;
        case oracle::KeyForm::kAddress:
            return Kind::kAddress;
        case oracle::KeyForm::kHash:
            return Kind::kHash;
        case oracle::KeyForm::kChain:
            return Kind::kChain;
        case oracle::KeyForm::kUrl:
            return Kind::kUrl;
        case oracle::KeyForm::kPath:
            return Kind::kPath;
    }
    return Kind::kText;
}

// A source has exactly one kind.
void add_source_rows(std::vector<Setting>& out) {
    const std::string sources = std::string(kAssetPrice) + "/sources/*/";
    for (const oracle::SourceKind* kind : oracle::source_kinds()) {
        for (const oracle::SourceKey& key : kind->keys) {
            const bool is_kind = key.pointer.empty();
            Setting row;
            row.pointer = kept(sources + std::string(kind->name) + std::string(key.pointer));
            row.kind = kind_of_form(key.form);
            row.need = key.required && !is_kind ? Need::kRequired : Need::kOptional;
            row.fallback = key.fallback;
            row.from = key.from;
            row.to = key.to;
            row.sentence = key.sentence;
            row.example = key.example;
            row.change = Change::kTogether;
            row.one_of = is_kind ? "source" : "";
            out.push_back(row);
        }
    }
}

void add_reference_rows(std::vector<Setting>& out) {
    const std::vector<Setting> so_far = out;
    for (const Setting& row : so_far) {
        if (row.pointer == kAssetPrice || row.pointer.starts_with(std::string(kAssetPrice) + "/")) {
            Setting copy = row;
            copy.pointer = kept(
                std::string(kReferencePrice) + std::string(row.pointer.substr(kAssetPrice.size()))
            );
            out.push_back(copy);
        }
    }
}

std::vector<Setting> whole_table() {
    std::vector<Setting> out;
    for (const Setting& row : written_rows()) {
        if (row.pointer == kAttestation) {
            out.insert(out.end(), market_rows().begin(), market_rows().end());
        }
        out.push_back(row);
        if (row.pointer == kSourceName) {
            add_source_rows(out);
        } else if (row.pointer == kReferenceId) {
            add_reference_rows(out);
        }
    }
    return out;
}

std::string_view parent_of(std::string_view pointer) {
    return pointer.substr(0, pointer.rfind('/'));
}

}  // namespace

std::span<const Setting> table() {
    static const std::vector<Setting> kWhole = whole_table();
    return kWhole;
}

const Setting* find(std::string_view pattern) {
    const auto rows = table();
    const auto found = std::ranges::find(rows, pattern, &Setting::pointer);
    return found == rows.end() ? nullptr : &*found;
}

std::vector<const Setting*> children(std::string_view pattern) {
    std::vector<const Setting*> out;
    for (const Setting& setting : table()) {
        if (parent_of(setting.pointer) == pattern) {
            out.push_back(&setting);
        }
    }
    return out;
}

std::string_view name_of(const Setting& setting) {
    return setting.pointer.substr(setting.pointer.rfind('/') + 1);
}

std::vector<std::string_view> choices(const Setting& setting) {
    std::vector<std::string_view> out;
    std::string_view rest = setting.from;
    while (true) {
        const std::size_t bar = rest.find('|');
        out.push_back(rest.substr(0, bar));
        if (bar == std::string_view::npos) {
            return out;
        }
        rest.remove_prefix(bar + 1);
    }
}

std::string_view to_string(Change change) {
    switch (change) {
        case Change::kRestart:
            return "restart";
        case Change::kTogether:
            return "together";
        case Change::kDeploy:
            return "deploy";
    }
    return "restart";
}

}  // namespace margrave::config::detail
