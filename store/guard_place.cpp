// SPDX-License-Identifier: Apache-2.0
// How a guard is opened, and where it may lie.
#include "core/assert.hpp"
#include "core/keccak.hpp"
#include "store/detail/guard_impl.hpp"
#include "store/guard.hpp"

#include <fstream>

namespace margrave::store {

namespace {

constexpr std::size_t kReasonMax = 1000;

std::string short_hex(const Hash32& machine) {
    constexpr std::size_t kDigits = 10;
    return machine.is_zero() ? "unnamed" : to_hex(machine).substr(0, kDigits);
}

}  // namespace

// systemd's machine-id(5) asks that the id itself is not shown: a keyed hash stands for it.
Hash32 this_machine() {
    std::ifstream file("/etc/machine-id");
    std::string id;
    if (!std::getline(file, id) || id.empty() || id == "uninitialized") {
        return {};
    }
    return keccak256("margrave guard machine v1 " + id);
}

Result<std::unique_ptr<SigningGuard>> SigningGuard::open(
    const std::filesystem::path& dir, const std::filesystem::path& mark_file, const Hash32& network
) {
    return open(GuardPlace{dir, mark_file, network});
}

// A guard without a place has no record yet, or is of a version that kept none. It is bound to
// where it is met first.
Result<std::unique_ptr<SigningGuard>> SigningGuard::open(const GuardPlace& place) {
    auto impl = std::make_unique<Impl>();
    impl->place = place;
    MARGRAVE_TRY(impl->open(detail::GuardLog::Missing::kMake));
    if (impl->made_at) {
        MARGRAVE_TRY(impl->check_place());
    }
    MARGRAVE_TRY(impl->log->mend());
    impl->note = impl->log->note();
    if (!impl->made_at) {
        if (impl->log->count() > 0) {
            impl->note += impl->note.empty() ? "" : "; ";
            impl->note += "bound to this machine and directory";
        }
        MARGRAVE_TRY(auto here, impl->here({}));
        MARGRAVE_TRY(impl->append(std::move(here)));
    }
    return std::unique_ptr<SigningGuard>(new SigningGuard(std::move(impl)));
}

Result<std::unique_ptr<SigningGuard>> SigningGuard::look(const GuardPlace& place) {
    auto impl = std::make_unique<Impl>();
    impl->place = place;
    MARGRAVE_TRY(impl->open(detail::GuardLog::Missing::kRefuse));
    if (impl->made_at) {
        MARGRAVE_TRY(impl->check_place());
    }
    return std::unique_ptr<SigningGuard>(new SigningGuard(std::move(impl)));
}

Result<std::unique_ptr<SigningGuard>> SigningGuard::adopt(
    const GuardPlace& place, const std::string& reason
) {
    if (reason.empty() || reason.size() > kReasonMax) {
        return fail(
            Errc::kUsage,
            "a reason has 1 to " + std::to_string(kReasonMax) + " bytes, this one " +
                std::to_string(reason.size())
        );
    }
    auto impl = std::make_unique<Impl>();
    impl->place = place;
    MARGRAVE_TRY(impl->open(detail::GuardLog::Missing::kRefuse));
    MARGRAVE_TRY(impl->log->mend());
    impl->note = impl->log->note();
    MARGRAVE_TRY(auto here, impl->here(reason));
    MARGRAVE_TRY(impl->append(std::move(here)));
    return std::unique_ptr<SigningGuard>(new SigningGuard(std::move(impl)));
}

Result<void> SigningGuard::Impl::open(detail::GuardLog::Missing missing) {
    const auto visit = [this](std::uint64_t offset, ByteView payload) {
        return load_record(offset, payload);
    };
    MARGRAVE_TRY(
        log, detail::GuardLog::open(place.dir, place.mark_file, place.network, missing, visit)
    );
    return ok();
}

Result<void> SigningGuard::Impl::load_record(std::uint64_t offset, ByteView payload) {
    const auto trouble = [&](const Error& error) {
        return fail(
            Errc::kCorrupt,
            "signing guard " + place.dir.string() + ": record at " + std::to_string(offset) + ": " +
                error.detail + ". Nothing is signed until a person has found out what was signed"
        );
    };
    auto record = detail::decode_guard(payload);
    if (!record) {
        return trouble(record.error());
    }
    const Result<void> applied =
        std::visit([&](const auto& r) { return apply(r, offset); }, record.value());
    return applied ? ok() : Result<void>(trouble(applied.error()));
}

Result<void> SigningGuard::Impl::apply(
    const detail::PlaceRecord& record, std::uint64_t /*offset*/
) {
    made_at = record;
    adoptions += record.reason.empty() ? 0U : 1U;
    return ok();
}

Result<detail::PlaceRecord> SigningGuard::Impl::here(const std::string& reason) const {
    detail::PlaceRecord out;
    out.machine = place.machine;
    out.reason = reason;
    MARGRAVE_TRY(out.log, log->log_identity());
    MARGRAVE_TRY(out.mark, log->mark_identity());
    return out;
}

Result<void> SigningGuard::Impl::check_place() const {
    MARGRAVE_TRY(const auto now, here({}));
    std::string what;
    if (!made_at->machine.is_zero() && now.machine != made_at->machine) {
        what = "it belongs to machine " + short_hex(made_at->machine) + ", this is machine " +
               short_hex(now.machine) + ": its disk was moved or cloned, or it was copied";
    } else if (!detail::is_same_file(now.log, made_at->log)) {
        what =
            "its file \"log\" is not the one it was made with: it is a copy, or was restored "
            "from one";
    } else if (!detail::is_same_file(now.mark, made_at->mark)) {
        what = "its mark " + place.mark_file.string() +
               " is not the file it was made with: it is a copy, or was restored from one";
    }
    if (what.empty()) {
        return ok();
    }
    return fail(
        Errc::kUnsafe,
        "signing guard " + place.dir.string() + ": " + what +
            ". A copy does not know what was signed since it was made, and the original may still "
            "be signing. Nothing is signed here. If this is the newest guard and no other process "
            "can ever sign with this key again: margrave guard adopt --reason \"...\""
    );
}

GuardState SigningGuard::state() const {
    const std::lock_guard<std::mutex> held(impl_->lock);
    GuardState out;
    out.statements = impl_->statements;
    out.watermarks = impl_->watermarks;
    out.subjects = impl_->subjects.size();
    out.records = impl_->log->count();
    out.link = impl_->log->link();
    out.adoptions = impl_->adoptions;
    if (impl_->made_at) {
        out.machine = impl_->made_at->machine;
        out.adopted_because = impl_->made_at->reason;
    }
    for (const detail::CloseRecord& closing : impl_->closings) {
        out.closed += out.closed.empty() ? "" : "; ";
        out.closed +=
            closing.subject.is_zero() ? "everything" : "subject " + to_hex(closing.subject);
        out.closed += " from epoch " + std::to_string(closing.from) + " on: " + closing.reason;
    }
    return out;
}

}  // namespace margrave::store
