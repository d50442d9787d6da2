// SPDX-License-Identifier: Apache-2.0
#include "attest/note.hpp"
#include "attest/tlog.hpp"
#include "core/assert.hpp"

#include <cstddef>
#include <cstdint>
#include <string>

// Signed notes, checkpoints and verifier keys. What a stranger writes never opens under our key,
// and what parses as a checkpoint is written back in one way.
namespace {

using namespace margrave;

const attest::LogKey& key() {
    static const attest::LogKey key = attest::log_key_from_seed({});
    return key;
}

void check_checkpoint(std::string_view text) {
    const auto parsed = attest::parse_checkpoint_text(text);
    if (!parsed || !attest::is_note_name(parsed.value().origin)) {
        return;
    }
    const std::string note = attest::sign_checkpoint(parsed.value(), key());
    const auto opened =
        attest::open_checkpoint(note, attest::log_vkey(parsed.value().origin, key()));
    MARGRAVE_ASSERT(opened.has_value());
    MARGRAVE_ASSERT(opened.value().size == parsed.value().size);
    MARGRAVE_ASSERT(opened.value().root == parsed.value().root);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text = as_text(ByteView(data, size));
    check_checkpoint(text);
    (void)attest::vkey_name(text);
    // The corpus holds notes of other keys only.
    MARGRAVE_ASSERT(!attest::open_note(text, attest::note_vkey("margrave.fuzz", key())));
    const std::size_t split = text.find('\0');
    if (split != std::string_view::npos) {
        (void)attest::open_note(text.substr(split + 1), text.substr(0, split));
    }
    return 0;
}
