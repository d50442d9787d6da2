// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "chains/rpc/pool.hpp"
#include "infra/timeout.hpp"
#include "tests/support/loop.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace margrave::chains::rpc {

using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::seconds;
using tests::Loop;
using enum RpcClass;

constexpr milliseconds kForever = std::chrono::hours{1};

/// A steady clock that the test moves.
struct FakeSteady {
    std::shared_ptr<SteadyTime> time = std::make_shared<SteadyTime>(std::chrono::hours{5});

    [[nodiscard]] SteadyNow now() const {
        return [time = time] {
            return *time;
        };
    }

    void advance(milliseconds by) const { *time += by; }
};

/// One answer of a scripted node.
struct Turn {
    RpcResult<json> answer{json("0x1")};
    /// On the real clock.
    milliseconds delay{0};
};

/// What a scripted node was asked and will say. Shared by the test and its caller, which the pool
/// owns.
struct Script {
    std::string name;
    /// One for each call; when it is empty, `always` is.
    std::deque<Turn> turns;
    Turn always;
    std::vector<std::string> methods;
    std::size_t batches{0};
    std::size_t running{0};
    std::size_t running_max{0};
    std::size_t cancelled{0};
    /// Run when a call comes.
    std::function<void()> on_call;
};

inline Turn says(json value, milliseconds delay = milliseconds{0}) {
    return Turn{RpcResult<json>(std::move(value)), delay};
}

inline Turn fails(RpcClass kind, const std::string& text = "bad", milliseconds delay = {}) {
    RpcError error(kind, text);
    error.rpc_code = kind == kTransport ? 0 : -32000;
    return Turn{RpcResult<json>(std::move(error)), delay};
}

inline Turn hangs() {
    return says("never", kForever);
}

class ScriptedCaller final : public RpcCaller {
  public:
    explicit ScriptedCaller(std::shared_ptr<Script> script)
        : script_(std::move(script)) {}

    [[nodiscard]] const std::string& name() const override { return script_->name; }

    Task<RpcResult<json>> call(std::string method, json) override {
        return play(script_, std::move(method));
    }

    Task<RpcResult<std::vector<RpcResult<json>>>> batch(std::vector<RpcCall> calls) override {
        return play_all(script_, std::move(calls));
    }

  private:
    struct Visit {
        explicit Visit(std::shared_ptr<Script> s)
            : script(std::move(s)) {
            script->running_max = std::max(script->running_max, ++script->running);
        }

        Visit(const Visit&) = delete;
        Visit& operator=(const Visit&) = delete;

        ~Visit() {
            --script->running;
            script->cancelled += ended ? 0 : 1;
        }

        std::shared_ptr<Script> script;
        bool ended{false};
    };

    static Task<RpcResult<json>> play(std::shared_ptr<Script> script, std::string method) {
        script->methods.push_back(std::move(method));
        if (script->on_call) {
            script->on_call();
        }
        Turn turn = script->always;
        if (!script->turns.empty()) {
            turn = std::move(script->turns.front());
            script->turns.pop_front();
        }
        Visit visit(script);
        if (turn.delay.count() > 0) {
            co_await infra::sleep_for(turn.delay);
        }
        visit.ended = true;
        co_return std::move(turn.answer);
    }

    static Task<RpcResult<std::vector<RpcResult<json>>>> play_all(
        std::shared_ptr<Script> script, std::vector<RpcCall> calls
    ) {
        ++script->batches;
        std::vector<RpcResult<json>> out;
        for (const RpcCall& call : calls) {
            RpcResult<json> answer = co_await play(script, call.method);
            if (!answer &&
                (answer.error().kind == kTransport || answer.error().kind == kUnproved)) {
                co_return std::move(answer.error());
            }
            out.push_back(std::move(answer));
        }
        co_return out;
    }

    std::shared_ptr<Script> script_;
};

inline RpcCall read_call() {
    return RpcCall("eth_blockNumber", json::array());
}

inline RpcCall send_call() {
    return RpcCall("eth_sendRawTransaction", json::array({"0x02"}));
}

inline std::vector<RpcCall> read_calls(std::size_t count) {
    return std::vector<RpcCall>(count, read_call());
}

}  // namespace margrave::chains::rpc
