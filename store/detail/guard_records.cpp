// SPDX-License-Identifier: Apache-2.0
#include "store/detail/guard_records.hpp"

#include "store/detail/codec.hpp"

namespace margrave::store::detail {
namespace {

enum class GuardKind : std::uint8_t { kStatement = 1, kPlace = 2, kImport = 3, kClose = 4 };

/// Bytes of an entry without message and heads, and of a head without its chain's name.
constexpr std::size_t kEntryLeast = 20 + 32 + 32 + 8 + 32 + 4 + 4;
constexpr std::size_t kHeadLeast = 4 + 8 + 32 + 8 + 32;

void put_entry(Bytes& out, const GuardEntry& entry) {
    put_bytes(out, entry.signer.view());
    put_bytes(out, entry.domain.view());
    put_bytes(out, entry.subject.view());
    put_u64(out, entry.epoch);
    put_bytes(out, entry.digest.view());
    put_blob(out, entry.message);
    put_u32(out, static_cast<std::uint32_t>(entry.as_of.size()));
    for (const Head& head : entry.as_of) {
        put_text(out, head.chain.text());
        put_u64(out, head.number.value);
        put_bytes(out, head.hash.view());
        put_u64(out, head.events);
        put_bytes(out, head.accumulator.view());
    }
}

Result<std::uint32_t> read_guard_count(ByteReader& in, std::size_t least_bytes_each) {
    MARGRAVE_TRY(const std::uint32_t count, in.u32());
    if (count > in.left() / least_bytes_each) {
        return fail(Errc::kCorrupt, "a list of " + std::to_string(count) + " does not fit");
    }
    return count;
}

Result<Head> read_guard_head(ByteReader& in) {
    Head head;
    MARGRAVE_TRY(const std::string chain, read_text(in));
    MARGRAVE_TRY(head.chain, ChainId::parse(chain));
    MARGRAVE_TRY(head.number.value, in.u64());
    MARGRAVE_TRY(head.hash, in.hash32());
    MARGRAVE_TRY(head.events, in.u64());
    MARGRAVE_TRY(head.accumulator, in.hash32());
    return head;
}

Result<GuardEntry> read_entry(ByteReader& in) {
    GuardEntry e;
    MARGRAVE_TRY(e.signer, in.address());
    MARGRAVE_TRY(e.domain, in.hash32());
    MARGRAVE_TRY(e.subject, in.hash32());
    MARGRAVE_TRY(e.epoch, in.u64());
    MARGRAVE_TRY(e.digest, in.hash32());
    MARGRAVE_TRY(e.message, read_blob(in));
    MARGRAVE_TRY(const std::uint32_t heads, read_guard_count(in, kHeadLeast));
    for (std::uint32_t i = 0; i < heads; ++i) {
        MARGRAVE_TRY(Head head, read_guard_head(in));
        e.as_of.push_back(std::move(head));
    }
    return e;
}

void put_identity(Bytes& out, const FileIdentity& file) {
    put_u64(out, file.inode);
    put_u64(out, file.born_ns);
}

Result<FileIdentity> read_identity(ByteReader& in) {
    FileIdentity file;
    MARGRAVE_TRY(file.inode, in.u64());
    MARGRAVE_TRY(file.born_ns, in.u64());
    return file;
}

struct GuardWriter {
    Bytes out;

    void kind(GuardKind kind) { put_u8(out, static_cast<std::uint8_t>(kind)); }

    void operator()(const StatementRecord& r) {
        kind(GuardKind::kStatement);
        put_entry(out, r.entry);
    }

    void operator()(const PlaceRecord& r) {
        kind(GuardKind::kPlace);
        put_bytes(out, r.machine.view());
        put_identity(out, r.log);
        put_identity(out, r.mark);
        put_text(out, r.reason);
    }

    void operator()(const ImportRecord& r) {
        kind(GuardKind::kImport);
        put_u32(out, static_cast<std::uint32_t>(r.entries.size()));
        for (const GuardEntry& entry : r.entries) {
            put_entry(out, entry);
        }
    }

    void operator()(const CloseRecord& r) {
        kind(GuardKind::kClose);
        put_bytes(out, r.subject.view());
        put_u64(out, r.from);
        put_text(out, r.reason);
    }
};

Result<GuardRecord> read_place(ByteReader& in) {
    PlaceRecord r;
    MARGRAVE_TRY(r.machine, in.hash32());
    MARGRAVE_TRY(r.log, read_identity(in));
    MARGRAVE_TRY(r.mark, read_identity(in));
    MARGRAVE_TRY(r.reason, read_text(in));
    return GuardRecord{std::move(r)};
}

Result<GuardRecord> read_import(ByteReader& in) {
    ImportRecord r;
    MARGRAVE_TRY(const std::uint32_t count, read_guard_count(in, kEntryLeast));
    for (std::uint32_t i = 0; i < count; ++i) {
        MARGRAVE_TRY(GuardEntry entry, read_entry(in));
        r.entries.push_back(std::move(entry));
    }
    return GuardRecord{std::move(r)};
}

Result<GuardRecord> read_close(ByteReader& in) {
    CloseRecord r;
    MARGRAVE_TRY(r.subject, in.hash32());
    MARGRAVE_TRY(r.from, in.u64());
    MARGRAVE_TRY(r.reason, read_text(in));
    return GuardRecord{std::move(r)};
}

Result<GuardRecord> read_guard_record(ByteReader& in) {
    MARGRAVE_TRY(const std::uint8_t kind, in.u8());
    switch (static_cast<GuardKind>(kind)) {
        case GuardKind::kStatement: {
            MARGRAVE_TRY(GuardEntry entry, read_entry(in));
            return GuardRecord{StatementRecord{std::move(entry)}};
        }
        case GuardKind::kPlace:
            return read_place(in);
        case GuardKind::kImport:
            return read_import(in);
        case GuardKind::kClose:
            return read_close(in);
    }
    return fail(
        Errc::kCorrupt,
        "kind " + std::to_string(kind) +
            ", which this version does not know; use the version that "
            "wrote it"
    );
}

}  // namespace

Bytes encode_guard(const GuardRecord& record) {
    GuardWriter writer;
    std::visit(writer, record);
    return std::move(writer.out);
}

Result<GuardRecord> decode_guard(ByteView bytes) {
    ByteReader in(bytes);
    MARGRAVE_TRY(auto record, read_guard_record(in));
    MARGRAVE_TRY(in.finish());
    return record;
}

}  // namespace margrave::store::detail
