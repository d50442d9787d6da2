// SPDX-License-Identifier: Apache-2.0
#include "core/assert.hpp"
#include "core/bytes.hpp"
#include "core/keccak.hpp"
#include "relayer/guard_file.hpp"

#include <cstddef>
#include <cstdint>
#include <string>

// What another guard hands over. A file that is read is written in one way, which is read as the
// same; the minimal form of it is read too.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace margrave;
    static const Hash32 network = keccak256(std::string_view("fuzz"));
    const auto file = relayer::read_guard_file(as_text(ByteView(data, size)), network);
    if (!file) {
        MARGRAVE_ASSERT(file.error().code == Errc::kConfig);
        return 0;
    }
    const std::string text = relayer::write_guard_file(file.value(), false);
    const auto again = relayer::read_guard_file(text, network);
    MARGRAVE_ASSERT(again.has_value());
    MARGRAVE_ASSERT(again.value().entries.size() == file.value().entries.size());
    MARGRAVE_ASSERT(relayer::write_guard_file(again.value(), false) == text);
    MARGRAVE_ASSERT(
        relayer::read_guard_file(relayer::write_guard_file(file.value(), true), network).has_value()
    );
    return 0;
}
