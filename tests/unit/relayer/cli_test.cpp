// SPDX-License-Identifier: Apache-2.0
#include "tests/support/process.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <sys/stat.h>

namespace margrave {
namespace {

using nlohmann::json;
using test::ProcessResult;
namespace fs = std::filesystem;

// The first key of anvil's default mnemonic.
constexpr const char* kKey = "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";
constexpr const char* kAddress = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";

class Cli : public testing::Test {
  protected:
    Cli() {
        const auto* test = testing::UnitTest::GetInstance()->current_test_info();
        dir_ = fs::temp_directory_path() / (std::string("margrave-cli-") + test->name());
        fs::remove_all(dir_);
        fs::create_directories(dir_);
    }

    ~Cli() override { fs::remove_all(dir_); }

    [[nodiscard]] ProcessResult run(
        std::vector<std::string> arguments,
        std::string input = "",
        std::map<std::string, std::string> environment = {}
    ) const {
        test::ProcessOptions options;
        options.arguments = std::move(arguments);
        options.input = std::move(input);
        options.environment = std::move(environment);
        options.directory = dir_;
        return test::run_process(MARGRAVE_BINARY, options);
    }

    void write(const std::string& name, std::string_view text) const {
        std::ofstream(dir_ / name) << text;
    }

    [[nodiscard]] std::string read(const std::string& name) const {
        std::ostringstream out;
        out << std::ifstream(dir_ / name).rdbuf();
        return out.str();
    }

    [[nodiscard]] const fs::path& dir() const { return dir_; }

    // Has the form of a keystore; reading the address that it claims needs no password.
    void write_keystore() const {
        const std::string word(64, '0');
        json crypto = {
            {"cipher", "aes-128-ctr"}, {"ciphertext", word}, {"kdf", "scrypt"}, {"mac", word}};
        crypto["cipherparams"] = {{"iv", word.substr(32)}};
        crypto["kdfparams"] = {{"dklen", 32}, {"n", 262144}, {"p", 1}, {"r", 8}, {"salt", word}};
        const json keystore = {
            {"version", 3},
            {"address", "f39fd6e51aad88f6f4ce6ab8827279cfffb92266"},
            {"crypto", crypto}};
        write("key.json", keystore.dump());
    }

    [[nodiscard]] ProcessResult init_local() const {
        write_keystore();
        return run(
            {"init",
             "--chains",
             "anvil,anvil-2",
             "--keystore",
             "key.json",
             "--password-file",
             "pw",
             "--endpoint",
             "anvil=http://127.0.0.1:8545",
             "--endpoint",
             "anvil-2=http://127.0.0.1:8546/secretkey",
             "--accept-single-source"}
        );
    }

