// SPDX-License-Identifier: Apache-2.0
#include "relayer/commands/prompt.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <string_view>
#include <termios.h>
#include <unistd.h>

namespace margrave::relayer {
namespace {

constexpr std::size_t kPasswordMax = 4096;
constexpr char kInterrupt = '\x03';

// The terminal with echo off until destruction. Signals from keys are off too: Ctrl-C arrives as a
// character, so there is no way out that leaves the terminal mute.
class Terminal {
  public:
    Terminal()
        : fd_(::open("/dev/tty", O_RDWR | O_CLOEXEC)) {
        muted_ = fd_ >= 0 && ::tcgetattr(fd_, &before_) == 0;
        if (muted_) {
            termios mute = before_;
            mute.c_lflag &= ~static_cast<tcflag_t>(ECHO | ISIG);
            // A line ends with Ctrl-C too, so it is seen at once and not after the next Enter.
            mute.c_cc[VEOL] = kInterrupt;
            muted_ = ::tcsetattr(fd_, TCSAFLUSH, &mute) == 0;
        }
    }

    ~Terminal() {
        if (muted_) {
            ::tcsetattr(fd_, TCSAFLUSH, &before_);
        }
        if (fd_ >= 0) {
            ::close(fd_);
        }
    }

    Terminal(const Terminal&) = delete;
    Terminal& operator=(const Terminal&) = delete;

    [[nodiscard]] bool usable() const { return muted_; }

    void say(std::string_view text) const {
        while (!text.empty()) {
            const ssize_t count = ::write(fd_, text.data(), text.size());
            if (count <= 0) {
                return;
            }
            text.remove_prefix(static_cast<std::size_t>(count));
        }
    }

    [[nodiscard]] Result<std::string> ask(const std::string& what) const {
        say(what + ": ");
        std::string line;
        line.reserve(kPasswordMax);
        while (line.size() < kPasswordMax) {
            char c = 0;
            const ssize_t count = ::read(fd_, &c, 1);
            if (count < 0 && errno == EINTR) {
                continue;
            }
            if (count <= 0 || c == '\n') {
                break;
            }
            line += c;
            if (c == kInterrupt) {
                break;
            }
        }
        say("\n");
        if (line.find(kInterrupt) != std::string::npos) {
            return fail(Errc::kCancelled, "cancelled; nothing was written");
        }
        return line;
    }

  private:
    int fd_;
    bool muted_{false};
    termios before_{};
};

}  // namespace

Result<std::string> prompt_new_password(const std::string& what) {
    const Terminal terminal;
    if (!terminal.usable()) {
        return fail(
            Errc::kUsage, "there is no terminal to ask for a password; use --password-file"
        );
    }
    MARGRAVE_TRY(std::string first, terminal.ask(what));
    if (first.empty()) {
        return fail(Errc::kUsage, "the password is empty; nothing was written");
    }
    MARGRAVE_TRY(std::string second, terminal.ask("Once more"));
    const bool same = first == second;
    ::explicit_bzero(second.data(), second.size());
    if (!same) {
        ::explicit_bzero(first.data(), first.size());
        return fail(Errc::kUsage, "the two passwords differ; nothing was written");
    }
    return first;
}

}  // namespace margrave::relayer
