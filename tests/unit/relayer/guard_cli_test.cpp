// SPDX-License-Identifier: Apache-2.0
#include "tests/support/process.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <unistd.h>

namespace margrave {
namespace {

using nlohmann::json;
using test::ProcessResult;
namespace fs = std::filesystem;

// `margrave guard` as an operator meets it, on the local example.
class GuardCli : public testing::Test {
  protected:
    GuardCli() {
        const auto* test = testing::UnitTest::GetInstance()->current_test_info();
        dir_ = fs::temp_directory_path() / (std::string("margrave-guard-cli-") + test->name() +
                                            "-" + std::to_string(::getpid()));
        fs::remove_all(dir_);
        fs::create_directories(dir_);
        fs::copy(
            fs::path(MARGRAVE_SOURCE_DIR) / "config/examples/local.json", dir_ / "margrave.json"
        );
        network_ = json::parse(run({"--output", "json", "config", "check"}).out)["network"];
    }

    ~GuardCli() override { fs::remove_all(dir_); }

    [[nodiscard]] ProcessResult run(std::vector<std::string> arguments) const {
        test::ProcessOptions options;
        options.arguments = std::move(arguments);
        options.directory = dir_;
        return test::run_process(MARGRAVE_BINARY, options);
    }

    [[nodiscard]] ProcessResult guard(std::vector<std::string> arguments) const {
        arguments.insert(arguments.begin(), "guard");
        return run(std::move(arguments));
    }

    json guard_json(std::vector<std::string> arguments) const {
        arguments.insert(arguments.begin(), {"--output", "json", "guard"});
        const ProcessResult done = run(std::move(arguments));
        EXPECT_EQ(done.exit_code, 0) << done.out << done.err;
        return json::parse(done.out);
    }

    static std::string word(char digit) { return "0x" + std::string(64, digit); }

    [[nodiscard]] json entry(std::uint64_t epoch, char digest) const {
        json out = {
            {"domain", word('a')}, {"subject", word('b')}, {"epoch", std::to_string(epoch)}};
        if (digest != '\0') {
            out["digest"] = word(digest);
        }
        return out;
    }

    void write(const std::string& name, json signed_entries, std::string network = "") const {
        const json document = {
            {"metadata",
             {{"interchange_format", "margrave-guard"},
              {"interchange_format_version", "1"},
              {"network", network.empty() ? network_ : network}}},
            {"data",
             {{{"signer", "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266"},
               {"signed", std::move(signed_entries)}}}}};
        std::ofstream(dir_ / name) << document.dump();
    }

    [[nodiscard]] std::string read(const std::string& name) const {
        std::ostringstream out;
        out << std::ifstream(dir_ / name).rdbuf();
        return out.str();
    }

    static bool contains(const std::string& text, std::string_view part) {
        return text.find(part) != std::string::npos;
    }

