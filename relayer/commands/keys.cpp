// SPDX-License-Identifier: Apache-2.0
#include "attest/keys.hpp"

#include "config/settings.hpp"
#include "infra/files.hpp"
#include "relayer/cli.hpp"
#include "relayer/commands/commands.hpp"
#include "relayer/commands/new_file.hpp"
#include "relayer/commands/prompt.hpp"
#include "relayer/sender.hpp"

#include <nlohmann/json.hpp>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

namespace margrave::relayer {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

constexpr std::size_t kKeyTextMax = 256;
constexpr unsigned kKeystoreMode = 0600;

struct KeyOptions {
    std::string keystore;
    std::string password_file;
    std::string key_file;
    std::vector<std::string> paths;
};

// Freed memory keeps what it held; a password or key must not stay there.
class Wiped {
  public:
    explicit Wiped(std::string text)
        : text_(std::move(text)) {}

    ~Wiped() { ::explicit_bzero(text_.data(), text_.size()); }

    Wiped(const Wiped&) = delete;
    Wiped& operator=(const Wiped&) = delete;

    [[nodiscard]] std::string_view view() const { return text_; }

  private:
    std::string text_;
};

Result<std::string> find_password(const KeyOptions& options) {
    if (options.password_file.empty()) {
        return prompt_new_password("Password of " + options.keystore);
    }
    return config::read_secret(
        {.kind = config::SecretSource::Kind::kFile, .name = options.password_file}
    );
}

// The name is looked at before anything is asked for, and again, for good, at the write.
Result<void> refuse_existing(const std::string& keystore) {
    std::error_code ignored;
    if (fs::exists(fs::symlink_status(keystore, ignored))) {
        return fail(Errc::kUsage, keystore + " is already there; nothing was written");
    }
    return ok();
}

Result<int> store(Context& context, const KeyOptions& options, const attest::SecretKey& key) {
    MARGRAVE_TRY(std::string typed, find_password(options));
    const Wiped password(std::move(typed));
    MARGRAVE_TRY(const std::string text, attest::encrypt_keystore(key, password.view()));
    MARGRAVE_TRY(const Address address, attest::address_of(key));
    MARGRAVE_TRY(const attest::SecretKey sender_key, derive_sender_key(key));
    MARGRAVE_TRY(const Address sender, attest::address_of(sender_key));
    MARGRAVE_TRY(write_new_file(options.keystore, text, kKeystoreMode));
    print(
        context,
        to_checksum(address) + "\n",
        {{"address", to_checksum(address)},
         {"sender", to_checksum(sender)},
         {"keystore", fs::absolute(options.keystore).lexically_normal().string()}}
    );
    advise(context, "transactions are paid by " + to_checksum(sender) + ": fund it on every chain");
    advise(context, "wrote " + options.keystore + "; without file and password the key is lost");
    return 0;
}

Result<int> make_key(Context& context, const KeyOptions& options) {
    MARGRAVE_TRY(refuse_existing(options.keystore));
    return store(context, options, attest::SecretKey::random());
}

Result<std::string> read_key_text(const std::string& file) {
    if (file != "-") {
        return infra::read_file(file, kKeyTextMax);
    }
    std::string text(kKeyTextMax + 1, '\0');
    std::cin.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(std::cin.gcount()));
    if (text.size() > kKeyTextMax) {
        return fail(Errc::kUsage, "standard input has more than a key");
    }
    return text;
}

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view kBlank = " \t\r\n";
    const std::size_t first = text.find_first_not_of(kBlank);
    if (first == std::string_view::npos) {
        return {};
    }
    return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

Result<int> import_key(Context& context, const KeyOptions& options) {
    MARGRAVE_TRY(refuse_existing(options.keystore));
    MARGRAVE_TRY(std::string text, read_key_text(options.key_file));
    const Wiped secret(std::move(text));
    // What is wrong with it is not said in more words: they could tell of the key.
    Result<attest::SecretKey> key = attest::SecretKey::parse(trimmed(secret.view()));
    if (!key) {
        return fail(
            Errc::kUsage,
            (options.key_file == "-" ? "standard input" : options.key_file) +
                " holds no secp256k1 key; expected 64 hex digits"
        );
    }
    return store(context, options, key.value());
}

