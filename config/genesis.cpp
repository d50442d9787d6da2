// SPDX-License-Identifier: Apache-2.0
#include "config/settings.hpp"
#include "core/keccak.hpp"

#include <utility>

namespace margrave::config {

Canonical Genesis::document() const {
    Canonical::Array signer_list;
    for (const Address& signer : signers) {
        signer_list.emplace_back(to_hex(signer));
    }
    Canonical::Object out;
    out.emplace("name", name);
    out.emplace("hub", hub.text());
    out.emplace("signers", std::move(signer_list));
    out.emplace("threshold", Canonical::integer(threshold));
    out.emplace("guardian", to_hex(guardian));
    out.emplace("exit_silence", Canonical::integer(exit_silence_s));
    return Canonical(std::move(out));
}

Hash32 Genesis::network() const {
    return keccak256(document().dump());
}

}  // namespace margrave::config
