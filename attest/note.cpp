// SPDX-License-Identifier: Apache-2.0
#include "attest/note.hpp"

#include "attest/tlog.hpp"
#include "core/assert.hpp"
#include "core/canonical_json.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <sodium.h>

namespace margrave::attest {
namespace {

constexpr std::uint8_t kEd25519 = 0x01;
constexpr std::size_t kKeyIdSize = 4;
constexpr std::size_t kMaxSignatures = 100;
constexpr std::size_t kMaxNote = 1'000'000;
// An em dash and a space.
constexpr std::string_view kLinePrefix = "\xe2\x80\x94 ";

using KeyId = std::array<std::uint8_t, kKeyIdSize>;

struct Verifier {
    std::string name;
    KeyId id{};
    std::array<std::uint8_t, crypto_sign_PUBLICKEYBYTES> key{};
};

std::string base64(ByteView bytes) {
    std::string out(sodium_base64_ENCODED_LEN(bytes.size(), sodium_base64_VARIANT_ORIGINAL), '\0');
    sodium_bin2base64(
        out.data(), out.size(), bytes.data(), bytes.size(), sodium_base64_VARIANT_ORIGINAL
    );
    out.resize(out.find('\0'));
    return out;
}

std::optional<Bytes> parse_base64(std::string_view text) {
    // One byte of room even for no text: libsodium wants a buffer.
    Bytes out(text.size() + 1);
    std::size_t size = 0;
    const char* end = nullptr;
    if (sodium_base642bin(
            out.data(),
            out.size(),
            text.data(),
            text.size(),
            nullptr,
            &size,
            &end,
            sodium_base64_VARIANT_ORIGINAL
        ) != 0 ||
        end != text.data() + text.size()) {
        return std::nullopt;
    }
    out.resize(size);
    return out;
}

// core's JSON reader is the one place that knows UTF-8.
bool is_plain_utf8(std::string_view text) {
    const bool has_control = std::any_of(text.begin(), text.end(), [](char c) {
        return static_cast<unsigned char>(c) < 0x20 && c != '\n';
    });
    return !has_control && parse_canonical(Canonical(std::string(text)).dump()).has_value();
}

Bytes typed_key(ByteView key) {
    Bytes out{kEd25519};
    put_bytes(out, key);
    return out;
}

KeyId key_id(std::string_view name, ByteView key) {
    Bytes preimage = to_bytes(name);
    put_u8(preimage, '\n');
    put_bytes(preimage, typed_key(key));
    std::array<std::uint8_t, crypto_hash_sha256_BYTES> hash{};
    crypto_hash_sha256(hash.data(), preimage.data(), preimage.size());
    KeyId out{};
    std::copy_n(hash.begin(), out.size(), out.begin());
    return out;
}

Result<Verifier> parse_vkey(std::string_view vkey) {
    const auto bad = [vkey](const char* why) {
        return fail(
            Errc::kInvalid, "verifier key " + std::string(vkey.substr(0, 120)) + ": " + why
        );
    };
    const std::size_t first = vkey.find('+');
    const std::size_t second = first == vkey.npos ? vkey.npos : vkey.find('+', first + 1);
    if (second == vkey.npos) {
        return bad("is not name+hash+key");
    }
    Verifier out;
    out.name = vkey.substr(0, first);
    const auto key = parse_base64(vkey.substr(second + 1));
    if (!is_note_name(out.name) || !key || key->size() != 1 + out.key.size() ||
        key->front() != kEd25519) {
        return bad("the name is not allowed, or the key is not an Ed25519 key of 33 bytes");
    }
    std::copy(key->begin() + 1, key->end(), out.key.begin());
    out.id = key_id(out.name, out.key);
    if (vkey.substr(first + 1, second - first - 1) != to_hex(out.id).substr(2)) {
        return bad("the hash is not that of name and key");
    }
    return out;
}

struct Line {
    std::string_view name;
    KeyId id{};
    Bytes signature;
};

std::optional<Line> parse_line(std::string_view line) {
    if (!line.starts_with(kLinePrefix)) {
        return std::nullopt;
    }
    line.remove_prefix(kLinePrefix.size());
    const std::size_t space = line.find(' ');
    if (space == line.npos || !is_note_name(line.substr(0, space))) {
        return std::nullopt;
    }
    const auto bytes = parse_base64(line.substr(space + 1));
    if (!bytes || bytes->size() <= kKeyIdSize) {
        return std::nullopt;
    }
    Line out{.name = line.substr(0, space), .id = {}, .signature = {}};
    std::copy_n(bytes->begin(), kKeyIdSize, out.id.begin());
    out.signature.assign(bytes->begin() + kKeyIdSize, bytes->end());
    return out;
}

Error bad_note(const std::string& why) {
    return fail(Errc::kSignature, "signed note: " + why);
}

std::string checkpoint_text(const Checkpoint& checkpoint) {
    return checkpoint.origin + "\n" + std::to_string(checkpoint.size) + "\n" +
           base64(checkpoint.root.view()) + "\n";
}

}  // namespace

bool is_note_name(std::string_view name) {
    const bool has_forbidden = std::any_of(name.begin(), name.end(), [](char c) {
        return c == ' ' || c == '+' || c == '\n';
    });
    return !name.empty() && !has_forbidden && is_plain_utf8(name);
}

std::string note_vkey(std::string_view name, const LogKey& key) {
    MARGRAVE_ASSERT(is_note_name(name));
    return std::string(name) + "+" + to_hex(key_id(name, key.public_key)).substr(2) + "+" +
           base64(typed_key(key.public_key));
}

std::string sign_note(std::string_view text, std::string_view name, const LogKey& key) {
    MARGRAVE_ASSERT(is_note_name(name));
    MARGRAVE_ASSERT(text.ends_with('\n'));
    MARGRAVE_ASSERT(is_plain_utf8(text));
    std::array<std::uint8_t, crypto_sign_PUBLICKEYBYTES> public_key{};
    std::array<std::uint8_t, crypto_sign_SECRETKEYBYTES> secret{};
    crypto_sign_seed_keypair(public_key.data(), secret.data(), key.seed.data());
    MARGRAVE_ASSERT(public_key == key.public_key);
    std::array<std::uint8_t, crypto_sign_BYTES> signature{};
    const ByteView message = as_bytes(text);
    crypto_sign_detached(signature.data(), nullptr, message.data(), message.size(), secret.data());
    sodium_memzero(secret.data(), secret.size());
    const KeyId id = key_id(name, key.public_key);
    Bytes signed_bytes(id.begin(), id.end());
    put_bytes(signed_bytes, signature);
    return std::string(text) + "\n" + std::string(kLinePrefix) + std::string(name) + " " +
           base64(signed_bytes) + "\n";
}

bool verify_ed25519(ByteView public_key, ByteView message, ByteView signature) {
    return public_key.size() == crypto_sign_PUBLICKEYBYTES &&
           signature.size() == crypto_sign_BYTES &&
           crypto_sign_verify_detached(
               signature.data(), message.data(), message.size(), public_key.data()
           ) == 0;
}

Result<std::string> open_note(std::string_view note, std::string_view vkey) {
    MARGRAVE_TRY(const Verifier verifier, parse_vkey(vkey));
    if (note.size() > kMaxNote || !is_plain_utf8(note)) {
        return bad_note("it is too long, not UTF-8 or has control characters");
    }
    const std::size_t split = note.rfind("\n\n");
    if (split == note.npos || split + 2 == note.size() || !note.ends_with('\n')) {
        return bad_note("it does not end with a blank line and signature lines");
    }
    const std::string_view text = note.substr(0, split + 1);
    std::string_view rest = note.substr(split + 2);
    bool found = false;
    for (std::size_t number = 1; !rest.empty(); ++number) {
        const std::size_t end = rest.find('\n');
        const auto line = parse_line(rest.substr(0, end));
        rest.remove_prefix(end + 1);
        if (!line || number > kMaxSignatures) {
            return bad_note("signature line " + std::to_string(number) + " is malformed");
        }
        if (line->name != verifier.name || line->id != verifier.id) {
            continue;
        }
        if (!verify_ed25519(verifier.key, as_bytes(text), line->signature)) {
            return bad_note("the signature by " + verifier.name + " is wrong");
        }
        found = true;
    }
    if (!found) {
        return bad_note("no signature by " + verifier.name);
    }
    return std::string(text);
}

Result<std::string> vkey_name(std::string_view vkey) {
    MARGRAVE_TRY(Verifier verifier, parse_vkey(vkey));
    return std::move(verifier.name);
}

std::string sign_checkpoint(const Checkpoint& checkpoint, const LogKey& key) {
    return sign_note(checkpoint_text(checkpoint), checkpoint.origin, key);
}

std::string log_vkey(std::string_view origin, const LogKey& key) {
    return note_vkey(origin, key);
}

std::string log_origin(const Hash32& network, std::string_view operator_name) {
    return "margrave." + to_hex(network).substr(2, 16) + "." + std::string(operator_name);
}

Result<Checkpoint> parse_checkpoint_text(std::string_view text) {
    const auto bad = [](const std::string& why) {
        return fail(Errc::kInvalid, "checkpoint: " + why);
    };
    std::array<std::string_view, 3> lines;
    for (std::string_view& line : lines) {
        const std::size_t end = text.find('\n');
        if (end == text.npos || end == 0) {
            return bad("it has fewer than three lines");
        }
        line = text.substr(0, end);
        text.remove_prefix(end + 1);
    }
    Checkpoint out;
    out.origin = lines[0];
    const std::string_view size = lines[1];
    const auto [end, error] = std::from_chars(size.data(), size.data() + size.size(), out.size);
    if (error != std::errc{} || end != size.data() + size.size() ||
        (size.size() > 1 && size.front() == '0')) {
        return bad("the second line is not a decimal size");
    }
    const auto root = parse_base64(lines[2]);
    if (!root || root->size() != Hash32::kSize) {
        return bad("the third line is not a root of 32 bytes in base64");
    }
    std::copy(root->begin(), root->end(), out.root.data.begin());
    return out;
}

Result<Checkpoint> open_checkpoint(std::string_view note, std::string_view vkey) {
    MARGRAVE_TRY(const std::string text, open_note(note, vkey));
    MARGRAVE_TRY(const std::string name, vkey_name(vkey));
    MARGRAVE_TRY(Checkpoint out, parse_checkpoint_text(text));
    if (out.origin != name) {
        return fail(
            Errc::kSignature,
            "checkpoint: its origin is " + out.origin.substr(0, 120) + ", the key is of " + name
        );
    }
    return out;
}

}  // namespace margrave::attest
