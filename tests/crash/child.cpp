// SPDX-License-Identifier: Apache-2.0
#include "tests/crash/child.hpp"

#include <algorithm>
#include <array>
#include <csignal>
#include <cstring>
#include <poll.h>
#include <random>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace margrave::crash {
namespace {

using Clock = std::chrono::steady_clock;

struct Head {
    char kind{0};
    std::uint16_t size{0};
};

// Takes whole messages off the front of `bytes`.
void take(std::string& bytes, Outcome& out, bool& ready) {
    std::size_t at = 0;
    Head head;
    while (bytes.size() - at >= sizeof head) {
        std::memcpy(&head, bytes.data() + at, sizeof head);
        if (bytes.size() - at - sizeof head < head.size) {
            break;
        }
        const std::string body = bytes.substr(at + sizeof head, head.size);
        at += sizeof head + head.size;
        if ((head.kind == 't' || head.kind == 's') && body.size() == sizeof(Told)) {
            Told told;
            std::memcpy(&told, body.data(), sizeof told);
            (head.kind == 't' ? out.told : out.signed_rounds).push_back(told);
        } else if (head.kind == 'w') {
            out.words.push_back(body);
        } else if (head.kind == 'm') {
            out.moments.push_back(body);
        } else {
            ready = true;
        }
    }
    bytes.erase(0, at);
}

void listen(int fd, pid_t child, const std::optional<KillAfter>& kill, Outcome& out) {
    std::string bytes;
    std::array<char, 4096> chunk{};
    bool ready = false;
    bool sent = false;
    std::optional<Clock::time_point> when;
    if (kill && !kill->rounds) {
        when = Clock::now() + kill->time;
    }
    while (true) {
        if (kill && kill->rounds && ready && out.told.size() >= *kill->rounds && !when) {
            when = Clock::now() + kill->time;
        }
        if (when && !sent && Clock::now() >= *when) {
            ::kill(child, SIGKILL);
            sent = true;
        }
        timespec wait{};
        if (when && !sent) {
            wait.tv_nsec =
                std::chrono::duration_cast<std::chrono::nanoseconds>(*when - Clock::now()).count();
            wait.tv_nsec = std::clamp<long>(wait.tv_nsec, 0, 999'999'999);
        }
        pollfd one{fd, POLLIN, 0};
        if (::ppoll(&one, 1, when && !sent ? &wait : nullptr, nullptr) <= 0) {
            continue;
        }
        const ssize_t got = ::read(fd, chunk.data(), chunk.size());
        if (got <= 0) {
            return;
        }
        bytes.append(chunk.data(), static_cast<std::size_t>(got));
        take(bytes, out, ready);
    }
}

}  // namespace

void Pipe::put(char kind, const void* bytes, std::size_t size) const {
    constexpr std::size_t kWhole = 4000;
    size = std::min(size, kWhole);
    std::string message(sizeof(Head) + size, '\0');
    const Head head{kind, static_cast<std::uint16_t>(size)};
    std::memcpy(message.data(), &head, sizeof head);
    if (size > 0) {
        std::memcpy(message.data() + sizeof head, bytes, size);
    }
    if (::write(fd_, message.data(), message.size()) != static_cast<ssize_t>(message.size())) {
        ::_exit(kBad);
    }
}

Outcome run_child(
    const std::function<int(const Pipe&)>& work, const std::optional<KillAfter>& kill
) {
    std::array<int, 2> ends{};
    if (::pipe(ends.data()) != 0) {
        return {false, kBad, 0, {}, {}, {"no pipe"}, {}};
    }
    const pid_t child = ::fork();
    if (child == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        ::close(ends[0]);
        ::_exit(work(Pipe(ends[1])));
    }
    ::close(ends[1]);
    Outcome out;
    listen(ends[0], child, kill, out);
    ::close(ends[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    out.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    out.killed = out.signal == SIGKILL;
    out.code = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
    return out;
}

int go_on(
    const Pipe& pipe,
    const History& history,
    const fs::path& dir,
    const std::vector<Told>& told,
    std::uint64_t rounds,
    bool full
) {
    const auto bad = [&](const char* when, const Error& error) {
        pipe.say(
            std::string(when) + ": " + std::string(to_string(error.code)) + ": " + error.detail
        );
        return kBad;
    };
    Firm firm(history, dir, fresh_salt());
    firm.on_signed = [&](const Told& one) {
        pipe.signed_round(one);
    };
    const auto opened = firm.open();
    if (!opened) {
        return bad("open", opened.error());
    }
    const auto checked = firm.check(told, false);
    if (!checked) {
        return bad("check", checked.error());
    }
    pipe.ready();
    const auto tell = [&](const Told& one) {
        pipe.told(one);
    };
    for (std::uint64_t i = 0; i < rounds && firm.blocks() < history.size(); ++i) {
        const auto done = firm.step(tell);
        if (!done) {
            return bad("round", done.error());
        }
    }
    if (full) {
        const auto whole = firm.check(told, true);
        if (!whole) {
            return bad("full check", whole.error());
        }
    }
    firm.close();
    return kFine;
}

std::string Record::add(const Outcome& outcome) {
    for (const Told& one : outcome.signed_rounds) {
        const auto [at, fresh] = signed_.emplace(one.round, one.digest);
        if (!fresh && at->second != one.digest) {
            return "round " + std::to_string(one.round) + " was signed with two digests";
        }
    }
    for (const Told& one : outcome.told) {
        if (!told_.empty() && one.round <= told_.back().round) {
            return "round " + std::to_string(one.round) + " was told again";
        }
        told_.push_back(one);
    }
    return {};
}

std::uint64_t fresh_salt() {
    static std::random_device random;
    return (std::uint64_t{random()} << 32U) | random();
}

}  // namespace margrave::crash