struct Listed {
    Address address;
    std::string file;
};

Result<Listed> list_file(const std::string& file) {
    MARGRAVE_TRY(const std::string text, infra::read_file(file, attest::kKeystoreBytesMax));
    const Result<Address> address = attest::keystore_address(text);
    if (!address) {
        return fail(Errc::kConfig, file + " is no keystore: " + address.error().detail);
    }
    return Listed{.address = address.value(), .file = file};
}

// In a directory other files may lie about; a file that was named must be a keystore.
Result<void> list_path(const std::string& path, std::vector<Listed>& out) {
    std::error_code error;
    if (!fs::is_directory(path, error)) {
        MARGRAVE_TRY(Listed listed, list_file(path));
        out.push_back(std::move(listed));
        return ok();
    }
    std::vector<std::string> files;
    for (const fs::directory_entry& entry : fs::directory_iterator(path, error)) {
        if (entry.is_regular_file(error)) {
            files.push_back(entry.path().string());
        }
    }
    if (error) {
        return fail(Errc::kIo, "cannot list " + path + ": " + error.message());
    }
    std::ranges::sort(files);
    for (const std::string& file : files) {
        if (Result<Listed> listed = list_file(file)) {
            out.push_back(std::move(listed).value());
        }
    }
    return ok();
}

// Without a path the config's own keystore, also when the config still has problems: its missing
// signer is the address that is asked for.
Result<std::vector<std::string>> paths_to_list(const Context& context, const KeyOptions& options) {
    if (!options.paths.empty()) {
        return options.paths;
    }
    const fs::path keystore = config::load(context.config_file).settings.keystore;
    if (keystore.empty()) {
        return fail(
            Errc::kUsage,
            "name a keystore or a directory; " + context.config_file.string() + " names none"
        );
    }
    return std::vector<std::string>{keystore.string()};
}

Result<int> list_keys(Context& context, const KeyOptions& options) {
    MARGRAVE_TRY(const std::vector<std::string> paths, paths_to_list(context, options));
    std::vector<Listed> listed;
    for (const std::string& path : paths) {
        MARGRAVE_TRY(list_path(path, listed));
    }
    std::string human;
    json keys = json::array();
    for (const Listed& key : listed) {
        human += to_checksum(key.address) + "  " + key.file + "\n";
        keys.push_back({{"address", to_checksum(key.address)}, {"file", key.file}});
    }
    print(context, human, {{"keys", keys}});
    return 0;
}

void add_target(CLI::App& command, KeyOptions& options) {
    command.add_option("--keystore", options.keystore, "File to make; an existing one is refused")
        ->required()
        ->type_name("FILE");
    command
        .add_option(
            "--password-file",
            options.password_file,
            "Read the password here, not from the terminal"
        )
        ->type_name("FILE");
}

}  // namespace

void add_keys(CLI::App& app, Context& context) {
    CLI::App* keys = app.add_subcommand("keys", "Make, import and list keystores");
    const auto options = std::make_shared<KeyOptions>();

    CLI::App* fresh =
        keys->add_subcommand("new", "A new key in a new keystore; prints its address");
    add_target(*fresh, *options);
    on_run(*fresh, context, [options](Context& c) { return make_key(c, *options); });

    CLI::App* known = keys->add_subcommand("import", "A known key into a new keystore");
    add_target(*known, *options);
    known
        ->add_option(
            "--key-file", options->key_file, "File with 64 hex digits; - is standard input"
        )
        ->required()
        ->type_name("FILE");
    on_run(*known, context, [options](Context& c) { return import_key(c, *options); });

    CLI::App* list =
        keys->add_subcommand("list", "Addresses that keystores claim, without a password");
    list->add_option("path", options->paths, "Keystores or directories (default: the config's)");
    on_run(*list, context, [options](Context& c) { return list_keys(c, *options); });
}

}  // namespace margrave::relayer