    fs::path dir_;
    std::string network_;
};

TEST_F(GuardCli, WithoutAGuardThereIsNothingToShowOrExport) {
    for (const std::vector<std::string>& command :
         {std::vector<std::string>{"status"},
          {"close", "--reason", "x"},
          {"adopt", "--reason", "x"}}) {
        const ProcessResult done = guard(command);
        EXPECT_EQ(done.exit_code, 1) << done.err;
        EXPECT_TRUE(contains(done.err, "data")) << done.err;
    }
    EXPECT_FALSE(fs::exists(dir_ / "data" / "guard"));
}

TEST_F(GuardCli, AnImportIsShownAndExportedAgain) {
    write("in.json", json::array({entry(4, '4'), entry(7, '7'), entry(7, '7')}));
    EXPECT_EQ(
        guard_json({"import", "in.json"}), json({{"entries", "3"}, {"known", "0"}, {"raised", "1"}})
    );
    EXPECT_EQ(guard_json({"import", "in.json"})["raised"], "0");
    const json status = guard_json({"status"});
    EXPECT_EQ(status["watermarks"], "1");
    EXPECT_EQ(status["statements"], "0");
    EXPECT_EQ(status["closed"], "");
    EXPECT_EQ(guard_json({"export", "complete.json"})["entries"], "1");
    const json complete = json::parse(read("complete.json"));
    EXPECT_EQ(complete["data"][0]["signed"][0]["epoch"], "7");
    EXPECT_EQ(complete["data"][0]["signed"][0]["digest"], word('7'));
    EXPECT_EQ(guard_json({"export", "minimal.json", "--minimal"})["form"], "minimal");
    EXPECT_FALSE(contains(read("minimal.json"), "digest"));
    const auto mode = fs::status(dir_ / "complete.json").permissions();
    EXPECT_EQ(mode, fs::perms::owner_read | fs::perms::owner_write);
    const ProcessResult again = guard({"export", "complete.json"});
    EXPECT_EQ(again.exit_code, 2);
    EXPECT_TRUE(contains(again.err, "exists")) << again.err;
}

TEST_F(GuardCli, AMinimalFileRaisesAndAnOlderOneLowersNothing) {
    write("minimal.json", json::array({entry(9, '\0')}));
    write("older.json", json::array({entry(5, '5')}));
    EXPECT_EQ(guard_json({"import", "minimal.json"})["raised"], "1");
    EXPECT_EQ(guard_json({"import", "older.json"})["known"], "1");
    guard_json({"export", "out.json"});
    const json row = json::parse(read("out.json"))["data"][0]["signed"][0];
    EXPECT_EQ(row["epoch"], "9");
    EXPECT_FALSE(row.contains("digest"));
}

TEST_F(GuardCli, AConflictImportsNothingAndIsUnsafe) {
    write("one.json", json::array({entry(7, '7')}));
    write("other.json", json::array({entry(7, '8'), entry(9, '9')}));
    write("itself.json", json::array({entry(8, '7'), entry(8, '8')}));
    EXPECT_EQ(guard_json({"import", "one.json"})["raised"], "1");
    for (const char* file : {"other.json", "itself.json"}) {
        const ProcessResult done = guard({"import", file});
        EXPECT_EQ(done.exit_code, 3) << done.err;
        EXPECT_TRUE(contains(done.err, "nothing was imported")) << done.err;
    }
    EXPECT_EQ(guard_json({"status"})["records"], "2");
}

TEST_F(GuardCli, AFileOfAnotherNetworkOrFormIsRefused) {
    write("foreign.json", json::array({entry(7, '7')}), word('e'));
    json missing = entry(7, '7');
    missing.erase("epoch");
    write("missing.json", json::array({missing}));
    std::ofstream(dir_ / "text.json") << "not json";
    for (const auto& [file, words] : std::map<std::string, std::string>{
             {"foreign.json", "is another network"},
             {"missing.json", "/data/0/signed/0/epoch: is missing"},
             {"text.json", "guard file:"}}) {
        const ProcessResult done = guard({"import", file});
        EXPECT_EQ(done.exit_code, 2) << file << done.err;
        EXPECT_TRUE(contains(done.err, words)) << done.err;
    }
    EXPECT_FALSE(fs::exists(dir_ / "data" / "guard"));
}

TEST_F(GuardCli, ACopyIsRefusedUntilItIsAdopted) {
    write("in.json", json::array({entry(7, '7')}));
    guard_json({"import", "in.json"});
    fs::rename(dir_ / "data", dir_ / "original");
    fs::copy(dir_ / "original", dir_ / "data", fs::copy_options::recursive);
    for (const std::vector<std::string>& command :
         {std::vector<std::string>{"status"},
          {"import", "in.json"},
          {"export", "out.json"},
          {"close", "--reason", "x"}}) {
        const ProcessResult done = guard(command);
        EXPECT_EQ(done.exit_code, 3) << done.err;
        EXPECT_TRUE(contains(done.err, "margrave guard adopt --reason")) << done.err;
    }
    EXPECT_EQ(guard({"adopt"}).exit_code, 2);
    EXPECT_EQ(guard_json({"adopt", "--reason", "the disk was replaced"})["adopted"], true);
    const json status = guard_json({"status"});
    EXPECT_EQ(status["adoptions"], "1");
    EXPECT_EQ(status["adoptedBecause"], "the disk was replaced");
}

TEST_F(GuardCli, AClosedGuardSaysSo) {
    write("in.json", json::array({entry(7, '7')}));
    guard_json({"import", "in.json"});
    EXPECT_EQ(guard({"export", "out.json", "--close"}).exit_code, 2);
    EXPECT_FALSE(fs::exists(dir_ / "out.json"));
    EXPECT_TRUE(contains(
        guard_json({"close", "--from", "12", "--reason", "plan"})["closed"],
        "from epoch 12 on: plan"
    ));
    EXPECT_EQ(guard_json({"export", "out.json", "--close", "--reason", "op-2"})["closed"], true);
    EXPECT_TRUE(contains(guard_json({"status"})["closed"], "everything from epoch 0 on: op-2"));
    EXPECT_TRUE(contains(guard({"status"}).out, "closed: "));
}

}  // namespace
}  // namespace margrave
