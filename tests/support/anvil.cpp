// SPDX-License-Identifier: Apache-2.0
#include "tests/support/anvil.hpp"

#include "chains/rpc/client.hpp"
#include "chains/rpc/codec.hpp"
#include "tests/support/loop.hpp"

#include <nlohmann/json.hpp>

#include <array>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace margrave::tests {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds kStartLimit{30};
constexpr std::chrono::milliseconds kPoll{20};
constexpr std::string_view kListening = "Listening on 127.0.0.1:";

// Two tests of one machine must not take each other's node for their own.
std::uint64_t unique_chain_id() {
    static std::atomic<std::uint64_t> next{0};
    return 40'000'000 + static_cast<std::uint64_t>(::getpid()) * 64 + next++ % 64;
}

[[noreturn]] void run_child(const std::vector<std::string>& words, int output) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::dup2(output, STDOUT_FILENO);
    ::dup2(output, STDERR_FILENO);
    std::vector<char*> arguments;
    for (const std::string& word : words) {
        arguments.push_back(const_cast<char*>(word.c_str()));
    }
    arguments.push_back(nullptr);
    ::execv(arguments.front(), arguments.data());
    ::_exit(127);
}

std::string text_of(int file) {
    std::string out;
    std::array<char, 4096> chunk{};
    ssize_t got = 0;
    while ((got = ::pread(file, chunk.data(), chunk.size(), static_cast<off_t>(out.size()))) > 0) {
        out.append(chunk.data(), static_cast<std::size_t>(got));
    }
    return out;
}

std::optional<unsigned> port_in(const std::string& text) {
    const auto at = text.find(kListening);
    if (at == std::string::npos || text.find('\n', at) == std::string::npos) {
        return std::nullopt;
    }
    unsigned port = 0;
    const char* begin = text.data() + at + kListening.size();
    std::from_chars(begin, text.data() + text.size(), port);
    return port == 0 ? std::nullopt : std::optional(port);
}

}  // namespace

/// Blocking JSON-RPC to the node.
class Anvil::Caller {
  public:
    explicit Caller(const std::string& url) {
        chains::EndpointSettings endpoint;
        endpoint.name = "anvil";
        endpoint.http = url;
        chains::rpc::RpcLimits limits;
        limits.timeout = std::chrono::seconds(30);
        auto made = chains::rpc::RpcClient::make(loop_.executor(), endpoint, limits, {});
        MARGRAVE_ASSERT(made.has_value());
        client_ = std::move(made).value();
    }

    Result<nlohmann::json> call(std::string method, nlohmann::json params) {
        auto answer = loop_.run(client_->call(std::move(method), std::move(params)));
        if (!answer) {
            return answer.as_failure();
        }
        return std::move(answer).value();
    }

  private:
    Loop loop_;
    std::unique_ptr<chains::rpc::RpcClient> client_;
};

std::optional<std::string> Anvil::program() {
    const char* named = std::getenv("MARGRAVE_ANVIL");
    if (named != nullptr && *named != '\0') {
        return std::string(named);
    }
    // The npm package's own command is a script that would leave its child behind.
    std::error_code none;
    const fs::path packages = fs::path(MARGRAVE_SOURCE_DIR) / "contracts/node_modules/@foundry-rs";
    for (const auto& entry : fs::directory_iterator(packages, none)) {
        const fs::path binary = entry.path() / "bin/anvil";
        if (entry.path().filename().string().starts_with("anvil-") && fs::exists(binary, none)) {
            return binary.string();
        }
    }
    return std::nullopt;
}

Result<std::unique_ptr<Anvil>> Anvil::start(const AnvilOptions& options) {
    const auto binary = program();
    if (!binary) {
        return fail(Errc::kNotFound, "there is no anvil");
    }
    const std::uint64_t chain_id = unique_chain_id();
    std::vector<std::string> words{
        *binary, "--host", "127.0.0.1", "--port", "0", "--chain-id", std::to_string(chain_id)};
    words.insert(words.end(), options.arguments.begin(), options.arguments.end());
    // A file, not a pipe: a pipe that nobody reads would stop the node when it is full.
    const int output = ::memfd_create("anvil", MFD_CLOEXEC);
    if (output < 0) {
        return fail(Errc::kIo, "memfd_create failed");
    }
    const pid_t pid = ::fork();
    if (pid < 0) {
        ::close(output);
        return fail(Errc::kIo, "fork failed");
    }
    if (pid == 0) {
        run_child(words, output);
    }
    std::unique_ptr<Anvil> out(new Anvil(pid, output, chain_id));
    MARGRAVE_TRY(out->wait_until_ready());
    return out;
}

Anvil::Anvil(pid_t pid, int output, std::uint64_t chain_id)
    : pid_(pid),
      output_(output),
      chain_id_(chain_id) {}

Anvil::~Anvil() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    ::close(output_);
}

bool Anvil::is_alive() const {
    siginfo_t info{};
    const int failed = ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT);
    return failed == 0 && info.si_pid == 0;
}

void Anvil::pause() {
    ::kill(pid_, SIGSTOP);
}

void Anvil::resume() {
    ::kill(pid_, SIGCONT);
}

Result<void> Anvil::wait_until_ready() {
    const auto limit = std::chrono::steady_clock::now() + kStartLimit;
    std::optional<unsigned> port;
    while (!port) {
        const std::string told = text_of(output_);
        if (!is_alive()) {
            return fail(Errc::kIo, "anvil ended at once: " + told);
        }
        if (std::chrono::steady_clock::now() > limit) {
            return fail(Errc::kTimeout, "anvil does not listen: " + told);
        }
        port = port_in(told);
        std::this_thread::sleep_for(kPoll);
    }
    url_ = "http://127.0.0.1:" + std::to_string(*port);
    caller_ = std::make_unique<Caller>(url_);
    MARGRAVE_TRY(const auto answer, rpc("eth_chainId"));
    MARGRAVE_TRY(const std::uint64_t id, chains::rpc::u64_of(answer, "eth_chainId"));
    if (id != chain_id_) {
        return fail(Errc::kWrongChain, "another node listens at " + url_);
    }
    return ok();
}

Result<nlohmann::json> Anvil::rpc(std::string_view method, std::string_view params) {
    if (!is_alive()) {
        return fail(Errc::kIo, "anvil is not running");
    }
    return caller_->call(std::string(method), nlohmann::json::parse(params));
}

Result<void> Anvil::mine(std::uint64_t blocks) {
    MARGRAVE_TRY(rpc("anvil_mine", "[\"" + chains::rpc::to_quantity(blocks) + "\"]"));
    return ok();
}

Result<void> Anvil::reorg(std::uint64_t depth) {
    MARGRAVE_TRY(rpc("anvil_reorg", "[" + std::to_string(depth) + ",[]]"));
    return ok();
}

const TestSigner& Anvil::rich() {
    static const TestSigner kSigner(
        parse_hash32("0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80").value()
    );
    return kSigner;
}

}  // namespace margrave::tests
