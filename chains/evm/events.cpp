// SPDX-License-Identifier: Apache-2.0
#include "chains/evm/events.hpp"

#include "chains/evm/contracts.hpp"
#include "core/assert.hpp"

#include <utility>

namespace margrave::chains::evm {
namespace {

std::string place(const NodeLog& log) {
    return "log " + std::to_string(log.index) + " of block " + std::to_string(log.number.value);
}

Error unproved(const ChainSettings& settings, std::string why) {
    return fail(Errc::kUnproved, settings.chain.text() + ": " + std::move(why));
}

// Carries the fold and the order of logs from block to block.
class Prover {
  public:
    Prover(const ChainSettings& settings, const Accumulators& before)
        : settings_(settings),
          now_(before) {}

    Result<ChainEvent> prove(const NodeLog& log, const BlockRef& block);

    [[nodiscard]] const Accumulators& now() const { return now_; }

  private:
    Result<void> check_place(const NodeLog& log, const BlockRef& block);
    Result<void> check_sequence(const NodeLog& log, std::uint64_t given, std::uint64_t count) const;

    const ChainSettings& settings_;
    Accumulators now_;
    std::optional<std::pair<BlockNum, std::uint32_t>> last_;
};

Result<void> Prover::check_place(const NodeLog& log, const BlockRef& block) {
    if (log.block != block.hash) {
        return unproved(
            settings_,
            place(log) + " is from block hash " + to_hex(log.block) + ", the chain has " +
                to_hex(block.hash)
        );
    }
    const std::pair at{log.number, log.index};
    if (last_ && at <= *last_) {
        return unproved(settings_, place(log) + " is out of order or doubled");
    }
    last_ = at;
    return ok();
}

Result<void> Prover::check_sequence(const NodeLog& log, std::uint64_t given, std::uint64_t count)
    const {
    if (given != count + 1) {
        return unproved(
            settings_,
            place(log) + " has sequence " + std::to_string(given) + " where " +
                std::to_string(count + 1) + " is next: events are missing or out of order"
        );
    }
    return ok();
}

Result<ChainEvent> Prover::prove(const NodeLog& log, const BlockRef& block) {
    MARGRAVE_TRY(check_place(log, block));
    ChainEvent out;
    out.txn_hash = log.txn;
    out.log_index = log.index;
    out.emitter = log.address;
    if (log.address == settings_.vault) {
        const auto movement = decode_movement(log.topics, log.data);
        if (!movement) {
            return unproved(settings_, place(log) + ": " + movement.error().detail);
        }
        MARGRAVE_TRY(check_sequence(log, movement.value().sequence, now_.vault.count));
        now_.vault = fold(now_.vault, movement.value());
        out.body = movement.value();
        return out;
    }
    if (settings_.position_book && log.address == *settings_.position_book) {
        const auto position = decode_position(log.topics, log.data);
        if (!position) {
            return unproved(settings_, place(log) + ": " + position.error().detail);
        }
        MARGRAVE_TRY(check_sequence(log, position.value().sequence, now_.positions.count));
        now_.positions = fold(now_.positions, position.value());
        out.body = position.value();
        return out;
    }
    return unproved(
        settings_, place(log) + " is from " + to_hex(log.address) + ", which was not asked for"
    );
}

Result<void> check_claim(
    const ChainSettings& settings,
    std::string_view contract,
    const BlockRef& block,
    const Accumulator& folded,
    const Accumulator& claimed
) {
    if (folded == claimed) {
        return ok();
    }
    return unproved(
        settings,
        "at block " + std::to_string(block.number.value) + " the " + std::string(contract) +
            " says " + std::to_string(claimed.count) + " events and accumulator " +
            to_hex(claimed.hash) + ", the node's logs give " + std::to_string(folded.count) +
            " and " + to_hex(folded.hash)
    );
}

Result<Accumulator> read_accumulator(
    const Bytes& count, const Bytes& hash, std::string_view contract
) {
    if (count.empty() && hash.empty()) {
        return Accumulator{};
    }
    const std::string name(contract);
    Accumulator out;
    MARGRAVE_TRY(out.count, answer_u64(count, name + ".eventCount()"));
    MARGRAVE_TRY(out.hash, answer_word(hash, name + ".accumulator()"));
    return out;
}

Result<void> check_one_start(
    const ChainSettings& settings,
    std::string_view contract,
    const Accumulator& ledger,
    const Accumulator& at_parent
) {
    if (ledger == at_parent) {
        return ok();
    }
    return unproved(
        settings,
        "the " + std::string(contract) + " has " + std::to_string(at_parent.count) +
            " events before start_block " + std::to_string(settings.start_block.value) +
            ", the ledger has " + std::to_string(ledger.count) +
            ": set start_block to the block that deployed it or an earlier one"
    );
}

}  // namespace

std::vector<Address> emitters_of(const ChainSettings& settings) {
    std::vector<Address> out;
    if (!settings.vault.is_zero()) {
        out.push_back(settings.vault);
    }
    if (settings.position_book) {
        out.push_back(*settings.position_book);
    }
    return out;
}

std::vector<rpc::RpcCall> ask_accumulators(const ChainSettings& settings, const Hash32& block) {
    std::vector<rpc::RpcCall> out;
    for (const Address& emitter : emitters_of(settings)) {
        out.push_back(ask_call(emitter, encode_view(View::kEventCount), block));
        out.push_back(ask_call(emitter, encode_view(View::kAccumulator), block));
    }
    return out;
}

Result<Accumulators> read_accumulators(
    const ChainSettings& settings, std::span<const Bytes> answers
) {
    MARGRAVE_ASSERT(answers.size() == 2 * emitters_of(settings).size());
    Accumulators out;
    std::size_t at = 0;
    if (!settings.vault.is_zero()) {
        MARGRAVE_TRY(out.vault, read_accumulator(answers[0], answers[1], "vault"));
        at = 2;
    }
    if (settings.position_book) {
        MARGRAVE_TRY(
            out.positions, read_accumulator(answers[at], answers[at + 1], "position book")
        );
    }
    return out;
}

Result<std::vector<BlockData>> prove_events(
    const ChainSettings& settings,
    std::span<const BlockRef> blocks,
    std::span<const NodeLog> logs,
    const Accumulators& before,
    const std::optional<Accumulators>& claimed
) {
    MARGRAVE_ASSERT(!blocks.empty());
    Prover prover(settings, before);
    std::vector<BlockData> out;
    out.reserve(blocks.size());
    std::size_t next = 0;
    for (const BlockRef& block : blocks) {
        BlockData data;
        data.block = block;
        while (next < logs.size() && logs[next].number == block.number) {
            MARGRAVE_TRY(auto event, prover.prove(logs[next], block));
            data.events.push_back(std::move(event));
            ++next;
        }
        data.vault = prover.now().vault;
        data.positions = prover.now().positions;
        out.push_back(std::move(data));
    }
    if (next != logs.size()) {
        return unproved(settings, place(logs[next]) + " is out of order or was not asked for");
    }
    const BlockRef& last = blocks.back();
    const Accumulators& folded = prover.now();
    if (claimed) {
        MARGRAVE_TRY(check_claim(settings, "vault", last, folded.vault, claimed->vault));
        MARGRAVE_TRY(
            check_claim(settings, "position book", last, folded.positions, claimed->positions)
        );
    }
    return out;
}

Result<void> check_start(
    const ChainSettings& settings, const Accumulators& ledger, const Accumulators& at_parent
) {
    MARGRAVE_TRY(check_one_start(settings, "vault", ledger.vault, at_parent.vault));
    return check_one_start(settings, "position book", ledger.positions, at_parent.positions);
}

}  // namespace margrave::chains::evm
