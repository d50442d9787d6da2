// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "attest/keys.hpp"
#include "core/bytes.hpp"
#include "core/result.hpp"

#include <string>
#include <string_view>

// C2SP signed-note with Ed25519 keys (type 0x01): https://c2sp.org/signed-note
namespace margrave::attest {

/// Key names: UTF-8 without spaces, '+' and control characters, not empty.
bool is_note_name(std::string_view name);

/// "name+hex(key id)+base64(0x01 || public key)".
std::string note_vkey(std::string_view name, const LogKey& key);
/// `text` (which ends in a newline; asserted), a blank line and one signature line.
std::string sign_note(std::string_view text, std::string_view name, const LogKey& key);

/// Ed25519 with the strict rules of libsodium: no small-order key, no s beyond the group order.
bool verify_ed25519(ByteView public_key, ByteView message, ByteView signature);

/// The text of a note that carries a good signature by `vkey`; lines of other keys are skipped.
/// kSignature says what is wrong with the note, kInvalid what with the vkey.
Result<std::string> open_note(std::string_view note, std::string_view vkey);
/// The name inside a vkey whose key id checks.
Result<std::string> vkey_name(std::string_view vkey);

}  // namespace margrave::attest
