// SPDX-License-Identifier: Apache-2.0
#include "relayer/guard_file.hpp"

#include "core/amount.hpp"
#include "infra/strict_json.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <initializer_list>
#include <optional>

namespace margrave::relayer {

namespace {

using nlohmann::json;

constexpr std::string_view kFormat = "margrave-guard";
constexpr std::string_view kFormatVersion = "1";
constexpr std::size_t kGuardFileMax = std::size_t{256} << 20U;

/// One object of the file. Every member is asked for by name, and none may be there that is not.
class Row {
  public:
    static Result<Row> of(
        const json& value, std::string at, std::initializer_list<std::string_view> known
    ) {
        if (!value.is_object()) {
            return bad(at, "is no object");
        }
        for (const auto& [name, member] : value.items()) {
            if (std::find(known.begin(), known.end(), name) == known.end()) {
                return bad(at + "/" + name.substr(0, 40), "is no member that is known here");
            }
        }
        return Row(value, std::move(at));
    }

    [[nodiscard]] bool has(const char* name) const { return value_->contains(name); }

    Result<std::string> text(const char* name) const {
        const auto found = value_->find(name);
        if (found == value_->end()) {
            return bad(at_ + "/" + name, "is missing");
        }
        if (!found->is_string()) {
            return bad(at_ + "/" + name, "is no string");
        }
        return found->get<std::string>();
    }

    template <class T>
    Result<T> parsed(const char* name, Result<T> (*parse)(std::string_view)) const {
        MARGRAVE_TRY(const std::string written, text(name));
        Result<T> value = parse(written);
        if (!value) {
            return bad(at_ + "/" + name, value.error().detail);
        }
        return value;
    }

    Result<const json*> list(const char* name) const {
        const auto found = value_->find(name);
        if (found == value_->end()) {
            return bad(at_ + "/" + name, "is missing");
        }
        if (!found->is_array()) {
            return bad(at_ + "/" + name, "is no array");
        }
        return &*found;
    }

    [[nodiscard]] std::string at(const char* name, std::size_t index) const {
        return at_ + "/" + name + "/" + std::to_string(index);
    }

    [[nodiscard]] const json& member(const char* name) const { return value_->at(name); }

    [[nodiscard]] const std::string& at() const { return at_; }

    static Error bad(const std::string& where, const std::string& what) {
        return fail(Errc::kConfig, "guard file: " + where + ": " + what);
    }

  private:
    Row(const json& value, std::string at)
        : value_(&value),
          at_(std::move(at)) {}

