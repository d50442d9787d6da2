// SPDX-License-Identifier: Apache-2.0
#include "infra/disk_watch.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <sys/stat.h>
#include <unistd.h>

namespace margrave::infra {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kReserve = 64 << 20;
constexpr std::uint64_t kBallast = 1 << 20;

class DiskRoom : public testing::Test {
  protected:
    void SetUp() override {
        std::string text = testing::TempDir() + "margrave-disk-XXXXXX";
        ASSERT_NE(::mkdtemp(text.data()), nullptr);
        dir = text;
        room[dir / "data"] = 10 * kReserve;
        room[dir / "mark"] = 10 * kReserve;
        room[dir / "ballast"] = 10 * kReserve;
    }

    void TearDown() override { fs::remove_all(dir); }

    DiskWatch watch() {
        DiskWatch::Settings settings{
            {dir / "data", dir / "mark"}, kReserve, dir / "ballast", kBallast};
        return DiskWatch(settings, [this](const fs::path& place) -> Result<std::uint64_t> {
            return room.at(place);
        });
    }

    fs::path dir;
    std::map<fs::path, std::uint64_t> room;
};

TEST_F(DiskRoom, WithRoomEverywhereThereIsNoShortage) {
    DiskWatch disk = watch();
    EXPECT_EQ(disk.shortage(), "");
    EXPECT_EQ(disk.free(), 10 * kReserve);
}

TEST_F(DiskRoom, OneDiskThatIsShortIsEnoughAndIsNamed) {
    DiskWatch disk = watch();
    room[dir / "mark"] = kReserve - 1;
    const std::string words = disk.shortage();
    EXPECT_NE(words.find((dir / "mark").string()), std::string::npos) << words;
    EXPECT_NE(words.find("63 MiB left"), std::string::npos) << words;
    EXPECT_EQ(disk.free(), kReserve - 1);
}

TEST_F(DiskRoom, WorkGoesOnOnlyWithMoreThanTheReserve) {
    DiskWatch disk = watch();
    room[dir / "data"] = kReserve;
    EXPECT_EQ(disk.shortage(), "");
    room[dir / "data"] = kReserve - 1;
    EXPECT_NE(disk.shortage(), "");
    room[dir / "data"] = kReserve;
    EXPECT_NE(disk.shortage(), "");
    room[dir / "data"] = kReserve + kReserve / 8;
    EXPECT_EQ(disk.shortage(), "");
}

TEST_F(DiskRoom, BallastHoldsBlocksAndComesAndGoes) {
    DiskWatch disk = watch();
    EXPECT_FALSE(disk.has_ballast());
    EXPECT_TRUE(disk.make_ballast().value());

    struct stat facts {};

    ASSERT_EQ(::stat((dir / "ballast").c_str(), &facts), 0);
    EXPECT_EQ(static_cast<std::uint64_t>(facts.st_size), kBallast);
    EXPECT_GE(static_cast<std::uint64_t>(facts.st_blocks) * 512, kBallast);
    EXPECT_TRUE(disk.make_ballast().value());
    room[dir / "data"] = 0;
    EXPECT_NE(disk.shortage().find("delete " + (dir / "ballast").string()), std::string::npos);
    EXPECT_TRUE(disk.release_ballast());
    EXPECT_FALSE(disk.release_ballast());
    EXPECT_FALSE(fs::exists(dir / "ballast"));
}

TEST_F(DiskRoom, BallastIsNotMadeOfTheReserve) {
    DiskWatch disk = watch();
    room[dir / "ballast"] = 2 * kReserve + kBallast - 1;
    EXPECT_FALSE(disk.make_ballast().value());
    EXPECT_FALSE(disk.has_ballast());
}

TEST_F(DiskRoom, NoReserveWatchesNothing) {
    DiskWatch disk({{dir / "data"}, 0, dir / "ballast", 0}, [](const fs::path&) {
        return Result<std::uint64_t>(0);
    });
    EXPECT_EQ(disk.shortage(), "");
    EXPECT_FALSE(disk.make_ballast().value());
}

TEST_F(DiskRoom, RoomOfAPlaceThatIsNotThereYetIsThatOfItsDisk) {
    const auto here = free_bytes(dir);
    const auto below = free_bytes(dir / "not" / "yet");
    ASSERT_TRUE(here.has_value() && below.has_value());
    EXPECT_GT(here.value(), 0U);
    EXPECT_GT(below.value(), 0U);
}

}  // namespace
}  // namespace margrave::infra
