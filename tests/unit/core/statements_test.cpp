// SPDX-License-Identifier: Apache-2.0
#include "core/statements.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace margrave {
namespace {

const Address kOwner = parse_address("0x52908400098527886E0F7030069857D2E4169EE7").value();

// The ids are those of ethers 6 for abi.encode(string, ...).
TEST(Statements, IdsAreTheHashOfTheirTaggedFields) {
    EXPECT_EQ(
        to_hex(release_id(ChainId::evm(1).key(), kOwner, 7)),
        "0x61cac3dfcfd203e0a5728d0cf3c2a8fd491ef1e457a34d51603c85553ac69b93"
    );
    EXPECT_EQ(
        to_hex(seizure_id(account_of(kOwner), 3, 1)),
        "0xabbd81f4df935f40e6f13d8dfd08fbc55c889170644a505b71ac9bb3fd1863a2"
    );
}

TEST(Statements, StatusesAreNamedAsInTheProtocol) {
    EXPECT_EQ(to_string(Status::kHealthy), "HEALTHY");
    EXPECT_EQ(to_string(Status::kMarginCall), "MARGIN_CALL");
    EXPECT_EQ(to_string(Status::kLiquidatable), "LIQUIDATABLE");
    EXPECT_EQ(to_string(Status::kBankrupt), "BANKRUPT");
    EXPECT_EQ(to_string(Status::kUnattestable), "UNATTESTABLE");
}

TEST(Statements, SignaturesAreJoinedInAscendingOrderOfSigner) {
    std::vector<SignerSignature> signatures(3);
    for (std::size_t i = 0; i < signatures.size(); ++i) {
        signatures[i].signer.data[0] = static_cast<std::uint8_t>(3 - i);
        signatures[i].signature.fill(static_cast<std::uint8_t>(3 - i));
    }
    const Bytes joined = join(signatures);
    ASSERT_EQ(joined.size(), 3 * 65U);
    EXPECT_TRUE(std::ranges::is_sorted(joined));
    EXPECT_EQ(joined.front(), 1);
    EXPECT_EQ(joined.back(), 3);
    EXPECT_TRUE(join({}).empty());
}

}  // namespace
}  // namespace margrave
