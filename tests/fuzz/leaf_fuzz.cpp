// SPDX-License-Identifier: Apache-2.0
#include "attest/keys.hpp"
#include "attest/leaf.hpp"
#include "attest/typed_data.hpp"
#include "core/assert.hpp"
#include "core/keccak.hpp"

#include <cstddef>
#include <cstdint>

// Leaves as an auditor gets them, typed data of any kind, keystore files. A leaf that is accepted
// is canonical and its signatures are by whom they name; an audit of anything ends with a report.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace margrave;
    const Bytes bytes(data, data + size);
    const std::string_view text = as_text(bytes);
    const Hash32 network =
        keccak256(R"({"exitSilence":"86400","hub":"eip155:1","name":"test","threshold":"1"})");
    if (const auto leaf = attest::read_leaf(network, bytes)) {
        MARGRAVE_ASSERT(leaf.value().body.dump() == text);
        for (const SignerSignature& each : leaf.value().signatures) {
            const auto signer = attest::recover(leaf.value().digest, each.signature);
            MARGRAVE_ASSERT(signer.has_value());
            MARGRAVE_ASSERT(signer.value() == each.signer);
        }
    }
    const attest::AuditReport report = attest::audit(network, {bytes, bytes}, {}, 1);
    MARGRAVE_ASSERT(report.leaves == 2);
    (void)attest::hash_typed_json(text);
    (void)attest::keystore_address(text);
    return 0;
}
