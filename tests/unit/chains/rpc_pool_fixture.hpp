// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "chains/rpc/pool.hpp"
#include "tests/unit/chains/rpc_script.hpp"

namespace margrave::chains::rpc {

class PoolTest : public testing::Test {
  protected:
    /// "a1", "a2", "b1": two endpoints of operator a, one of b. All dialed.
    void make(const std::vector<std::string>& names) {
        std::vector<std::unique_ptr<RpcCaller>> callers;
        std::vector<EndpointSettings> settings;
        for (const std::string& name : names) {
            auto script = std::make_shared<Script>();
            script->name = name;
            EndpointSettings own;
            own.name = name;
            own.operator_name = name.substr(0, 1);
            settings.push_back(own);
            callers.push_back(std::make_unique<ScriptedCaller>(script));
            scripts.push_back(std::move(script));
        }
        pool.emplace(std::move(callers), std::move(settings), limits, clock.now(), infra::Logger{});
        for (Endpoint* endpoint : pool->endpoints()) {
            endpoint->mark_dialed();
        }
    }

    Endpoint& at(std::size_t i) { return *pool->endpoints().at(i); }

    void break_down(std::size_t i) {
        for (int k = 0; k < 5; ++k) {
            scripts[i]->turns.push_back(fails(kTransport));
            static_cast<void>(loop.run(at(i).ask(read_call(), seconds{5})));
        }
        scripts[i]->methods.clear();
    }

    /// Lets it answer slowly once, by the fake clock.
    void slow_down(std::size_t i, milliseconds by) {
        scripts[i]->on_call = [this, by] {
            clock.advance(by);
        };
        static_cast<void>(loop.run(at(i).ask(read_call(), seconds{5})));
        scripts[i]->on_call = {};
        scripts[i]->methods.clear();
    }

    void limit(std::size_t i) {
        scripts[i]->turns.push_back(fails(kRateLimited));
        static_cast<void>(loop.run(at(i).ask(read_call(), seconds{5})));
        scripts[i]->methods.clear();
    }

    [[nodiscard]] std::string chosen() const {
        std::string out;
        for (const Endpoint* endpoint : pool->one_per_operator()) {
            out += endpoint->name() + " ";
        }
        return out;
    }

    std::vector<OperatorAnswer> ask(
        std::size_t enough,
        milliseconds deadline = seconds{5},
        milliseconds grace = EndpointPool::kGrace
    ) {
        return loop.run(pool->ask_operators(read_calls(2), deadline, enough, grace));
    }

    void heads(std::vector<std::uint64_t> numbers, std::size_t k) {
        std::vector<EndpointHead> told;
        for (std::size_t i = 0; i < numbers.size(); ++i) {
            told.push_back({&at(i), BlockNum{numbers[i]}});
        }
        pool->note_heads(told, k);
    }

    [[nodiscard]] milliseconds since_start() const {
        return std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - start);
    }

    Loop loop;
    FakeSteady clock;
    PoolLimits limits;
    std::vector<std::shared_ptr<Script>> scripts;
    std::optional<EndpointPool> pool;
    std::chrono::steady_clock::time_point start = std::chrono::steady_clock::now();
};

}  // namespace margrave::chains::rpc
