// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/integration/watch_world.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>

namespace margrave::tests {

/// Millionths of a dollar, as the token of WatchOnAnvil has them.
inline constexpr std::uint64_t kUsd = 1'000'000;

/// A dollar token that four people have a million of each.
class WatchOnAnvil : public testing::Test {
  protected:
    void SetUp() override {
        MARGRAVE_SKIP_WITHOUT_ANVIL();
        world_ = std::make_unique<WatchWorld>();
        token_ = world_->create(
            "LocalToken",
            "(string,string,uint8)",
            {chains::evm::abi::Value(to_bytes("Dollar")),
             chains::evm::abi::Value(to_bytes("USD")),
             chains::evm::abi::Value(std::uint64_t{6})}
        );
        world_->define(token_, 6);
        world_->define(Address{}, 18);
        for (std::size_t i = 0; i < 4; ++i) {
            world_->send(
                person(0),
                token_,
                "mint(address,uint256)",
                {chains::evm::abi::Value(person(i)),
                 chains::evm::abi::Value(std::uint64_t{1'000'000} * kUsd)}
            );
        }
    }

    void TearDown() override {
        if (world_ != nullptr) {
            const auto verified = world_->ledger().verify();
            EXPECT_TRUE(verified.has_value()) << verified.error().detail;
        }
    }

    [[nodiscard]] Address person(std::size_t index) const { return world_->person(index); }

    void transfer(const Address& from, const Address& to, std::uint64_t amount) {
        world_->send(
            from,
            token_,
            "transfer(address,uint256)",
            {chains::evm::abi::Value(to), chains::evm::abi::Value(amount)}
        );
    }

    void approve(const Address& from, const Address& token, const Address& spender) {
        const chains::evm::abi::Value all(Amount(std::uint64_t{1} << 63U));
        world_->send(
            from, token, "approve(address,uint256)", {chains::evm::abi::Value(spender), all}
        );
    }

    std::unique_ptr<WatchWorld> world_;
    Address token_;
};

}  // namespace margrave::tests
