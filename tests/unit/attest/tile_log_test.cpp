// SPDX-License-Identifier: Apache-2.0
#include "attest/detail/tiles.hpp"
#include "attest/tlog.hpp"
#include "tests/unit/attest/samples.hpp"

#include <fstream>
#include <map>

namespace margrave::attest {
namespace {

using namespace tests;
using nlohmann::json;
namespace fs = std::filesystem;

std::map<std::string, std::string> files_of(const fs::path& dir) {
    std::map<std::string, std::string> out;
    for (const auto& entry : fs::recursive_directory_iterator(dir)) {
        if (entry.is_regular_file()) {
            out[fs::relative(entry.path(), dir).string()] = *read_file(entry.path().string());
        }
    }
    return out;
}

std::vector<Bytes> numbered(std::size_t count) {
    std::vector<Bytes> out;
    for (std::size_t i = 0; i < count; ++i) {
        out.push_back(to_bytes("leaf " + std::to_string(i)));
    }
    return out;
}

void overwrite(const fs::path& file, const std::string& bytes) {
    std::ofstream(file, std::ios::binary | std::ios::trunc) << bytes;
}

Result<std::unique_ptr<TileLog>> reopen(const fs::path& dir, const std::vector<Bytes>& entries) {
    return TileLog::open(dir, sample_origin(), entries.size(), reader_of(entries));
}

TEST(TilePaths, AreThoseOfTheSpecification) {
    EXPECT_EQ(detail::index_path(1'234'067), "x001/x234/067");
    EXPECT_EQ(detail::index_path(0), "000");
    EXPECT_EQ(detail::index_path(999), "999");
    EXPECT_EQ(detail::index_path(1000), "x001/000");
    EXPECT_EQ(detail::tile_path(2, 67, 256), "tile/2/067");
    EXPECT_EQ(detail::tile_path(0, 1067, 12), "tile/0/x001/067.p/12");
    EXPECT_EQ(detail::bundle_path(3, 255), "tile/entries/003.p/255");
}

TEST(TileLog, TheTesseraLogIsMadeToTheByte) {
    MARGRAVE_SKIP_WITHOUT_VECTORS();
    const json vector = public_vectors("transparency-log.json")["tlog_tiles_log"];
    const std::string vkey = vector["vkey"];
    const LogKey key = key_of_go(text_of(vector["skey_public_test_key"]));
    const std::string origin = vkey.substr(0, vkey.find('+'));
    EXPECT_EQ(log_vkey(origin, key), vkey);

    const TempDir dir;
    auto log = TileLog::open(dir.path(), origin, 0, reader_of({})).value();
    for (std::size_t size = 0; size <= vector["leaves_ascii"].size(); ++size) {
        if (size > 0) {
            ASSERT_TRUE(log->append(as_bytes(vector["leaves_ascii"][size - 1].get<std::string>())));
        }
        ASSERT_TRUE(log->publish(key));
        EXPECT_EQ(
            *read_file((dir.path() / "checkpoint").string()), text_of(vector["checkpoints"][size])
        );
        if (size == 1) {
            const auto bundle = read_file((dir.path() / "tile/entries/000.p/1").string());
            EXPECT_EQ(to_hex(as_bytes(*bundle)).substr(2), text_of(vector["entries_000_p_1_hex"]));
        }
    }
    const auto tile = read_file((dir.path() / "tile/0/000.p/15").string());
    EXPECT_EQ(to_hex(as_bytes(*tile)).substr(2), text_of(vector["tile_0_000_p_15_hex"]));
    const auto bundle = read_file((dir.path() / "tile/entries/000.p/15").string());
    EXPECT_EQ(to_hex(as_bytes(*bundle)).substr(2), text_of(vector["entries_000_p_15_hex"]));
}

// 70,000 entries need three tile levels; the shapes are the specification's own example.
TEST(TileLog, TileShapesOfALargeLogAreThoseOfTheSpecification) {
    const TempDir dir;
    publish_once(dir.path(), numbered(70'000));
    const auto has = [&dir](const char* path) {
        return fs::exists(dir.path() / path);
    };
    EXPECT_TRUE(has("tile/0/272"));
    EXPECT_FALSE(has("tile/0/273"));
    EXPECT_EQ(fs::file_size(dir.path() / "tile/0/273.p/112"), 112U * 32);
    EXPECT_EQ(fs::file_size(dir.path() / "tile/1/000"), 256U * 32);
    EXPECT_EQ(fs::file_size(dir.path() / "tile/1/001.p/17"), 17U * 32);
    EXPECT_EQ(fs::file_size(dir.path() / "tile/2/000.p/1"), 32U);
    EXPECT_FALSE(has("tile/3"));
    const auto read = read_log(dir.path(), log_vkey(sample_origin(), sample_log_key()));
    ASSERT_TRUE(read) << read.error().detail;
    EXPECT_EQ(read.value().entries.size(), 70'000U);
}

TEST(TileLog, AFullTileHasNoPartialBesideIt) {
    const TempDir dir;
    publish_once(dir.path(), numbered(256));
    const auto files = files_of(dir.path());
    EXPECT_EQ(files.size(), 4U);
    EXPECT_TRUE(files.contains("tile/0/000"));
    EXPECT_TRUE(files.contains("tile/entries/000"));
    EXPECT_TRUE(files.contains("tile/1/000.p/1"));
}

// Partial tiles of earlier checkpoints stay until the full tile is there; everything else is as if
// the log had been published once.
TEST(TileLog, ReopenedAndRepublishedAtAnySizeItEqualsOnePublication) {
    const Keys keys({"a"});
    const std::vector<Bytes> all = sample_log(700, keys);
    ASSERT_GT(all.size(), 1000U);
    const TempDir grown;
    for (std::size_t size = 0; size <= all.size();) {
        const std::vector<Bytes> some(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(size));
        auto log = reopen(grown.path(), some);
        ASSERT_TRUE(log) << size << ": " << log.error().detail;
        ASSERT_TRUE(log.value()->publish(sample_log_key()));
        // Some more without reopening, across a tile boundary now and then.
        const std::size_t more = std::min<std::size_t>(all.size() - size, size % 7 == 0 ? 90 : 13);
        for (std::size_t i = 0; i < more; ++i) {
            ASSERT_TRUE(log.value()->append(all[size + i]));
        }
        size += more;
        ASSERT_TRUE(log.value()->publish(sample_log_key()));
        if (size == all.size()) {
            break;
        }
    }
    const TempDir once;
    publish_once(once.path(), all);
    const auto expected = files_of(once.path());
    auto found = files_of(grown.path());
    for (const auto& [path, bytes] : expected) {
        ASSERT_TRUE(found.contains(path)) << path;
        EXPECT_EQ(found[path], bytes) << path;
        found.erase(path);
    }
    for (const auto& [path, bytes] : found) {
        const std::size_t partial = path.find(".p/");
        ASSERT_NE(partial, std::string::npos) << path << " is left over";
        const std::string newest = path.substr(0, partial + 3);
        const auto at = expected.lower_bound(newest);
        ASSERT_TRUE(at != expected.end() && at->first.starts_with(newest)) << path;
        EXPECT_TRUE(at->second.starts_with(bytes)) << path;
    }
    EXPECT_TRUE(read_log(grown.path(), log_vkey(sample_origin(), sample_log_key())));
}

TEST(TileLog, DeletedItIsMadeAgainWithTheSameBytes) {
    const std::vector<Bytes> entries = numbered(700);
    const TempDir dir;
    publish_once(dir.path(), entries);
    const auto before = files_of(dir.path());
    fs::remove_all(dir.path());
    publish_once(dir.path(), entries);
    EXPECT_EQ(files_of(dir.path()), before);
}

TEST(TileLog, PublishingNothingNewWritesNothing) {
    const std::vector<Bytes> entries = numbered(300);
    const TempDir dir;
    publish_once(dir.path(), entries);
    for (const auto& entry : fs::recursive_directory_iterator(dir.path())) {
        if (entry.is_regular_file()) {
            fs::last_write_time(entry.path(), fs::file_time_type{});
        }
    }
    auto log = reopen(dir.path(), entries).value();
    ASSERT_TRUE(log->publish(sample_log_key()));
    EXPECT_EQ(fs::last_write_time(dir.path() / "checkpoint"), fs::file_time_type{});
    ASSERT_TRUE(log->append(as_bytes("one more")));
    ASSERT_TRUE(log->publish(sample_log_key()));
    EXPECT_NE(fs::last_write_time(dir.path() / "checkpoint"), fs::file_time_type{});
    EXPECT_EQ(fs::last_write_time(dir.path() / "tile/0/000"), fs::file_time_type{});
    EXPECT_EQ(fs::last_write_time(dir.path() / "tile/entries/000"), fs::file_time_type{});
}

TEST(TileLog, AnEmptyLogHasACheckpointToo) {
    const TempDir dir;
    publish_once(dir.path(), {});
    const auto read = read_log(dir.path(), log_vkey(sample_origin(), sample_log_key()));
    ASSERT_TRUE(read) << read.error().detail;
    EXPECT_EQ(read.value().checkpoint.size, 0U);
    EXPECT_EQ(read.value().checkpoint.root, empty_root());
}

TEST(TileLog, AnEntryMayHaveNoByteOr65535AndNotOneMore) {
    const TempDir dir;
    auto log = reopen(dir.path(), {}).value();
    EXPECT_TRUE(log->append({}));
    EXPECT_TRUE(log->append(Bytes(65'535, 'x')));
    const auto refused = log->append(Bytes(65'536, 'x'));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::kLimit);
    EXPECT_EQ(log->size(), 2U);
    ASSERT_TRUE(log->publish(sample_log_key()));
    const auto read = read_log(dir.path(), log_vkey(sample_origin(), sample_log_key()));
    ASSERT_TRUE(read) << read.error().detail;
    EXPECT_EQ(read.value().entries[1].size(), 65'535U);
}

TEST(TileLog, AStoreThatWasRolledBackIsUnsafe) {
    const TempDir dir;
    publish_once(dir.path(), numbered(300));
    const auto opened = reopen(dir.path(), numbered(299));
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, Errc::kUnsafe);
    EXPECT_NE(opened.error().detail.find("300 entries, the store has 299"), std::string::npos);
}

TEST(TileLog, AStoreWithAnotherHistoryIsUnsafe) {
    const TempDir dir;
    publish_once(dir.path(), numbered(300));
    for (const std::size_t changed : {0U, 255U, 256U, 299U}) {
        std::vector<Bytes> entries = numbered(400);
        entries[changed] = to_bytes("another");
        const auto opened = reopen(dir.path(), entries);
        ASSERT_FALSE(opened) << changed;
        EXPECT_EQ(opened.error().code, Errc::kUnsafe) << opened.error().detail;
    }
    std::vector<Bytes> later = numbered(400);
    later[300] = to_bytes("another");
    EXPECT_TRUE(reopen(dir.path(), later));
}

TEST(TileLog, TheDirectoryOfAnotherLogIsUnsafe) {
    const TempDir dir;
    const std::vector<Bytes> entries = numbered(3);
    publish_once(dir.path(), entries);
    const auto opened = TileLog::open(dir.path(), "other.log", 3, reader_of(entries));
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, Errc::kUnsafe);
}

TEST(TileLog, ADamagedFileIsNamed) {
    const std::vector<Bytes> entries = numbered(600);
    const TempDir dir;
    publish_once(dir.path(), entries);
    for (const auto& [path, bytes] : files_of(dir.path())) {
        if (path == "checkpoint") {
            continue;
        }
        std::string flipped = bytes;
        flipped[flipped.size() / 2] ^= 1;
        for (const std::string& damage : {flipped, bytes.substr(1), bytes + "x", std::string()}) {
            overwrite(dir.path() / path, damage);
            const auto opened = reopen(dir.path(), entries);
            ASSERT_FALSE(opened) << path;
            EXPECT_EQ(opened.error().code, Errc::kCorrupt);
            EXPECT_NE(opened.error().detail.find(path), std::string::npos);
        }
        fs::remove(dir.path() / path);
        EXPECT_FALSE(reopen(dir.path(), entries)) << path;
        overwrite(dir.path() / path, bytes);
    }
    EXPECT_TRUE(reopen(dir.path(), entries));
}

TEST(TileLog, ADamagedCheckpointIsNotRead) {
    const std::vector<Bytes> entries = numbered(3);
    const TempDir dir;
    publish_once(dir.path(), entries);
    for (const char* text : {"", "nonsense", "a\nb\nc\n\n"}) {
        overwrite(dir.path() / "checkpoint", text);
        const auto opened = reopen(dir.path(), entries);
        ASSERT_FALSE(opened) << text;
        EXPECT_EQ(opened.error().code, Errc::kCorrupt);
    }
}

TEST(TileLog, AnOriginThatCannotStandInANoteIsRefused) {
    const TempDir dir;
    for (const char* origin : {"", "a b", "a+b", "a\n"}) {
        const auto opened = TileLog::open(dir.path(), origin, 0, reader_of({}));
        ASSERT_FALSE(opened);
        EXPECT_EQ(opened.error().code, Errc::kInvalid);
    }
}

TEST(TileLog, AFailedReadOfTheStoreIsPassedOn) {
    const TempDir dir;
    const auto opened = TileLog::open(dir.path(), "o", 2, reader_of(numbered(1)));
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, Errc::kNotFound);
}

// A crash between tiles and checkpoint leaves files that the next publication writes again.
TEST(TileLog, TilesWithoutACheckpointDoNoHarm) {
    const std::vector<Bytes> entries = numbered(300);
    const TempDir dir;
    publish_once(dir.path(), entries);
    const auto before = files_of(dir.path());
    fs::remove(dir.path() / "checkpoint");
    publish_once(dir.path(), entries);
    EXPECT_EQ(files_of(dir.path()), before);
}

// For the programs of other languages in tests/integration: MARGRAVE_SAMPLE_LOG names the folder
// that gets the directory of a log and, beside it, its verifier key.
TEST(SampleLog, IsWrittenWhereTheEnvironmentAsks) {
    const char* target = std::getenv("MARGRAVE_SAMPLE_LOG");
    if (target == nullptr) {
        GTEST_SKIP() << "MARGRAVE_SAMPLE_LOG does not name a folder to write a log to";
    }
    const fs::path dir(target);
    publish_once(dir / "log", sample_log(700, Keys({"a", "b", "c"})));
    overwrite(dir / "vkey", log_vkey(sample_origin(), sample_log_key()));
}

}  // namespace
}  // namespace margrave::attest
