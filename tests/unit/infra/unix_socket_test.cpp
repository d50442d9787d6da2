// SPDX-License-Identifier: Apache-2.0
#include "infra/files.hpp"
#include "infra/timeout.hpp"
#include "infra/unix_client.hpp"
#include "infra/unix_server.hpp"
#include "tests/support/loop.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <future>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <thread>
#include <unistd.h>

namespace margrave::infra {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using tests::Loop;

/// Polls, because the blocking client runs on a thread of its own.
Task<Result<std::string>> ended(std::future<Result<std::string>>* answer) {
    while (answer->wait_for(0s) != std::future_status::ready) {
        co_await sleep_for(1ms);
    }
    co_return answer->get();
}

Task<std::string> echo(std::string line) {
    co_return "<" + line + ">";
}

class UnixSocket : public testing::Test {
  protected:
    UnixSocket() {
        std::string text = testing::TempDir() + "margrave-sock-XXXXXX";
        dir = ::mkdtemp(text.data());
        path = dir / "control";
    }

    ~UnixSocket() override {
        loop.stop();
        server.reset();
        fs::remove_all(dir);
    }

    Result<std::unique_ptr<UnixServer>> listen(
        UnixServer::Handler handler, UnixLimits limits = {}
    ) {
        return UnixServer::listen(loop.executor(), path, std::move(handler), limits, Logger{});
    }

    void serve(UnixServer::Handler handler, UnixLimits limits = {}) {
        server = listen(std::move(handler), limits).value();
        loop.start(server->run());
    }

    Result<std::string> ask(std::string line, std::chrono::milliseconds timeout = 20s) {
        std::future<Result<std::string>> answer = std::async(
            std::launch::async, [p = path, line, timeout] { return unix_request(p, line, timeout); }
        );
        return loop.run(ended(&answer));
    }

