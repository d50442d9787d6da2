// SPDX-License-Identifier: Apache-2.0
#include "attest/detail/tiles.hpp"
#include "attest/tlog.hpp"
#include "tests/unit/attest/samples.hpp"

#include <fstream>

namespace margrave::attest {
namespace {

using namespace tests;
namespace fs = std::filesystem;

void overwrite(const fs::path& file, std::string_view bytes) {
    std::ofstream(file, std::ios::binary | std::ios::trunc) << bytes;
}

class ReadLog : public ::testing::Test {
  protected:
    void make(std::size_t count) {
        entries_.clear();
        for (std::size_t i = 0; i < count; ++i) {
            entries_.push_back(to_bytes("entry number " + std::to_string(i)));
        }
        publish_once(dir_.path(), entries_);
    }

    [[nodiscard]] Result<LogReader> read() const { return read_log(dir_.path(), vkey_); }

    [[nodiscard]] std::string bytes_of(const std::string& path) const {
        return *read_file((dir_.path() / path).string());
    }

    void expect_error(Errc code, const std::string& word) const {
        const auto result = read();
        ASSERT_FALSE(result);
        EXPECT_EQ(result.error().code, code) << result.error().detail;
        EXPECT_NE(result.error().detail.find(word), std::string::npos) << result.error().detail;
    }

    TempDir dir_;
    std::vector<Bytes> entries_;
    std::string vkey_ = log_vkey(sample_origin(), sample_log_key());
};

TEST_F(ReadLog, GivesEveryEntryInOrder) {
    for (const std::size_t size : {1U, 2U, 255U, 256U, 257U, 700U}) {
        const TempDir dir;
        make(size);
        const auto log = read();
        ASSERT_TRUE(log) << log.error().detail;
        EXPECT_EQ(log.value().entries, entries_);
        fs::remove_all(dir_.path());
    }
}

TEST_F(ReadLog, EveryFlippedByteOfEveryFileIsFound) {
    make(40);
    std::size_t flips = 0;
    for (const std::string path : {"checkpoint", "tile/0/000.p/40", "tile/entries/000.p/40"}) {
        const std::string good = bytes_of(path);
        for (std::size_t i = 0; i < good.size(); ++i) {
            std::string bad = good;
            bad[i] = static_cast<char>(bad[i] ^ (1 << (i % 8)));
            overwrite(dir_.path() / path, bad);
            ASSERT_FALSE(read()) << path << " byte " << i;
            ++flips;
        }
        overwrite(dir_.path() / path, good);
    }
    EXPECT_GT(flips, 2000U);
    EXPECT_TRUE(read());
}

TEST_F(ReadLog, AChangedEntryIsNamedByFileAndNumber) {
    make(300);
    std::string bundle = bytes_of("tile/entries/001.p/44");
    bundle[bundle.find("entry number 273")] = 'E';
    overwrite(dir_.path() / "tile/entries/001.p/44", bundle);
    expect_error(Errc::kCheckFailed, "tile/entries/001 entry 17 (entry 273 of the log)");
}

TEST_F(ReadLog, AChangedTileAboveTheFirstIsNamed) {
    make(600);
    std::string tile = bytes_of("tile/1/000.p/2");
    tile[33] ^= 1;
    overwrite(dir_.path() / "tile/1/000.p/2", tile);
    expect_error(Errc::kCheckFailed, "tile/1/000.p/2 hash 1");
}

TEST_F(ReadLog, AMissingFileIsNamed) {
    make(300);
    fs::remove(dir_.path() / "tile/entries/000");
    expect_error(Errc::kCorrupt, "tile/entries/000 is missing");
    fs::remove_all(dir_.path());
    expect_error(Errc::kCorrupt, "no checkpoint");
}

TEST_F(ReadLog, ATruncatedBundleIsNamedWithItsEntry) {
    make(20);
    const std::string bundle = bytes_of("tile/entries/000.p/20");
    overwrite(dir_.path() / "tile/entries/000.p/20", bundle.substr(0, bundle.size() - 1));
    expect_error(Errc::kCorrupt, "tile/entries/000.p/20 is cut at entry 19");
    overwrite(dir_.path() / "tile/entries/000.p/20", bundle + "x");
    expect_error(Errc::kCorrupt, "after entry 19");
}

TEST_F(ReadLog, AMissingEntryIsFound) {
    make(20);
    std::vector<Bytes> without = entries_;
    without.erase(without.begin() + 7);
    without.push_back(to_bytes("entry number 20"));
    const std::string path = "tile/entries/000.p/20";
    overwrite(dir_.path() / path, as_text(detail::bundle_bytes(without)));
    expect_error(Errc::kCheckFailed, "entry 7");
}

// An editor of entries, tiles and everything else still lacks the log's key.
TEST_F(ReadLog, ARewrittenLogWithTheOldCheckpointIsFound) {
    make(20);
    const std::string checkpoint = bytes_of("checkpoint");
    fs::remove_all(dir_.path());
    entries_[3] = to_bytes("another");
    publish_once(dir_.path(), entries_);
    EXPECT_TRUE(read());
    overwrite(dir_.path() / "checkpoint", checkpoint);
    expect_error(Errc::kCheckFailed, "the checkpoint signs");
}

TEST_F(ReadLog, AForgedCheckpointIsRefused) {
    make(5);
    const LogKey forger = derive_log_key(key_of("forger"));
    const Checkpoint claim{sample_origin(), 5, keccak256("root")};
    overwrite(dir_.path() / "checkpoint", sign_checkpoint(claim, forger));
    expect_error(Errc::kSignature, "no signature by");
}

TEST_F(ReadLog, AnotherLogsCheckpointOrKeyIsRefused) {
    make(5);
    const std::string good = bytes_of("checkpoint");
    const Checkpoint claim{"margrave.other", 5, Hash32{}};
    overwrite(dir_.path() / "checkpoint", sign_checkpoint(claim, sample_log_key()));
    expect_error(Errc::kSignature, "no signature by");
    overwrite(dir_.path() / "checkpoint", good);
    EXPECT_FALSE(read_log(dir_.path(), log_vkey("margrave.other", sample_log_key())));
    EXPECT_FALSE(read_log(dir_.path(), "not a key"));
}

TEST_F(ReadLog, ASignedSizeBeyondTheFilesIsFound) {
    make(5);
    const Checkpoint claim{sample_origin(), 6, keccak256("root")};
    overwrite(dir_.path() / "checkpoint", sign_checkpoint(claim, sample_log_key()));
    expect_error(Errc::kCorrupt, "tile/entries/000.p/6 is missing");
}

// A reader that comes with the checkpoint of a minute ago finds its partial tiles replaced.
TEST_F(ReadLog, AnOlderCheckpointReadsFromTheFullTilesThatFollowed) {
    make(250);
    const std::string older = bytes_of("checkpoint");
    auto log = TileLog::open(dir_.path(), sample_origin(), 250, reader_of(entries_)).value();
    for (int i = 0; i < 20; ++i) {
        ASSERT_TRUE(log->append(as_bytes("later")));
    }
    ASSERT_TRUE(log->publish(sample_log_key()));
    ASSERT_FALSE(fs::exists(dir_.path() / "tile/0/000.p"));
    overwrite(dir_.path() / "checkpoint", older);
    const auto reader = read();
    ASSERT_TRUE(reader) << reader.error().detail;
    EXPECT_EQ(reader.value().entries, entries_);
}

}  // namespace
}  // namespace margrave::attest
