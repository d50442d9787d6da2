// SPDX-License-Identifier: Apache-2.0
#include "config/settings.hpp"
#include "infra/files.hpp"

#include <cstdlib>
#include <filesystem>
#include <string>

namespace margrave::config {
namespace {

constexpr std::size_t kSecretMax = 4096;

// Editors and `echo` end a file with a newline that nobody typed as part of the password.
Result<std::string> cleaned(std::string text, const std::string& source) {
    if (text.ends_with('\n')) {
        text.pop_back();
    }
    if (text.ends_with('\r')) {
        text.pop_back();
    }
    if (text.empty()) {
        return fail(Errc::kConfig, source + " is empty");
    }
    if (text.size() > kSecretMax) {
        return fail(Errc::kConfig, source + " has more than 4096 bytes");
    }
    return text;
}

Result<std::string> from_file(const std::filesystem::path& path, const std::string& source) {
    // Two bytes for the line end that is cut.
    Result<std::string> text = infra::read_file(path, kSecretMax + 2);
    if (!text) {
        return fail(Errc::kConfig, source + " cannot be read: " + text.error().detail);
    }
    return cleaned(std::move(text).value(), source);
}

}  // namespace

Result<std::string> read_secret(const SecretSource& source) {
    switch (source.kind) {
        case SecretSource::Kind::kFile:
            return from_file(source.name, "secret file " + source.name);
        case SecretSource::Kind::kCredential: {
            const char* const directory = std::getenv("CREDENTIALS_DIRECTORY");
            const std::string what = "systemd credential " + source.name;
            if (directory == nullptr) {
                return fail(
                    Errc::kConfig,
                    what +
                        " is not there: CREDENTIALS_DIRECTORY is not set; start the daemon by a "
                        "unit with LoadCredential=" +
                        source.name + ":FILE"
                );
            }
            return from_file(std::filesystem::path(directory) / source.name, what);
        }
        case SecretSource::Kind::kEnvironment: {
            const char* const value = std::getenv(source.name.c_str());
            const std::string what = "environment variable " + source.name;
            if (value == nullptr) {
                return fail(Errc::kConfig, what + " is not set");
            }
            return cleaned(value, what);
        }
        case SecretSource::Kind::kNone:
            break;
    }
    return fail(Errc::kConfig, "no source is set for the secret");
}

}  // namespace margrave::config
