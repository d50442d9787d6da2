// SPDX-License-Identifier: Apache-2.0
#include "store/guard.hpp"

#include "core/assert.hpp"
#include "store/detail/codec.hpp"
#include "store/detail/guard_log.hpp"

#include <algorithm>
#include <map>
#include <tuple>
#include <unordered_map>

namespace margrave::store {
namespace {

constexpr std::size_t kMaxMessage = std::size_t{16} << 20U;
constexpr std::size_t kMaxHeads = 4096;

struct EntryRow {
    static constexpr std::size_t kTypicalSize = 1024;
    GuardEntry entry;

    void write(Bytes& out) const {
        put_bytes(out, entry.signer.view());
        put_bytes(out, entry.domain.view());
        put_bytes(out, entry.subject.view());
        put_u64(out, entry.epoch);
        put_bytes(out, entry.digest.view());
        detail::put_blob(out, entry.message);
        put_u32(out, static_cast<std::uint32_t>(entry.as_of.size()));
        for (const Head& head : entry.as_of) {
            detail::put_text(out, head.chain.text());
            put_u64(out, head.number.value);
            put_bytes(out, head.hash.view());
            put_u64(out, head.events);
            put_bytes(out, head.accumulator.view());
        }
    }

    static Result<Head> read_head(ByteReader& in) {
        Head head;
        MARGRAVE_TRY(const std::string chain, detail::read_text(in));
        MARGRAVE_TRY(head.chain, ChainId::parse(chain));
        MARGRAVE_TRY(head.number.value, in.u64());
        MARGRAVE_TRY(head.hash, in.hash32());
        MARGRAVE_TRY(head.events, in.u64());
        MARGRAVE_TRY(head.accumulator, in.hash32());
        return head;
    }

    static Result<EntryRow> read(ByteReader& in) {
        EntryRow row;
        GuardEntry& e = row.entry;
        MARGRAVE_TRY(e.signer, in.address());
        MARGRAVE_TRY(e.domain, in.hash32());
        MARGRAVE_TRY(e.subject, in.hash32());
        MARGRAVE_TRY(e.epoch, in.u64());
        MARGRAVE_TRY(e.digest, in.hash32());
        MARGRAVE_TRY(e.message, detail::read_blob(in));
        MARGRAVE_TRY(const std::uint32_t heads, in.u32());
        for (std::uint32_t i = 0; i < heads; ++i) {
            MARGRAVE_TRY(Head head, read_head(in));
            e.as_of.push_back(std::move(head));
        }
        return row;
    }
};

// (signer, domain, subject): what has one digest an epoch.
struct Key {
    Address signer;
    Hash32 domain;
    Hash32 subject;
    bool operator==(const Key&) const = default;
};

struct KeyHash {
    std::size_t operator()(const Key& k) const noexcept {
        return std::hash<Address>{}(k.signer) ^ (std::hash<Hash32>{}(k.domain) * 3) ^
               (std::hash<Hash32>{}(k.subject) * 7);
    }
};

struct Recorded {
    std::uint64_t epoch{0};
    Hash32 digest;
    std::uint64_t offset{0};
};

struct Subject {
    // Ascending by epoch, because an epoch below the highest is refused.
    std::vector<Recorded> records;
    std::vector<Head> as_of;

    [[nodiscard]] const Recorded* find(std::uint64_t epoch) const {
        const auto it = std::ranges::lower_bound(records, epoch, {}, &Recorded::epoch);
        return it != records.end() && it->epoch == epoch ? &*it : nullptr;
    }
};

Key key_of(const GuardEntry& e) {
    return {e.signer, e.domain, e.subject};
}

std::string name_of(const GuardEntry& e) {
    return "signer " + to_hex(e.signer) + ", subject " + to_hex(e.subject) + ", epoch " +
           std::to_string(e.epoch);
}

Result<void> check_shape(const GuardEntry& e) {
    if (e.message.size() > kMaxMessage || e.as_of.size() > kMaxHeads) {
        return fail(Errc::kInvalid, name_of(e) + ": message or heads are too long to record");
    }
    for (const Head& head : e.as_of) {
        const auto same = [&](const Head& other) {
            return other.chain == head.chain;
        };
        if (head.chain.text().empty() || std::ranges::count_if(e.as_of, same) != 1) {
            return fail(
                Errc::kInvalid,
                name_of(e) + ": chain \"" + head.chain.text() + "\" must have a name and come once"
            );
        }
    }
    return ok();
}

// No head goes back, none changes its hash at the same number, and none is left out.
Result<void> check_heads(const GuardEntry& e, const std::vector<Head>& before) {
    for (const Head& old : before) {
        const auto now = std::ranges::find(e.as_of, old.chain, &Head::chain);
        if (now == e.as_of.end()) {
            return fail(
                Errc::kConflict,
                name_of(e) + " leaves out " + old.chain.text() + ", on which the last epoch stands"
            );
        }
        if (now->number < old.number || (now->number == old.number && now->hash != old.hash)) {
            return fail(
                Errc::kConflict,
                name_of(e) + " stands on block " + std::to_string(now->number.value) + " (" +
                    to_hex(now->hash) + ") of " + old.chain.text() +
                    ", the last epoch stood on block " + std::to_string(old.number.value) + " (" +
                    to_hex(old.hash) + ")"
            );
        }
    }
    return ok();
}

}  // namespace

struct SigningGuard::Impl {
    std::unique_ptr<detail::GuardLog> log;
    std::unordered_map<Key, Subject, KeyHash> subjects;