    const json* value_;
    std::string at_;
};

Result<std::uint64_t> parse_number(std::string_view text) {
    MARGRAVE_TRY(const auto amount, Amount::parse(text));
    return amount.to_u64();
}

Result<Head> read_head(const Row& row) {
    Head head;
    MARGRAVE_TRY(head.chain, row.parsed("chain", ChainId::parse));
    MARGRAVE_TRY(head.number.value, row.parsed("number", parse_number));
    MARGRAVE_TRY(head.hash, row.parsed("hash", parse_hash32));
    if (row.has("events")) {
        MARGRAVE_TRY(head.events, row.parsed("events", parse_number));
    }
    if (row.has("accumulator")) {
        MARGRAVE_TRY(head.accumulator, row.parsed("accumulator", parse_hash32));
    }
    return head;
}

Result<store::GuardEntry> read_entry(const Row& row, const Address& signer) {
    store::GuardEntry entry;
    entry.signer = signer;
    MARGRAVE_TRY(entry.domain, row.parsed("domain", parse_hash32));
    MARGRAVE_TRY(entry.subject, row.parsed("subject", parse_hash32));
    MARGRAVE_TRY(entry.epoch, row.parsed("epoch", parse_number));
    if (entry.epoch == 0) {
        return Row::bad(row.at() + "/epoch", "epochs begin with 1");
    }
    if (row.has("digest")) {
        MARGRAVE_TRY(entry.digest, row.parsed("digest", parse_hash32));
        if (entry.digest.is_zero()) {
            return Row::bad(row.at() + "/digest", "no statement has the digest zero");
        }
    }
    if (row.has("message")) {
        MARGRAVE_TRY(entry.message, row.parsed("message", parse_hex));
    }
    if (!row.has("heads")) {
        return entry;
    }
    MARGRAVE_TRY(const json* heads, row.list("heads"));
    for (std::size_t i = 0; i < heads->size(); ++i) {
        MARGRAVE_TRY(
            const Row head,
            Row::of(
                (*heads)[i],
                row.at("heads", i),
                {"chain", "number", "hash", "events", "accumulator"}
            )
        );
        MARGRAVE_TRY(Head value, read_head(head));
        entry.as_of.push_back(std::move(value));
    }
    return entry;
}

Result<void> check_metadata(const Row& metadata, const Hash32& network) {
    MARGRAVE_TRY(const std::string format, metadata.text("interchange_format"));
    MARGRAVE_TRY(const std::string version, metadata.text("interchange_format_version"));
    if (format != kFormat || version != kFormatVersion) {
        return Row::bad(
            metadata.at(),
            "format \"" + format.substr(0, 40) + "\" version \"" + version.substr(0, 40) +
                "\"; this version reads " + std::string(kFormat) + " version " +
                std::string(kFormatVersion)
        );
    }
    MARGRAVE_TRY(const Hash32 owner, metadata.parsed("network", parse_hash32));
    if (owner != network) {
        return Row::bad(
            metadata.at() + "/network",
            to_hex(owner) + " is another network than the config's " + to_hex(network)
        );
    }
    return ok();
}

json head_row(const Head& head) {
    json row = json::object();
    row["chain"] = head.chain.text();
    row["number"] = std::to_string(head.number.value);
    row["hash"] = to_hex(head.hash);
    row["events"] = std::to_string(head.events);
    row["accumulator"] = to_hex(head.accumulator);
    return row;
}

json entry_row(const store::GuardEntry& entry, bool minimal) {
    json row = json::object();
    row["domain"] = to_hex(entry.domain);
    row["subject"] = to_hex(entry.subject);
    row["epoch"] = std::to_string(entry.epoch);
    if (!entry.as_of.empty()) {
        row["heads"] = json::array();
        for (const Head& head : entry.as_of) {
            row["heads"].push_back(head_row(head));
        }
    }
    if (!minimal && !entry.digest.is_zero()) {
        row["digest"] = to_hex(entry.digest);
    }
    if (!minimal && !entry.message.empty()) {
        row["message"] = to_hex(entry.message);
    }
    return row;
}

}  // namespace

std::string write_guard_file(const GuardFile& file, bool minimal) {
    json data = json::array();
    for (const store::GuardEntry& entry : file.entries) {
        const std::string signer = to_hex(entry.signer);
        if (data.empty() || data.back()["signer"] != signer) {
            data.push_back(json::object({{"signer", signer}, {"signed", json::array()}}));
        }
        data.back()["signed"].push_back(entry_row(entry, minimal));
    }
    const json document = {
        {"metadata",
         {{"interchange_format", kFormat},
          {"interchange_format_version", kFormatVersion},
          {"network", to_hex(file.network)}}},
        {"data", std::move(data)}};
    return document.dump(1) + "\n";
}

Result<GuardFile> read_guard_file(std::string_view text, const Hash32& network) {
    infra::StrictLimits limits;
    limits.bytes = kGuardFileMax;
    limits.depth = 8;
    const auto parsed = infra::parse_strict(text, limits);
    if (!parsed) {
        return fail(Errc::kConfig, "guard file: " + parsed.error().detail);
    }
    MARGRAVE_TRY(const Row root, Row::of(parsed.value(), "", {"metadata", "data"}));
    if (!root.has("metadata")) {
        return Row::bad("/metadata", "is missing");
    }
    MARGRAVE_TRY(
        const Row metadata,
        Row::of(
            root.member("metadata"),
            "/metadata",
            {"interchange_format", "interchange_format_version", "network"}
        )
    );
    MARGRAVE_TRY(check_metadata(metadata, network));
    GuardFile out;
    out.network = network;
    MARGRAVE_TRY(const json* data, root.list("data"));
    for (std::size_t i = 0; i < data->size(); ++i) {
        MARGRAVE_TRY(
            const Row signer, Row::of((*data)[i], root.at("data", i), {"signer", "signed"})
        );
        MARGRAVE_TRY(const Address address, signer.parsed("signer", parse_address));
        MARGRAVE_TRY(const json* entries, signer.list("signed"));
        for (std::size_t j = 0; j < entries->size(); ++j) {
            MARGRAVE_TRY(
                const Row row,
                Row::of(
                    (*entries)[j],
                    signer.at("signed", j),
                    {"domain", "subject", "epoch", "digest", "heads", "message"}
                )
            );
            MARGRAVE_TRY(auto entry, read_entry(row, address));
            out.entries.push_back(std::move(entry));
        }
    }
    return out;
}

}  // namespace margrave::relayer
