// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/keccak.hpp"
#include "store/guard.hpp"
#include "tests/unit/store/fixture.hpp"

#include <fstream>
#include <memory>

namespace margrave::store::test {

namespace fs = std::filesystem;

inline const Hash32 kAttestation = keccak256("attestation");

inline Head head_at(std::uint64_t chain, std::uint64_t number, std::uint64_t hash) {
    Head head;
    head.chain = ChainId::evm(chain);
    head.number = BlockNum{number};
    head.hash = word(hash);
    head.events = number * 2;
    head.accumulator = word(hash + 1);
    return head;
}

inline GuardEntry entry(std::uint64_t epoch, std::uint64_t digest, std::vector<Head> as_of = {}) {
    GuardEntry e;
    e.signer = address(1);
    e.domain = word(2);
    e.subject = kAttestation;
    e.epoch = epoch;
    e.digest = word(digest);
    e.message = to_bytes("message " + std::to_string(digest));
    e.as_of = std::move(as_of);
    return e;
}

/// A guard directory and its mark, open.
class GuardTest : public ::testing::Test {
  protected:
    GuardTest() { reopen(); }

    [[nodiscard]] fs::path guard_dir() const { return dir_.path() / "guard"; }

    [[nodiscard]] fs::path log_file() const { return guard_dir() / "log"; }

    [[nodiscard]] fs::path mark() const { return dir_.path() / "guard.mark"; }

    Result<std::unique_ptr<SigningGuard>> open() {
        return SigningGuard::open(guard_dir(), mark(), network());
    }

    void close() { guard_.reset(); }

    void reopen() {
        close();
        guard_ = STORE_OK(open());
    }

    void record(const GuardEntry& e) { EXPECT_EQ(STORE_OK(guard_->record(e)), GuardVerdict::kNew); }

    void three() {
        record(entry(1, 10));
        record(entry(2, 20));
        record(entry(3, 30));
    }

    static void flip(const fs::path& file, std::uint64_t at) {
        std::fstream f(file, std::ios::in | std::ios::out | std::ios::binary);
        f.seekg(static_cast<std::streamoff>(at));
        const int byte = f.get();
        f.seekp(static_cast<std::streamoff>(at));
        f.put(static_cast<char>(byte ^ 0x01));
    }

    TempDir dir_;
    std::unique_ptr<SigningGuard> guard_;
};

}  // namespace margrave::store::test