  private:
    fs::path dir_;
};

bool contains(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

TEST_F(Cli, VersionIsPrintedInThreeWays) {
    const ProcessResult flag = run({"--version"});
    EXPECT_EQ(flag.exit_code, 0);
    EXPECT_TRUE(flag.out.starts_with("margrave ")) << flag.out;
    EXPECT_TRUE(run({"version"}).out.starts_with(flag.out));
    const json document = json::parse(run({"version", "--output", "json"}).out);
    EXPECT_EQ("margrave " + document["version"].get<std::string>() + "\n", flag.out);
    EXPECT_EQ(document["engine"], "3");
}

TEST_F(Cli, HelpListsTheCommandsAndEndsWell) {
    const ProcessResult help = run({"--help"});
    EXPECT_EQ(help.exit_code, 0);
    for (const char* command : {"init", "config", "keys", "version"}) {
        EXPECT_TRUE(contains(help.out, command)) << command;
    }
    EXPECT_EQ(run({"keys", "new", "--help"}).exit_code, 0);
}

TEST_F(Cli, UsageErrorsExitTwoAndSuggest) {
    const std::vector<std::pair<std::vector<std::string>, std::string>> rows = {
        {{}, "\"margrave\" needs a command: init, "},
        {{"config"}, "\"margrave config\" needs a command: check, show, schema, table"},
        {{"confg"}, "unknown command \"confg\", did you mean \"config\"?"},
        {{"config", "chek"}, "unknown command \"chek\", did you mean \"check\"?"},
        {{"config", "frobnicate"}, "unknown command \"frobnicate\"; known are check, show"},
        {{"config", "check", "--confg", "x"},
         "unknown option \"--confg\", did you mean \"--config\"?"},
        {{"config", "check", "--outptu=json"},
         "unknown option \"--outptu\", did you mean \"--output\"?"},
        {{"version", "extra"}, "\"margrave version\" takes no argument \"extra\""},
        {{"keys", "new", "--keystor", "x"},
         "unknown option \"--keystor\", did you mean \"--keystore\"?"},
        {{"keys", "new"}, "--keystore is required"},
        {{"init", "--chains", "ethereum"}, "--keystore is required"},
        {{"account"}, "\"margrave account\" needs a command: list, show, explain, what-if"},
        {{"account", "explain"}, "account is required"},
        {{"risk"}, "needs a command: stress, bad-debt, replay, forecast, scenarios, report"},
        {{"risk", "replay"}, "--params is required"},
        {{"risk", "replay", "--params", "x", "--last", "7w"}, "is no span of time"},
        {{"risk", "report"}, "--out is required"},
        {{"risk", "forecast", "--paths", "5"}, "--paths"},
        {{"risk", "forecast", "--work", "0"}, "--work"},
        {{"risk", "scenarios"}, "--asset is required"},
        {{"risk", "strss"}, "did you mean \"stress\"?"},
        {{"order"}, "needs a command: draft, add, cancel, list"},
        {{"order", "draft"}, "is required"},
        {{"account", "explain", "0x1", "--round", "0"}, "--round"},
        {{"account", "show", "0x12"}, "neither 32 bytes of hex nor a 20-byte address"},
        {{"account", "explain", "0x12"}, "neither 32 bytes of hex nor a 20-byte address"},
        {{"account", "what-if", "0x12"}, "neither 32 bytes of hex nor a 20-byte address"},
        {{"account", "what-if", "0x1", "--deposits", "x"}, "did you mean \"--deposit\"?"},
        {{"--output", "xml", "version"}, "--output"},
        {{"--log-level", "loud", "version"}, "--log-level"},
    };
    for (const auto& [arguments, words] : rows) {
        const ProcessResult result = run(arguments);
        EXPECT_EQ(result.exit_code, 2) << words;
        EXPECT_TRUE(result.err.starts_with("margrave: ")) << result.err;
        EXPECT_TRUE(contains(result.err, words)) << result.err;
        EXPECT_EQ(result.out, "") << words;
    }
}

TEST_F(Cli, UsageErrorsAreJsonWhenAskedFor) {
    for (const std::vector<std::string>& arguments :
         {std::vector<std::string>{"confg", "--output", "json"}, {"--output=json", "config"}}) {
        const ProcessResult result = run(arguments);
        EXPECT_EQ(result.exit_code, 2);
        EXPECT_EQ(result.err, "");
        const json error = json::parse(result.out)["error"];
        EXPECT_EQ(error["code"], "usage");
        EXPECT_TRUE(error["message"].is_string());
        EXPECT_EQ(error["problems"], json::array());
    }
}

TEST_F(Cli, InitWritesAConfigThatChecksClean) {
    const ProcessResult init = init_local();
    EXPECT_EQ(init.exit_code, 0) << init.err;
    EXPECT_EQ(init.out, "wrote margrave.json\n");
    const json document = json::parse(read("margrave.json"));
    EXPECT_EQ(document["network"]["signers"], json::array({kAddress}));
    EXPECT_EQ(document["signer"]["keystore"], "key.json");
    EXPECT_EQ(document["signer"]["password"], json({{"file", "pw"}}));

    const ProcessResult check = run({"config", "check"});
    EXPECT_EQ(check.exit_code, 0) << check.err;
    EXPECT_TRUE(check.out.starts_with("ok: 2 chains, 1 asset, 1 of 1 signer, contracts not deployed"
    )) << check.out;
    EXPECT_TRUE(contains(check.err, "note: /accept_single_source"));
    EXPECT_EQ(run({"-q", "config", "check"}).err, "");
}

TEST_F(Cli, InitSaysWhatIsLeftToFillIn) {
    const ProcessResult init =
        run({"init", "--chains", "ethereum,base", "--keystore", "none.json", "--output", "json"});
    EXPECT_EQ(init.exit_code, 0) << init.err;
    const json document = json::parse(init.out);
    EXPECT_EQ(document["config"], (fs::canonical(dir()) / "margrave.json").string());
    EXPECT_EQ(document["problems"].size(), 6U) << init.out;
    const ProcessResult check = run({"config", "check"});
    EXPECT_EQ(check.exit_code, 2);
    EXPECT_TRUE(contains(check.err, "is a placeholder; put the URL of a node of this chain here"));
    EXPECT_TRUE(contains(check.err, "margrave: 6 problems in margrave.json"));
}

TEST_F(Cli, InitNeverOverwrites) {
    write("margrave.json", "mine");
    const ProcessResult init = init_local();
    EXPECT_EQ(init.exit_code, 2);
    EXPECT_TRUE(contains(init.err, "margrave.json is already there; nothing was written"));
    EXPECT_EQ(read("margrave.json"), "mine");
}

TEST_F(Cli, InitNamesTheKeystoreAsTheConfigSeesIt) {
    write_keystore();
    fs::create_directories(dir() / "etc");
    const ProcessResult init = run(
        {"init",
         "--chains",
         "anvil",
         "--keystore",
         "key.json",
         "-o",
         "etc/node.json",
         "--name",
         "op-7"}
    );
    EXPECT_EQ(init.exit_code, 0) << init.err;
    const json document = json::parse(read("etc/node.json"));
    EXPECT_EQ(document["signer"]["keystore"], "../key.json");
    EXPECT_EQ(document["node"]["name"], "op-7");
    const ProcessResult keys = run({"keys", "list", "-c", "etc/node.json"});
    EXPECT_EQ(keys.exit_code, 0) << keys.err;
    EXPECT_TRUE(contains(keys.out, kAddress)) << keys.out;
}

TEST_F(Cli, InitRefusesWhatItCannotMean) {
    write_keystore();
    const std::vector<std::pair<std::vector<std::string>, std::string>> rows = {
        {{"--chains", "etherium"}, "\"etherium\" is neither"},
        {{"--chains", "base,eip155:8453"}, "eip155:8453 twice"},
        {{"--chains", "base", "--endpoint", "https://u:secretkey@x"}, "--endpoint needs CHAIN=URL"},
        {{"--chains", "base", "--endpoint", "ethereum=https://u:secretkey@x"},
         "which --chains leaves out"},
        {{"--chains", "base", "--signer", kKey}, "--signer: expected an address"},
        {{"--chains", "base", "--guardian", "0x1"}, "--guardian: expected an address"},
    };
    for (const auto& [extra, words] : rows) {
        std::vector<std::string> arguments = {"init", "--keystore", "key.json"};
        arguments.insert(arguments.end(), extra.begin(), extra.end());
        const ProcessResult result = run(arguments);
        EXPECT_EQ(result.exit_code, 2) << words;
        EXPECT_TRUE(contains(result.err, words)) << result.err;
        EXPECT_FALSE(contains(result.err, "secretkey")) << result.err;
        EXPECT_FALSE(contains(result.err, kKey)) << result.err;
        EXPECT_FALSE(fs::exists(dir() / "margrave.json"));
    }
}

TEST_F(Cli, CheckListsEveryProblemAsJson) {
    write("bad.json", R"({"version": 1, "node": {"nmae": "x", "data_dir": "d"}})");
    const ProcessResult check = run({"config", "check", "-c", "bad.json", "--output", "json"});
    EXPECT_EQ(check.exit_code, 2);
    const json error = json::parse(check.out)["error"];
    EXPECT_EQ(error["code"], "config");
    EXPECT_EQ(error["message"], "5 problems in bad.json");
    ASSERT_EQ(error["problems"].size(), 5U) << check.out;
    EXPECT_EQ(error["problems"][0]["pointer"], "/node/nmae");
    EXPECT_EQ(error["problems"][0]["what"], "unknown field, did you mean \"name\"?");
}

TEST_F(Cli, CheckSummaryIsJson) {
    ASSERT_EQ(init_local().exit_code, 0);
    const ProcessResult check = run({"--output", "json", "config", "check"});
    EXPECT_EQ(check.exit_code, 0);
    EXPECT_EQ(check.err, "");
    const json document = json::parse(check.out);
    EXPECT_EQ(document["ok"], true);
    EXPECT_EQ(document["chains"], "2");
    EXPECT_EQ(document["deployed"], false);
    EXPECT_EQ(document["network"].get<std::string>().size(), 66U);
    EXPECT_EQ(document["parameters"].get<std::string>().size(), 66U);
    EXPECT_GE(document["notes"].size(), 2U);
}

TEST_F(Cli, ConfigComesFromFlagThenEnvironment) {
    ASSERT_EQ(init_local().exit_code, 0);
    fs::rename(dir() / "margrave.json", dir() / "other.json");
    EXPECT_EQ(run({"config", "check"}).exit_code, 2);
    EXPECT_EQ(run({"config", "check"}, "", {{"MARGRAVE_CONFIG", "other.json"}}).exit_code, 0);
    EXPECT_EQ(
        run({"config", "check", "-c", "other.json"}, "", {{"MARGRAVE_CONFIG", "none"}}).exit_code, 0
    );
}

TEST_F(Cli, ShowFillsDefaultsAndHidesKeys) {
    ASSERT_EQ(init_local().exit_code, 0);
    const ProcessResult written = run({"config", "show"});
    EXPECT_EQ(written.exit_code, 0);
    EXPECT_FALSE(json::parse(written.out)["chains"][0].contains("poll_interval"));
    const ProcessResult effective = run({"config", "show", "--effective"});
    EXPECT_EQ(json::parse(effective.out)["chains"][0]["poll_interval"], "2s");
    const json document =
        json::parse(run({"config", "show", "--effective", "--output", "json"}).out);
    EXPECT_EQ(document["config"], json::parse(effective.out));
    EXPECT_TRUE(contains(document["defaults"].dump(), "/chains/0/poll_interval"));
    for (const std::string& text : {written.out, effective.out, document.dump()}) {
        EXPECT_FALSE(contains(text, "secretkey"));
        EXPECT_TRUE(contains(text, "http://127.0.0.1:8546/..."));
    }
}

TEST_F(Cli, SchemaAndTableArePrinted) {
    const ProcessResult schema = run({"config", "schema"});
    EXPECT_EQ(schema.exit_code, 0);
    EXPECT_EQ(json::parse(schema.out)["title"], "margrave");
    EXPECT_TRUE(run({"config", "table"}).out.starts_with("| setting |"));
}

TEST_F(Cli, KeysNewMakesAKeystoreThatListsItsAddress) {
    write("pw", "correct horse battery staple\n");
    const ProcessResult made =
        run({"keys", "new", "--keystore", "new.json", "--password-file", "pw"});
    ASSERT_EQ(made.exit_code, 0) << made.err;
    EXPECT_EQ(made.out.size(), 43U);

    struct stat status {};

    ASSERT_EQ(::stat((dir() / "new.json").c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777U, 0600U);
    const ProcessResult listed = run({"keys", "list", "new.json"});
    EXPECT_EQ(listed.out, made.out.substr(0, 42) + "  new.json\n");
    EXPECT_FALSE(contains(read("new.json") + made.out + made.err, "horse"));

    const std::string before = read("new.json");
    const ProcessResult again =
        run({"keys", "new", "--keystore", "new.json", "--password-file", "pw"});
    EXPECT_EQ(again.exit_code, 2);
    EXPECT_TRUE(contains(again.err, "new.json is already there; nothing was written"));
    EXPECT_EQ(read("new.json"), before);
}

TEST_F(Cli, KeysImportTakesAFileOrStandardInput) {
    write("pw", "password");
    write("key.hex", std::string("0x") + kKey + "\n");
    const ProcessResult file = run(
        {"keys", "import", "--keystore", "a.json", "--password-file", "pw", "--key-file", "key.hex"}
    );
    ASSERT_EQ(file.exit_code, 0) << file.err;
    EXPECT_EQ(file.out, std::string(kAddress) + "\n");
    const ProcessResult input =
        run({"keys",
             "import",
             "--keystore",
             "b.json",
             "--password-file",
             "pw",
             "--key-file",
             "-",
             "--output",
             "json"},
            std::string(kKey) + "\n");
    ASSERT_EQ(input.exit_code, 0) << input.out;
    const json document = json::parse(input.out);
    EXPECT_EQ(document["address"], kAddress);
    EXPECT_EQ(document["sender"].get<std::string>().size(), 42U);
    EXPECT_EQ(document["keystore"], (fs::canonical(dir()) / "b.json").string());
    EXPECT_FALSE(contains(read("a.json") + read("b.json") + file.err + input.out, kKey));
}

TEST_F(Cli, KeysImportRefusesWhatIsNoKeyWithoutRepeatingIt) {
    write("pw", "password");
    for (const std::string& text :
         {std::string(kKey).substr(1),
          std::string("secretsecret"),
          std::string(64, '0'),
          std::string(300, 'a'),
          std::string()}) {
        const ProcessResult result = run(
            {"keys", "import", "--keystore", "a.json", "--password-file", "pw", "--key-file", "-"},
            text
        );
        EXPECT_EQ(result.exit_code, 2) << result.err;
        EXPECT_FALSE(!text.empty() && contains(result.err, text)) << result.err;
        EXPECT_FALSE(fs::exists(dir() / "a.json"));
    }
}

TEST_F(Cli, KeysWithoutTerminalOrPasswordSayWhatToDo) {
    const ProcessResult no_terminal = run({"keys", "new", "--keystore", "a.json"});
    EXPECT_EQ(no_terminal.exit_code, 2);
    EXPECT_TRUE(contains(no_terminal.err, "use --password-file")) << no_terminal.err;
    const ProcessResult no_file =
        run({"keys", "new", "--keystore", "a.json", "--password-file", "none"});
    EXPECT_EQ(no_file.exit_code, 2);
    EXPECT_TRUE(contains(no_file.err, "none")) << no_file.err;
    write("pw", "\n");
    const ProcessResult empty =
        run({"keys", "new", "--keystore", "a.json", "--password-file", "pw"});
    EXPECT_EQ(empty.exit_code, 2);
    EXPECT_TRUE(contains(empty.err, "is empty")) << empty.err;
    EXPECT_FALSE(fs::exists(dir() / "a.json"));
}

TEST_F(Cli, KeysListReadsDirectoriesAndSkipsOtherFiles) {
    write_keystore();
    write("notes.txt", "not a keystore");
    const ProcessResult listed = run({"keys", "list", ".", "--output", "json"});
    EXPECT_EQ(listed.exit_code, 0) << listed.err;
    const json keys = json::parse(listed.out)["keys"];
    ASSERT_EQ(keys.size(), 1U) << listed.out;
    EXPECT_EQ(keys[0]["address"], kAddress);
    EXPECT_EQ(keys[0]["file"], "./key.json");
    EXPECT_EQ(run({"keys", "list", "notes.txt"}).exit_code, 2);
    EXPECT_EQ(run({"keys", "list", "none.json"}).exit_code, 1);
    EXPECT_EQ(run({"keys", "list"}).exit_code, 2);
}

}  // namespace
}  // namespace margrave