    int connect_raw() const {
        const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path.native().copy(address.sun_path, sizeof address.sun_path - 1);
        EXPECT_EQ(::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
        return fd;
    }

    Loop loop;
    fs::path dir;
    fs::path path;
    std::unique_ptr<UnixServer> server;
};

TEST_F(UnixSocket, ALineComesBackAsALine) {
    serve(&echo);
    EXPECT_EQ(ask("{\"a\":1}").value(), "<{\"a\":1}>");
    EXPECT_EQ(ask("").value(), "<>");
    EXPECT_EQ(server->path(), path);
}

TEST_F(UnixSocket, OnlyTheOwnerMayConnect) {
    serve(&echo);

    struct stat facts {};

    ASSERT_EQ(::stat(path.c_str(), &facts), 0);
    EXPECT_EQ(facts.st_mode & 0777U, 0600U);
}

TEST_F(UnixSocket, OneSessionMayAskManyTimes) {
    serve(&echo);
    const int fd = connect_raw();
    ASSERT_EQ(::write(fd, "a\nb\n", 4), 4);
    loop.run(sleep_for(20ms));
    EXPECT_EQ(server->sessions(), 1U);
    char text[16]{};
    std::size_t got = 0;
    while (got < 8) {
        const ssize_t part = ::recv(fd, text + got, sizeof text - got, MSG_DONTWAIT);
        got += part > 0 ? static_cast<std::size_t>(part) : 0;
        loop.run(sleep_for(1ms));
    }
    EXPECT_STREQ(text, "<a>\n<b>\n");
    ::close(fd);
}

TEST_F(UnixSocket, LargeAnswersArrive) {
    auto large = [](std::string) -> Task<std::string> {
        co_return std::string(5'000'000, 'x');
    };
    serve(large);
    EXPECT_EQ(ask("give").value().size(), 5'000'000U);
}

TEST_F(UnixSocket, ALineOverTheLimitIsRefusedWithAReason) {
    UnixLimits limits;
    limits.request_bytes = 100;
    serve(&echo, limits);
    EXPECT_EQ(ask(std::string(100, 'x')).value().size(), 102U);
    const auto refused = ask(std::string(101, 'x'));
    ASSERT_TRUE(refused) << refused.error().detail;
    EXPECT_EQ(
        refused.value(),
        R"({"error":{"code":"limit","detail":"the request is longer than 100 bytes"}})"
    );
}

TEST_F(UnixSocket, AnAnswerThatDoesNotFitIsReplaced) {
    UnixLimits limits;
    limits.response_bytes = 10;
    auto answer = [](std::string line) -> Task<std::string> {
        co_return line == "long" ? std::string(11, 'x') : "two\nlines";
    };
    serve(answer, limits);
    EXPECT_NE(ask("long").value().find("\"limit\""), std::string::npos);
    EXPECT_NE(ask("lines").value().find("\"invalid\""), std::string::npos);
}

TEST_F(UnixSocket, SessionsAreBounded) {
    UnixLimits limits;
    limits.sessions = 2;
    serve(&echo, limits);
    const int first = connect_raw();
    const int second = connect_raw();
    loop.run(sleep_for(20ms));
    EXPECT_EQ(server->sessions(), 2U);
    const auto refused = ask("x");
    ASSERT_TRUE(refused) << refused.error().detail;
    EXPECT_NE(refused.value().find("2 sessions are open already"), std::string::npos);
    ::close(first);
    ::close(second);
    loop.run(sleep_for(20ms));
    EXPECT_EQ(ask("x").value(), "<x>");
}

TEST_F(UnixSocket, AnIdleSessionIsClosed) {
    UnixLimits limits;
    limits.idle = 20ms;
    serve(&echo, limits);
    const int fd = connect_raw();
    loop.run(sleep_for(100ms));
    EXPECT_EQ(server->sessions(), 0U);
    ::close(fd);
}

TEST_F(UnixSocket, AHandlerThatThrowsEndsOnlyItsSession) {
    auto handler = [](std::string line) -> Task<std::string> {
        if (line == "bad") {
            throw std::runtime_error("broken");
        }
        co_return line;
    };
    serve(handler);
    EXPECT_EQ(ask("bad").error().code, Errc::kIo);
    EXPECT_EQ(ask("good").value(), "good");
}

TEST_F(UnixSocket, AHandlerUnderWayStopsWithTheServer) {
    auto never = [](std::string) -> Task<std::string> {
        co_await sleep_for(std::chrono::hours(1));
        co_return "";
    };
    serve(never);
    EXPECT_EQ(ask("x", 50ms).error().code, Errc::kTimeout);
    loop.stop();
    EXPECT_EQ(server->sessions(), 0U);
}

TEST_F(UnixSocket, NobodyListening) {
    EXPECT_EQ(unix_request(path, "x", 1s).error().code, Errc::kNotFound);
    EXPECT_EQ(unix_request(path, "x\ny", 1s).error().code, Errc::kInvalid);
}

TEST_F(UnixSocket, AStaleFileIsReplacedAndALiveServerIsNot) {
    {
        // A socket file whose process is gone.
        const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path.native().copy(address.sun_path, sizeof address.sun_path - 1);
        ASSERT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
        ::close(fd);
    }
    EXPECT_EQ(unix_request(path, "x", 1s).error().code, Errc::kNotFound);
    serve(&echo);
    EXPECT_EQ(ask("x").value(), "<x>");
    const auto second = listen(&echo);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, Errc::kLocked);
    EXPECT_EQ(ask("x").value(), "<x>");
}

TEST_F(UnixSocket, WhatIsNoSocketIsLeftAlone) {
    ASSERT_TRUE(write_file_atomic(path, "data", 0600));
    EXPECT_EQ(listen(&echo).error().code, Errc::kIo);
    EXPECT_EQ(read_file(path, 10).value(), "data");
}

TEST_F(UnixSocket, TheFileGoesWithTheServerUnlessItIsAnothers) {
    serve(&echo);
    loop.stop();
    server.reset();
    EXPECT_FALSE(fs::exists(path));
    serve(&echo);
    loop.stop();
    fs::remove(path);
    ASSERT_TRUE(write_file_atomic(path, "other", 0600));
    server.reset();
    EXPECT_TRUE(fs::exists(path));
}

TEST_F(UnixSocket, APathThatDoesNotFitIsSaid) {
    path = dir / std::string(120, 'x');
    EXPECT_EQ(listen(&echo).error().code, Errc::kInvalid);
}

}  // namespace
}  // namespace margrave::infra
