// SPDX-License-Identifier: Apache-2.0
#include "chains/evm/contracts.hpp"

#include "core/assert.hpp"
#include "core/keccak.hpp"
#include "core/words.hpp"

#include <algorithm>
#include <array>

namespace margrave::chains::evm {
namespace {

constexpr std::size_t kWord = 32;

Bytes selector(std::string_view signature) {
    const Hash32 hash = keccak256(signature);
    return {hash.data.begin(), hash.data.begin() + 4};
}

Bytes call(std::string_view signature, const WordWriter& arguments) {
    Bytes out = selector(signature);
    put_bytes(out, arguments.bytes());
    return out;
}

Hash32 word_at(ByteView data, std::size_t index) {
    MARGRAVE_ASSERT(data.size() >= (index + 1) * kWord);
    Hash32 out;
    std::ranges::copy(data.subspan(index * kWord, kWord), out.data.begin());
    return out;
}

bool has_address_padding(const Hash32& word) {
    return left_pad(low_address(word)) == word;
}

AccountId account_of_word(const Hash32& word) {
    AccountId out;
    out.data = word.data;
    return out;
}

Result<void> check_shape(
    std::string_view event,
    std::span<const Hash32> topics,
    const Hash32& topic,
    ByteView data,
    std::size_t words
) {
    if (topics.size() != 4 || topics[0] != topic) {
        return fail(Errc::kInvalid, "the log is no " + std::string(event) + " event");
    }
    if (data.size() != words * kWord) {
        return fail(
            Errc::kInvalid,
            std::string(event) + " event has " + std::to_string(data.size()) +
                " bytes of data, not " + std::to_string(words * kWord)
        );
    }
    return ok();
}

Result<std::uint64_t> read_sequence(const Hash32& word) {
    const auto number = Amount::from_word(word).to_u64();
    if (!number || number.value() == 0) {
        return fail(Errc::kInvalid, "event sequence " + to_hex(word) + " is out of range");
    }
    return number.value();
}

Result<MovementKind> read_kind(const Hash32& word) {
    const auto number = Amount::from_word(word).to_u64();
    if (!number) {
        return fail(Errc::kInvalid, "movement kind " + to_hex(word) + " is out of range");
    }
    return movement_kind(number.value());
}

void put_leaf(WordWriter& out, const AccountState& s) {
    out.word(s.account)
        .money(s.equity)
        .money(s.initial)
        .money(s.liquidation_end)
        .money(s.maintenance)
        .uint(static_cast<std::uint64_t>(s.status))
        .uint(s.flags)
        .word(s.detail);
}

Error bad_answer(std::string_view what, std::string why) {
    return fail(Errc::kInvalid, std::string(what) + " answered " + std::move(why));
}

Result<void> check_words(ByteView answer, std::size_t words, std::string_view what) {
    if (answer.size() != words * kWord) {
        return bad_answer(
            what, std::to_string(answer.size()) + " bytes, not " + std::to_string(words * kWord)
        );
    }
    return ok();
}

Result<std::uint64_t> small(const Hash32& word, std::string_view what) {
    const auto number = Amount::from_word(word).to_u64();
    if (!number) {
        return bad_answer(what, to_hex(word) + ", which does not fit 64 bits");
    }
    return number.value();
}

}  // namespace

const Hash32& movement_topic() {
    static const Hash32 kTopic =
        keccak256(std::string_view("Movement(uint64,uint8,bytes32,address,uint256,bytes32)"));
    return kTopic;
}

const Hash32& position_topic() {
    static const Hash32 kTopic =
        keccak256(std::string_view("Position(uint64,bytes32,bytes32,int256,int256)"));
    return kTopic;
}

Result<Movement> decode_movement(std::span<const Hash32> topics, ByteView data) {
    MARGRAVE_TRY(check_shape("Movement", topics, movement_topic(), data, 3));
    Movement out;
    MARGRAVE_TRY(out.sequence, read_sequence(topics[1]));
    MARGRAVE_TRY(out.kind, read_kind(topics[2]));
    out.account = account_of_word(topics[3]);
    const Hash32 token = word_at(data, 0);
    if (!has_address_padding(token)) {
        return fail(Errc::kInvalid, "Movement event has a token " + to_hex(token));
    }
    out.token = low_address(token);
    out.amount = Amount::from_word(word_at(data, 1));
    out.counterparty = word_at(data, 2);
    return out;
}

Result<Position> decode_position(std::span<const Hash32> topics, ByteView data) {
    MARGRAVE_TRY(check_shape("Position", topics, position_topic(), data, 2));
    Position out;
    MARGRAVE_TRY(out.sequence, read_sequence(topics[1]));
    out.account = account_of_word(topics[2]);
    out.market = topics[3];
    MARGRAVE_TRY(out.size, Money::from_word(word_at(data, 0)));
    MARGRAVE_TRY(out.entry_price, Money::from_word(word_at(data, 1)));
    return out;
}

Bytes encode_submit(const SubmitAttestation& instruction) {
    constexpr std::uint64_t kHeadWords = 11;
    const Attestation& a = instruction.attestation;
    WordWriter out;
    out.uint(a.round.value)
        .uint(a.signer_epoch)
        .uint(a.issued_at.value)
        .uint(a.valid_until.value)
        .word(a.previous)
        .word(a.parameters)
        .word(a.snapshot)
        .word(a.prices)
        .word(a.accounts)
        .uint(a.account_count)
        .uint(kHeadWords * kWord)
        .tail(instruction.signatures);
    return call(
        "submit((uint64,uint64,uint64,uint64,bytes32,bytes32,bytes32,bytes32,bytes32,uint64),"
        "bytes)",
        out
    );
}

Bytes encode_release(const ExecuteRelease& instruction) {
    constexpr std::uint64_t kHeadWords = 12;
    const Release& r = instruction.release;
    WordWriter out;
    out.word(r.id)
        .uint(static_cast<std::uint64_t>(r.kind))
        .word(r.chain)
        .address(r.vault)
        .word(r.account)
        .address(r.token)
        .uint(r.amount)
        .address(r.recipient)
        .uint(r.round.value)
        .uint(r.deadline.value)
        .uint(instruction.request)
        .uint(kHeadWords * kWord)
        .tail(instruction.signatures);
    return call(
        "release((bytes32,uint8,bytes32,address,bytes32,address,uint256,address,uint64,uint64),"
        "uint64,bytes)",
        out
    );
}

Bytes encode_seize(const ExecuteSeizure& instruction) {
    constexpr std::uint64_t kHeadWords = 11 + 8 + 2;
    const Seizure& s = instruction.seizure;
    const std::uint64_t proof_words = 1 + instruction.proof.size();
    WordWriter out;
    out.word(s.id)
        .word(s.chain)
        .address(s.vault)
        .word(s.account)
        .address(s.token)
        .uint(s.amount)
        .address(s.debt_token)
        .uint(s.min_proceeds)
        .address(s.sale)
        .uint(s.round.value)
        .uint(s.deadline.value);
    put_leaf(out, instruction.leaf);
    out.uint(kHeadWords * kWord).uint((kHeadWords + proof_words) * kWord);
    out.uint(instruction.proof.size());
    for (const Hash32& node : instruction.proof) {
        out.word(node);
    }
    out.tail(instruction.signatures);
    return call(
        "seize((bytes32,bytes32,address,bytes32,address,uint256,address,uint256,address,uint64,"
        "uint64),(bytes32,int256,int256,int256,int256,uint8,uint32,bytes32),bytes32[],bytes)",
        out
    );
}

Bytes encode_close(const Hash32& seizure) {
    WordWriter out;
    out.word(seizure);
    return call("close(bytes32)", out);
}

std::string_view to_string(View view) {
    switch (view) {
        case View::kLatest:
            return "latest()";
        case View::kLatestDigest:
            return "latestDigest()";
        case View::kNetwork:
            return "network()";
        case View::kChain:
            return "chain()";
        case View::kRegistry:
            return "registry()";
        case View::kVault:
            return "vault()";
        case View::kEventCount:
            return "eventCount()";
        case View::kAccumulator:
            return "accumulator()";
        case View::kDecimals:
            return "decimals()";
        case View::kLatestRoundData:
            return "latestRoundData()";
    }
    MARGRAVE_ASSERT(false);
}

Bytes encode_view(View view) {
    return selector(to_string(view));
}

Bytes encode_balance_of(const Address& holder) {
    WordWriter out;
    out.address(holder);
    return call("balanceOf(address)", out);
}

Result<Hash32> answer_word(ByteView answer, std::string_view what) {
    MARGRAVE_TRY(check_words(answer, 1, what));
    return word_at(answer, 0);
}

Result<Amount> answer_amount(ByteView answer, std::string_view what) {
    MARGRAVE_TRY(const Hash32 word, answer_word(answer, what));
    return Amount::from_word(word);
}

Result<std::uint64_t> answer_u64(ByteView answer, std::string_view what) {
    MARGRAVE_TRY(const Hash32 word, answer_word(answer, what));
    return small(word, what);
}

Result<Address> answer_address(ByteView answer, std::string_view what) {
    MARGRAVE_TRY(const Hash32 word, answer_word(answer, what));
    if (!has_address_padding(word)) {
        return bad_answer(what, to_hex(word) + ", which is no address");
    }
    return low_address(word);
}

Result<LatestRound> answer_latest(ByteView answer) {
    constexpr std::string_view kWhat = "registry.latest()";
    MARGRAVE_TRY(check_words(answer, 4, kWhat));
    LatestRound out;
    MARGRAVE_TRY(out.round.value, small(word_at(answer, 0), kWhat));
    out.root = word_at(answer, 1);
    MARGRAVE_TRY(out.issued_at.value, small(word_at(answer, 2), kWhat));
    MARGRAVE_TRY(out.valid_until.value, small(word_at(answer, 3), kWhat));
    return out;
}

Result<FeedRound> answer_feed(ByteView answer) {
    constexpr std::string_view kWhat = "feed.latestRoundData()";
    MARGRAVE_TRY(check_words(answer, 5, kWhat));
    FeedRound out;
    out.round_id = word_at(answer, 0);
    out.answer = word_at(answer, 1);
    MARGRAVE_TRY(out.started_at.value, small(word_at(answer, 2), kWhat));
    MARGRAVE_TRY(out.updated_at.value, small(word_at(answer, 3), kWhat));
    out.answered_in_round = word_at(answer, 4);
    return out;
}

}  // namespace margrave::chains::evm
