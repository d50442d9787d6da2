// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/ids.hpp"
#include "infra/http_client.hpp"
#include "oracle/kinds.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace margrave::oracle::detail {

/// A small document that is fetched over HTTPS, or read from a file, again and again. Owned by its
/// source, lives on its executor.
class Fetcher {
  public:
    /// kConfig when the URL is none. `every_s`: how long an answer is good for, so that a chain
    /// with fast blocks asks nobody once a block. `ca_file`: PEM; empty: the system's.
    static Result<Fetcher> over_http(
        std::string source, std::string_view url, std::uint64_t every_s, std::string ca_file
    );
    static Fetcher from_file(std::string source, std::string path);

    /// At most 64 KiB, status 200, within 5 s. Errors name the source and never the URL.
    Task<Result<std::string>> get(UnixSeconds now);

    /// When the server says that it made the answer get() gave last (its Date header). Absent when
    /// it does not say, and of a file.
    [[nodiscard]] std::optional<UnixSeconds> answered_at() const { return answered_at_; }

    /// "https://host" or "file": no path and no query, which may hold a key.
    [[nodiscard]] const std::string& origin() const { return origin_; }

  private:
    Fetcher() = default;
    Task<Result<std::string>> ask();

    std::string source_;
    std::string origin_;
    std::string path_;
    infra::Url url_;
    std::string ca_file_;
    std::uint64_t every_s_{0};
    // Made at the first request, on the executor that asks.
    std::unique_ptr<infra::HttpClient> client_;
    std::optional<UnixSeconds> fetched_at_;
    std::string last_;
    std::optional<UnixSeconds> answered_at_;
};

/// Whether a source may be read there: https, or http on this machine. The key is "/url".
std::vector<KeyProblem> check_url(const Canonical& settings);

}  // namespace margrave::oracle::detail
