// SPDX-License-Identifier: Apache-2.0
#include "chains/evm/contracts.hpp"
#include "chains/evm/rlp.hpp"
#include "chains/evm/txn.hpp"
#include "core/events.hpp"
#include "core/words.hpp"

#include <benchmark/benchmark.h>
#include <vector>

namespace margrave::chains::evm {
namespace {

struct Log {
    std::vector<Hash32> topics;
    Bytes data;
};

Log sample_log() {
    Log log;
    const Hash32 account = keccak256(std::string_view("account"));
    log.topics = {movement_topic(), Amount(1).to_word(), Amount(1).to_word(), account};
    WordWriter words;
    words.address(low_address(account)).uint(Amount(1'000'000)).word(account);
    log.data = words.bytes();
    return log;
}

void decode_movement_log(benchmark::State& state) {
    const Log log = sample_log();
    for (auto _ : state) {
        benchmark::DoNotOptimize(decode_movement(log.topics, log.data));
    }
    state.SetItemsProcessed(state.iterations());
}

BENCHMARK(decode_movement_log);

// The whole price of one proved event without its JSON: decode, then fold.
void decode_and_fold(benchmark::State& state) {
    const Log log = sample_log();
    Accumulator accumulator;
    for (auto _ : state) {
        const auto movement = decode_movement(log.topics, log.data);
        accumulator = fold(accumulator, movement.value());
    }
    benchmark::DoNotOptimize(accumulator);
    state.SetItemsProcessed(state.iterations());
}

BENCHMARK(decode_and_fold);

void decode_rlp_list(benchmark::State& state) {
    Bytes members;
    for (std::uint64_t i = 0; i < 1000; ++i) {
        rlp::put_bytes(members, keccak256(std::string_view("member")).view());
    }
    Bytes list;
    rlp::put_list(list, members);
    for (auto _ : state) {
        benchmark::DoNotOptimize(rlp::decode(list));
    }
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(list.size()));
}

BENCHMARK(decode_rlp_list);

void encode_submit_call(benchmark::State& state) {
    SubmitAttestation order;
    order.signatures = Bytes(7 * 65, 0x11);
    for (auto _ : state) {
        benchmark::DoNotOptimize(encode_submit(order));
    }
}

BENCHMARK(encode_submit_call);

}  // namespace
}  // namespace margrave::chains::evm

BENCHMARK_MAIN();
