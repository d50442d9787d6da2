// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/bytes.hpp"
#include "core/keccak.hpp"

#include <cstdint>
#include <iostream>
#include <map>
#include <stdexcept>
#include <string>

namespace margrave::tests::sim {

/// What a checker saw that must never be. Ends the seed.
class Finding : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

/// What happened, as one hash: two runs of one seed have the same. Also counts it, by kind.
class Trace {
  public:
    explicit Trace(bool print)
        : print_(print) {}

    /// `kind` is one word; `detail` names no path and nothing else that differs between two runs.
    void add(const std::string& kind, const std::string& detail = {}) {
        const std::string line = kind + " " + detail;
        Bytes bytes(hash_.data.begin(), hash_.data.end());
        put_bytes(bytes, as_bytes(line));
        hash_ = keccak256(bytes);
        ++counts_[kind];
        ++events_;
        if (print_) {
            std::cout << events_ << " " << line << '\n';
        }
    }

    [[nodiscard]] const Hash32& hash() const { return hash_; }

    [[nodiscard]] std::uint64_t events() const { return events_; }

    [[nodiscard]] const std::map<std::string, std::uint64_t>& counts() const { return counts_; }

  private:
    bool print_;
    Hash32 hash_;
    std::uint64_t events_{0};
    std::map<std::string, std::uint64_t> counts_;
};

}  // namespace margrave::tests::sim
