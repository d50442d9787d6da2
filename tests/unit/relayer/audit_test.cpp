// SPDX-License-Identifier: Apache-2.0
#include "relayer/audit.hpp"

#include "tests/unit/relayer/fixture.hpp"

#include <fstream>
#include <iterator>

namespace margrave::relayer::tests {
namespace {

class AuditTest : public WorldTest {
  protected:
    void SetUp() override {
        world.settle(0, {deposit(account(1), coin(), eth(2))});
        world.settle(0, {withdrawal_request(account(1), coin(), eth(1))});
        log = world.settings.data_dir / "log";
    }

    [[nodiscard]] Result<PublishedLog> read() const {
        return read_published(log, world.settings.genesis.network());
    }

    /// The one bundle of a small log.
    [[nodiscard]] std::filesystem::path bundle() const {
        const auto parts = log / "tile" / "entries" / "000.p";
        return parts / std::to_string(world.database->leaf_count());
    }

    static std::string load(const std::filesystem::path& file) {
        std::ifstream in(file, std::ios::binary);
        return {std::istreambuf_iterator<char>(in), {}};
    }

    static void save(const std::filesystem::path& file, const std::string& bytes) {
        std::ofstream out(file, std::ios::binary | std::ios::trunc);
        out << bytes;
    }

    /// Changes the first `from` in the bundle to `to`, of the same length.
    void edit(const std::string& from, const std::string& to) {
        std::string bytes = load(bundle());
        const auto at = bytes.find(from);
        ASSERT_NE(at, std::string::npos);
        bytes.replace(at, from.size(), to);
        save(bundle(), bytes);
    }

    void expect_refused(Errc code, std::string_view words) const {
        const auto published = read();
        ASSERT_FALSE(published.has_value());
        EXPECT_EQ(published.error().code, code) << published.error().detail;
        EXPECT_NE(published.error().detail.find(words), std::string::npos)
            << published.error().detail;
    }

    std::filesystem::path log;
};

TEST_F(AuditTest, PublishedLogHoldsWithNothingButTheNetworkBelieved) {
    const auto published = read();
    ASSERT_OK(published);
    EXPECT_EQ(published.value().signers, world.settings.genesis.signers);
    EXPECT_EQ(published.value().log.entries.size(), world.database->leaf_count());
    const auto report = attest::audit(
        world.settings.genesis.network(),
        published.value().log.entries,
        published.value().signers,
        published.value().threshold
    );
    EXPECT_TRUE(report.findings.empty()) << report.findings.front().what;
    EXPECT_EQ(report.last_round, world.scribe->last().round);
    EXPECT_EQ(report.last_digest, world.scribe->last_digest());
    EXPECT_EQ(report.releases, 1U);
}

TEST_F(AuditTest, LogOfManyKindsAndARestartHolds) {
    give_loan(account(2), 1, 1'000);
    world.eth_price = usd("1100");
    ASSERT_OK(world.round());
    world.settle(0, {withdrawal_request(account(1), coin(), eth(100))});
    world.settings.parameters.validity_s = 700;
    ASSERT_OK(world.start());
    world.settle(0, {deposit(account(3), coin(), eth(1))});
    const auto published = read();
    ASSERT_OK(published);
    const auto report = attest::audit(
        world.settings.genesis.network(),
        published.value().log.entries,
        published.value().signers,
        published.value().threshold
    );
    EXPECT_TRUE(report.findings.empty()) << report.findings.front().what;
    EXPECT_GE(report.seizures, 1U);
}

TEST_F(AuditTest, EditedLeafIsNamed) {
    edit("\"accountCount\":\"1\"", "\"accountCount\":\"2\"");
    expect_refused(Errc::kCheckFailed, "entry");
}

TEST_F(AuditTest, BundleCutInsideTheFirstEntriesIsNamed) {
    save(bundle(), load(bundle()).substr(0, 40));
    expect_refused(Errc::kCorrupt, "ends inside entry 0");
}

TEST_F(AuditTest, BundleCutBehindThemIsNamed) {
    const std::string bytes = load(bundle());
    save(bundle(), bytes.substr(0, bytes.size() - 5));
    expect_refused(Errc::kCorrupt, "tile/entries/000");
}

TEST_F(AuditTest, LogOfAnotherNetworkIsRefused) {
    const auto published = read_published(log, keccak256("another network"));
    ASSERT_FALSE(published.has_value());
    EXPECT_EQ(published.error().code, Errc::kCheckFailed);
    EXPECT_NE(published.error().detail.find("network"), std::string::npos)
        << published.error().detail;
}

TEST_F(AuditTest, KeyThatNoSignerSignedIsRefused) {
    auto other = attest::SecretKey::parse(std::string(64, '2'));
    const auto stranger = attest::make_local_signer(std::move(other.value()));
    const std::string bytes = load(bundle());
    const auto published = read();
    ASSERT_OK(published);
    const Hash32 network = world.settings.genesis.network();
    const std::string& vkey = published.value().vkey;
    const Hash32 statement = attest::key_statement(network, vkey);
    const SignerSignature signature{stranger->address(), stranger->sign(statement).value()};
    const Bytes theirs = attest::key_leaf(network, vkey, signature);
    const Bytes& ours = published.value().log.entries[1];
    ASSERT_EQ(theirs.size(), ours.size());
    edit(std::string(as_text(ours)), std::string(as_text(theirs)));
    expect_refused(Errc::kSignature, "no signer of this network");
}

TEST_F(AuditTest, CheckpointOfAnotherKeyIsRefused) {
    auto other = attest::SecretKey::parse(std::string(64, '2'));
    const attest::LogKey key = attest::derive_log_key(other.value());
    const auto published = read();
    ASSERT_OK(published);
    save(log / "checkpoint", attest::sign_checkpoint(published.value().log.checkpoint, key));
    EXPECT_ERRC(read(), Errc::kSignature);
}

TEST_F(AuditTest, DirectoryWithoutALogSaysSo) {
    const auto published = read_published(world.dir.path(), world.settings.genesis.network());
    ASSERT_FALSE(published.has_value());
    EXPECT_EQ(published.error().code, Errc::kNotFound);
    EXPECT_NE(published.error().detail.find("no log at"), std::string::npos);
}

}  // namespace
}  // namespace margrave::relayer::tests
