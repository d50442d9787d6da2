// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <map>
#include <poll.h>
#include <spawn.h>
#include <stdexcept>
#include <string>
#include <string_view>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace margrave::test {

struct ProcessOptions {
    std::vector<std::string> arguments;
    /// Standard input; ends after it.
    std::string input;
    /// Over the environment of the test.
    std::map<std::string, std::string> environment;
    std::filesystem::path directory{"."};
    std::chrono::seconds timeout{60};
};

struct ProcessResult {
    /// Negative: ended by that signal. The timeout is SIGKILL.
    int exit_code{0};
    std::string out;
    std::string err;
};

namespace detail {

inline void need(bool good, const char* what) {
    if (!good) {
        throw std::runtime_error(std::string("run_process: ") + what);
    }
}

struct Pipe {
    std::array<int, 2> ends{-1, -1};

    Pipe() { need(::pipe2(ends.data(), O_CLOEXEC) == 0, "pipe"); }

    ~Pipe() {
        close(0);
        close(1);
    }

    Pipe(const Pipe&) = delete;
    Pipe& operator=(const Pipe&) = delete;

    void close(std::size_t end) {
        if (ends.at(end) >= 0) {
            ::close(ends.at(end));
            ends.at(end) = -1;
        }
    }
};

inline std::vector<char*> pointers(std::vector<std::string>& texts) {
    std::vector<char*> out;
    for (std::string& text : texts) {
        out.push_back(text.data());
    }
    out.push_back(nullptr);
    return out;
}

inline std::vector<std::string> environment(const std::map<std::string, std::string>& over) {
    std::vector<std::string> out;
    for (char** entry = environ; *entry != nullptr; ++entry) {
        const std::string text(*entry);
        if (!over.contains(text.substr(0, text.find('=')))) {
            out.push_back(text);
        }
    }
    for (const auto& [name, value] : over) {
        out.push_back(name + "=" + value);
    }
    return out;
}

/// False at the end of the stream.
inline bool drain(Pipe& from, std::string& to) {
    std::array<char, 4096> buffer{};
    const ssize_t count = ::read(from.ends[0], buffer.data(), buffer.size());
    if (count > 0) {
        to.append(buffer.data(), static_cast<std::size_t>(count));
        return true;
    }
    from.close(0);
    return false;
}

inline pid_t spawn(
    const std::filesystem::path& program,
    const ProcessOptions& options,
    Pipe& in,
    Pipe& out,
    Pipe& err
) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    need(posix_spawn_file_actions_init(&actions) == 0, "actions");
    need(posix_spawnattr_init(&attributes) == 0, "attributes");
    posix_spawn_file_actions_adddup2(&actions, in.ends[0], 0);
    posix_spawn_file_actions_adddup2(&actions, out.ends[1], 1);
    posix_spawn_file_actions_adddup2(&actions, err.ends[1], 2);
    posix_spawn_file_actions_addchdir_np(&actions, options.directory.c_str());
    // A session of its own has no terminal, wherever the test is run from.
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID);
    std::vector<std::string> arguments = {program.string()};
    arguments.insert(arguments.end(), options.arguments.begin(), options.arguments.end());
    std::vector<std::string> variables = environment(options.environment);
    pid_t pid = -1;
    const int spawned = ::posix_spawn(
        &pid,
        program.c_str(),
        &actions,
        &attributes,
        pointers(arguments).data(),
        pointers(variables).data()
    );
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    need(spawned == 0, "posix_spawn");
    return pid;
}

/// Feeds and reads until both outputs end; false when the time is over.
inline bool exchange(
    std::string_view input,
    Pipe& in,
    Pipe& out,
    Pipe& err,
    ProcessResult& result,
    std::chrono::steady_clock::time_point deadline
) {
    while (out.ends[0] >= 0 || err.ends[0] >= 0) {
        if (input.empty()) {
            in.close(1);
        }
        std::array<pollfd, 3> waits{
            {{in.ends[1], POLLOUT, 0}, {out.ends[0], POLLIN, 0}, {err.ends[0], POLLIN, 0}}};
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
            deadline - std::chrono::steady_clock::now()
        );
        if (left.count() <= 0) {
            return false;
        }
        ::poll(waits.data(), waits.size(), static_cast<int>(left.count()));
        if (waits[0].revents != 0) {
            const ssize_t count = ::write(in.ends[1], input.data(), input.size());
            input.remove_prefix(count > 0 ? static_cast<std::size_t>(count) : input.size());
        }
        if (waits[1].revents != 0) {
            drain(out, result.out);
        }
        if (waits[2].revents != 0) {
            drain(err, result.err);
        }
    }
    return true;
}

}  // namespace detail

/// Runs a program to its end. Throws when it cannot be started.
inline ProcessResult run_process(
    const std::filesystem::path& program, const ProcessOptions& options
) {
    // A program that does not read its input must not end the test.
    std::signal(SIGPIPE, SIG_IGN);
    detail::Pipe in;
    detail::Pipe out;
    detail::Pipe err;
    const pid_t pid = detail::spawn(program, options, in, out, err);
    in.close(0);
    out.close(1);
    err.close(1);
    ProcessResult result;
    const auto deadline = std::chrono::steady_clock::now() + options.timeout;
    if (!detail::exchange(options.input, in, out, err, result, deadline)) {
        ::kill(pid, SIGKILL);
    }
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    return result;
}

}  // namespace margrave::test
