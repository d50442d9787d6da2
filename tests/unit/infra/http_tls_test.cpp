// SPDX-License-Identifier: Apache-2.0
#include "infra/http_client.hpp"
#include "tests/support/loop.hpp"
#include "tests/support/self_signed.hpp"
#include "tests/support/tls_server.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <unistd.h>

namespace margrave::infra {
namespace {

using namespace std::chrono_literals;
using tests::Loop;
using tests::SelfSigned;
using tests::TlsServer;

class HttpTls : public testing::Test {
  protected:
    HttpTls()
        : identity("localhost"),
          server(loop.executor(), identity, [](const std::string&) { return "hi"; }) {
        ca_file = testing::TempDir() + "margrave-ca-" + std::to_string(::getpid()) + ".pem";
        std::FILE* file = std::fopen(ca_file.c_str(), "w");
        std::fputs(identity.cert_pem.c_str(), file);
        std::fclose(file);
        loop.start(server.run());
    }

    ~HttpTls() override {
        loop.stop();
        std::filesystem::remove(ca_file);
    }

    HttpClient make(const std::string& host, const std::string& ca) {
        HttpLimits limits;
        limits.ca_file = ca;
        return {loop.executor(), "alpha", parse_url(server.url(host)).value(), limits};
    }

    Loop loop;
    SelfSigned identity;
    TlsServer server;
    std::string ca_file;
};

TEST_F(HttpTls, SpeaksToAServerItTrustsAndKeepsTheConnection) {
    HttpClient client = make("localhost", ca_file);
    for (int i = 0; i < 3; ++i) {
        const auto answer = loop.run(client.get("", 20s));
        ASSERT_TRUE(answer) << answer.error().detail;
        EXPECT_EQ(answer.value().body, "hi");
    }
    EXPECT_EQ(server.connections, 1);
    EXPECT_EQ(server.server_name, "localhost");
}

TEST_F(HttpTls, RefusesAnUnknownAuthority) {
    HttpClient client = make("localhost", "");
    const auto answer = loop.run(client.get("", 20s));
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, Errc::kIo);
    EXPECT_NE(answer.error().detail.find("TLS handshake with alpha failed"), std::string::npos);
    EXPECT_NE(answer.error().detail.find("certificate verify failed"), std::string::npos);
}

TEST_F(HttpTls, RefusesACertificateForAnotherName) {
    HttpClient client = make("127.0.0.1", ca_file);
    const auto answer = loop.run(client.get("", 20s));
    ASSERT_FALSE(answer);
    EXPECT_NE(answer.error().detail.find("certificate verify failed"), std::string::npos);
    EXPECT_EQ(server.server_name, "");
}

TEST_F(HttpTls, AMissingAuthorityFileIsSaid) {
    HttpClient client = make("localhost", "/nonexistent/ca.pem");
    const auto answer = loop.run(client.get("", 20s));
    ASSERT_FALSE(answer);
    EXPECT_NE(
        answer.error().detail.find("no certificate authorities for alpha"), std::string::npos
    );
    EXPECT_EQ(server.connections, 0);
}

}  // namespace
}  // namespace margrave::infra
