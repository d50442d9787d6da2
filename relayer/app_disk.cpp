// SPDX-License-Identifier: Apache-2.0
// Room on the disks: work stops before one is full, and goes on when there is room again.
#include "relayer/app.hpp"

namespace margrave::relayer {

namespace {

constexpr unsigned kMegabyteShift = 20;

}  // namespace

Result<void> App::open_disk() {
    infra::DiskWatch::Settings watched;
    watched.places = {settings_.data_dir, settings_.guard.dir, settings_.guard.mark};
    watched.reserve_bytes = settings_.disk_reserve_mb << kMegabyteShift;
    watched.ballast = settings_.data_dir / "ballast";
    watched.ballast_bytes = settings_.ballast_mb << kMegabyteShift;
    disk_ = std::make_unique<infra::DiskWatch>(std::move(watched));
    std::string shortage = disk_->shortage();
    if (!shortage.empty()) {
        return fail(Errc::kLimit, std::move(shortage));
    }
    const auto made = disk_->make_ballast();
    if (!made) {
        log_.warn("disk.no_ballast", {{"reason", made.error()}});
    }
    return ok();
}

bool App::is_disk_short() {
    std::string now = disk_->shortage();
    if (now.empty() && !disk_shortage_.empty()) {
        log_.info("disk.room_again", {{"free", disk_->free()}});
        const auto made = disk_->make_ballast();
        if (!made) {
            log_.warn("disk.no_ballast", {{"reason", made.error()}});
        }
    }
    disk_shortage_ = std::move(now);
    if (disk_shortage_.empty()) {
        return false;
    }
    if (const auto skipped = disk_limiter_.pass()) {
        log_.error("disk.short", {{"reason", disk_shortage_}, {"skipped", *skipped}});
    }
    return true;
}

void App::release_disk() {
    if (!disk_->shortage().empty() && disk_->release_ballast()) {
        log_.warn("disk.ballast_released", {{"free", disk_->free()}});
    }
}

}  // namespace margrave::relayer
