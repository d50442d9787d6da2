// SPDX-License-Identifier: Apache-2.0
#include "infra/url.hpp"

#include <gtest/gtest.h>

namespace margrave::infra {
namespace {

TEST(Url, TakesApartAllItsParts) {
    const Url url = parse_url("https://me:p%40ss@node.example:8443/v3/key?x=1&y=2").value();
    EXPECT_TRUE(url.tls);
    EXPECT_EQ(url.host, "node.example");
    EXPECT_EQ(url.port, "8443");
    EXPECT_EQ(url.userinfo, "me:p@ss");
    EXPECT_EQ(url.target, "/v3/key?x=1&y=2");
    EXPECT_EQ(url.host_header(), "node.example:8443");
}

TEST(Url, FillsInPortAndTarget) {
    const Url http = parse_url("http://localhost").value();
    EXPECT_EQ(http.port, "80");
    EXPECT_EQ(http.target, "/");
    EXPECT_EQ(http.host_header(), "localhost");
    const Url https = parse_url("https://h?k=v").value();
    EXPECT_EQ(https.port, "443");
    EXPECT_EQ(https.target, "/?k=v");
}

TEST(Url, TakesIpv6InBrackets) {
    const Url url = parse_url("http://[::1]:8545/").value();
    EXPECT_EQ(url.host, "::1");
    EXPECT_EQ(url.port, "8545");
    EXPECT_EQ(url.host_header(), "[::1]:8545");
}

TEST(Url, RefusesWhatIsNoHttpUrlAndRepeatsNothingOfIt) {
    for (const char* text :
         {"",
          "node.example",
          "ws://secretnode",
          "HTTP://secretnode",
          "http://",
          "http://:80/",
          "http:///secret",
          "http://secret:0/",
          "http://secret:65536/",
          "http://secret:8o/",
          "http://secret:/",
          "http://secret:-1/",
          "http://sec ret/",
          "http://secret/a b",
          "http://secret/\r\nX: y",
          "http://secret/\xc3\xa9",
          "http://secret/#frag",
          "http://[::1/",
          "http://[secret]/",
          "http://[::1]8545/",
          "http://a%zz@secret/",
          "http://a%4@secret/",
          "http://secret<script>/"}) {
        const Result<Url> url = parse_url(text);
        ASSERT_FALSE(url) << text;
        EXPECT_EQ(url.error().code, Errc::kInvalid) << text;
        EXPECT_EQ(url.error().detail.find("secret"), std::string::npos) << url.error().detail;
    }
}

}  // namespace
}  // namespace margrave::infra
