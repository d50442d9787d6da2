// SPDX-License-Identifier: Apache-2.0
#include "config/settings.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

namespace margrave::config {
namespace {

namespace fs = std::filesystem;
using Kind = SecretSource::Kind;

class Secret : public testing::Test {
  protected:
    Secret() {
        const auto* test = testing::UnitTest::GetInstance()->current_test_info();
        dir_ = fs::temp_directory_path() / (std::string("margrave-secret-") + test->name());
        fs::remove_all(dir_);
        fs::create_directories(dir_);
    }

    ~Secret() override { fs::remove_all(dir_); }

    [[nodiscard]] SecretSource file(std::string_view content) const {
        std::ofstream(dir_ / "secret") << content;
        return {Kind::kFile, (dir_ / "secret").string()};
    }

    [[nodiscard]] const fs::path& dir() const { return dir_; }

  private:
    fs::path dir_;
};

TEST_F(Secret, FromAFileLosesItsLineEndOnly) {
    EXPECT_EQ(read_secret(file("pass word \n")).value(), "pass word ");
    EXPECT_EQ(read_secret(file("pass\r\n")).value(), "pass");
    EXPECT_EQ(read_secret(file("pass\n\n")).value(), "pass\n");
    EXPECT_EQ(read_secret(file("pass")).value(), "pass");
    EXPECT_EQ(read_secret(file(std::string(4096, 'x') + "\n")).value().size(), 4096U);
}

TEST_F(Secret, ThatIsEmptyOrTooLongIsRefusedWithoutItsText) {
    for (const std::string& content :
         {std::string(), std::string("\n"), std::string(4097, 'x'), std::string(10'000, 'x')}) {
        const Result<std::string> secret = read_secret(file(content));
        ASSERT_FALSE(secret) << content.size();
        EXPECT_EQ(secret.error().code, Errc::kConfig);
        EXPECT_EQ(secret.error().detail.find("xxx"), std::string::npos);
        EXPECT_NE(secret.error().detail.find((dir() / "secret").string()), std::string::npos);
    }
}

TEST_F(Secret, ThatIsNotThereNamesItsSource) {
    const auto words = [](const SecretSource& source) {
        return read_secret(source).error().detail;
    };
    EXPECT_NE(words({Kind::kFile, "/nonexistent/pw"}).find("/nonexistent/pw"), std::string::npos);
    EXPECT_NE(
        words({Kind::kEnvironment, "MARGRAVE_NOT_SET"}).find("MARGRAVE_NOT_SET is not set"),
        std::string::npos
    );
    ::unsetenv("CREDENTIALS_DIRECTORY");
    EXPECT_NE(words({Kind::kCredential, "pw"}).find("LoadCredential=pw"), std::string::npos);
    EXPECT_NE(words({}).find("no source"), std::string::npos);
}

TEST_F(Secret, FromCredentialAndEnvironment) {
    static_cast<void>(file("from systemd\n"));
    ::setenv("CREDENTIALS_DIRECTORY", dir().c_str(), 1);
    EXPECT_EQ(read_secret({Kind::kCredential, "secret"}).value(), "from systemd");
    ::unsetenv("CREDENTIALS_DIRECTORY");
    ::setenv("MARGRAVE_TEST_SECRET", "from environment", 1);
    EXPECT_EQ(
        read_secret({Kind::kEnvironment, "MARGRAVE_TEST_SECRET"}).value(), "from environment"
    );
    ::unsetenv("MARGRAVE_TEST_SECRET");
}

}  // namespace
}  // namespace margrave::config