    void index(const GuardEntry& entry, std::uint64_t offset) {
        Subject& subject = subjects[key_of(entry)];
        MARGRAVE_ASSERT(subject.records.empty() || subject.records.back().epoch < entry.epoch);
        subject.records.push_back({entry.epoch, entry.digest, offset});
        subject.as_of = entry.as_of;
    }

    [[nodiscard]] const Subject* find(const Key& key) const {
        const auto it = subjects.find(key);
        return it == subjects.end() ? nullptr : &it->second;
    }

    [[nodiscard]] Result<std::optional<GuardEntry>> load(const Recorded& record) const {
        MARGRAVE_TRY(const Bytes payload, log->read(record.offset));
        MARGRAVE_TRY(auto row, detail::decode<EntryRow>(payload));
        if (row.entry.epoch != record.epoch || row.entry.digest != record.digest) {
            return fail(Errc::kCorrupt, "guard record changed while the process ran");
        }
        return std::optional<GuardEntry>{std::move(row.entry)};
    }

    // A record that repeats or goes back can only have been put there by somebody else.
    Result<void> load_record(std::uint64_t offset, ByteView payload) {
        auto row = detail::decode<EntryRow>(payload);
        if (!row) {
            return fail(
                Errc::kCorrupt,
                "guard record at " + std::to_string(offset) + ": " + row.error().detail
            );
        }
        const GuardEntry& entry = row.value().entry;
        const Subject* subject = find(key_of(entry));
        if (subject != nullptr && subject->records.back().epoch >= entry.epoch) {
            return fail(Errc::kCorrupt, "guard record for " + name_of(entry) + " is out of order");
        }
        index(entry, offset);
        return ok();
    }
};

SigningGuard::SigningGuard(std::unique_ptr<Impl> impl)
    : impl_(std::move(impl)) {}

SigningGuard::~SigningGuard() = default;

Result<std::unique_ptr<SigningGuard>> SigningGuard::open(
    const std::filesystem::path& dir, const std::filesystem::path& mark_file, const Hash32& network
) {
    auto impl = std::make_unique<Impl>();
    const auto visit = [&impl](std::uint64_t offset, ByteView payload) {
        return impl->load_record(offset, payload);
    };
    MARGRAVE_TRY(impl->log, detail::GuardLog::open(dir, mark_file, network, visit));
    return std::unique_ptr<SigningGuard>(new SigningGuard(std::move(impl)));
}

Result<GuardVerdict> SigningGuard::record(const GuardEntry& entry) {
    MARGRAVE_TRY(impl_->log->check());
    MARGRAVE_TRY(check_shape(entry));
    if (const Subject* subject = impl_->find(key_of(entry))) {
        if (const Recorded* same = subject->find(entry.epoch)) {
            if (same->digest == entry.digest) {
                return GuardVerdict::kRepeat;
            }
            return fail(
                Errc::kConflict,
                name_of(entry) + ": digest " + to_hex(same->digest) + " was recorded, so digest " +
                    to_hex(entry.digest) + " is never signed"
            );
        }
        const std::uint64_t highest = subject->records.back().epoch;
        if (entry.epoch < highest) {
            return fail(
                Errc::kConflict,
                name_of(entry) + " lies below epoch " + std::to_string(highest) +
                    ", which was recorded"
            );
        }
        MARGRAVE_TRY(check_heads(entry, subject->as_of));
    }
    MARGRAVE_TRY(const std::uint64_t offset, impl_->log->append(detail::encode(EntryRow{entry})));
    impl_->index(entry, offset);
    return GuardVerdict::kNew;
}

Result<std::optional<GuardEntry>> SigningGuard::last(
    const Address& signer, const Hash32& domain, const Hash32& subject
) const {
    const Subject* found = impl_->find({signer, domain, subject});
    if (found == nullptr) {
        return std::optional<GuardEntry>{};
    }
    return impl_->load(found->records.back());
}

Result<std::optional<GuardEntry>> SigningGuard::find(
    const Address& signer, const Hash32& domain, const Hash32& subject, std::uint64_t epoch
) const {
    const Subject* found = impl_->find({signer, domain, subject});
    const Recorded* record = found == nullptr ? nullptr : found->find(epoch);
    if (record == nullptr) {
        return std::optional<GuardEntry>{};
    }
    return impl_->load(*record);
}

std::uint64_t SigningGuard::size() const {
    return impl_->log->count();
}

const std::string& SigningGuard::note() const {
    return impl_->log->note();
}

}  // namespace margrave::store
