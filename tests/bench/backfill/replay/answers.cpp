// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/backfill/replay/answers.hpp"

#include "tests/bench/backfill/replay/cursor.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <type_traits>

namespace margrave::replay {
namespace {

constexpr std::size_t kMissingMax = 100;
constexpr std::size_t kQuestionShown = 200;
constexpr std::string_view kNull = "null";
constexpr std::string_view kInvalidRequest =
    R"({"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"Invalid request"}})";

// Of a string its inside; anything else as it stands.
std::string_view inside(std::string_view param) {
    return param.size() >= 2 && param.front() == '"' ? param.substr(1, param.size() - 2) : param;
}

std::optional<std::uint64_t> quantity(std::string_view text) {
    const int base = text.starts_with("0x") ? 16 : 10;
    text.remove_prefix(base == 16 ? 2 : 0);
    std::uint64_t out = 0;
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), out, base);
    return code == std::errc{} && end == text.data() + text.size() ? std::optional(out)
                                                                   : std::nullopt;
}

// One text or a list of texts; null and absent give an empty list.
std::vector<std::string_view> texts(Cursor& at) {
    std::vector<std::string_view> out;
    if (at.peek() == '[') {
        at.array([&](Cursor& element) { out.push_back(inside(element.value())); });
    } else if (const std::string_view one = at.value(); one != kNull) {
        out.push_back(inside(one));
    }
    return out;
}

// The question of a state call: the last parameter, which is the block, made "@".
std::string state_question(std::string_view method, const std::vector<std::string_view>& params) {
    std::string out = std::string(method) + " [";
    for (std::size_t i = 0; i + 1 < params.size(); ++i) {
        out += canonical(params[i]) + ",";
    }
    return out + "\"@\"]";
}

bool is_about_a_block(std::string_view method) {
    return method == "eth_getBlockByNumber" || method == "eth_getBlockByHash" ||
           method == "eth_getBlockReceipts";
}

std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : text) {
        out += c == '"' || c == '\\' ? "\\" : "";
        out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    }
    return out;
}

std::string hex(std::uint64_t number) {
    std::array<char, 16> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number, 16).ptr;
    return "\"0x" + std::string(digits.data(), end) + "\"";
}

}  // namespace

void Text::refer(std::string_view recorded) {
    if (!recorded.empty()) {
        pieces_.push_back(recorded);
        size_ += recorded.size();
    }
}

void Text::own(std::string made) {
    refer(made_.emplace_back(std::move(made)));
}

Text Answers::answer(std::string_view body) {
    Text out;
    Cursor in(body);
    std::vector<std::string_view> calls;
    const bool batch = in.peek() == '[';
    if (batch) {
        in.array([&](Cursor& at) { calls.push_back(at.value()); });
    } else {
        calls.push_back(in.value());
    }
    if (in.failed() || !in.at_end() || calls.empty()) {
        out.refer(kInvalidRequest);
        return out;
    }
    out.refer(batch ? "[" : "");
    for (std::size_t i = 0; i < calls.size(); ++i) {
        out.refer(i == 0 ? "" : ",");
        answer_call(calls[i], out);
    }
    out.refer(batch ? "]" : "");
    return out;
}

std::optional<Answers::Call> Answers::read_call(std::string_view text) {
    Call out;
    Cursor in(text);
    in.object([&](std::string_view name, Cursor& at) {
        if (name == "id") {
            out.id = at.value();
        } else if (name == "method") {
            out.method = at.string().value_or("");
        } else if (name == "params") {
            at.array([&](Cursor& param) { out.params.push_back(param.value()); });
        } else {
            at.value();
        }
    });
    return in.failed() ? std::nullopt : std::optional(std::move(out));
}

void Answers::answer_call(std::string_view text, Text& out) {
    const auto call = read_call(text);
    if (!call) {
        out.refer(kInvalidRequest);
        return;
    }
    const std::string envelope = R"({"jsonrpc":"2.0","id":)" + std::string(call->id);
    if (call->method.empty()) {
        out.own(envelope + R"(,"error":{"code":-32600,"message":"Invalid request"}})");
        return;
    }
    ++asked_[std::string(call->method)];
    const auto write = [&](const auto& given) {
        using Given = std::decay_t<decltype(given)>;
        if constexpr (std::is_same_v<Given, Refusal>) {
            out.own(
                envelope + R"(,"error":{"code":)" + std::to_string(given.code) + R"(,"message":")" +
                escaped(given.message) + "\"}}"
            );
        } else if constexpr (std::is_same_v<Given, LogText>) {
            out.own(envelope + R"(,"result":[)");
            for (std::size_t i = 0; i < given.pieces.size(); ++i) {
                out.refer(i == 0 ? "" : ",");
                out.refer(given.pieces[i]);
            }
            out.refer("]}");
        } else {
            out.own(envelope + R"(,"result":)");
            if constexpr (std::is_same_v<Given, std::string>) {
                out.own(given);
            } else {
                out.refer(given);
            }
            out.refer("}");
        }
    };
    std::visit(write, outcome_of(*call));
}

Answers::Outcome Answers::outcome_of(const Call& call) {
    if (call.method == "eth_getLogs") {
        return logs_outcome(call);
    }
    if (is_about_a_block(call.method)) {
        return block_outcome(call);
    }
    if (call.method == "eth_blockNumber") {
        return hex(head_);
    }
    if (call.method == "replay_setHead") {
        return set_head(call);
    }
    return state_outcome(call);
}

Answers::Outcome Answers::block_outcome(const Call& call) const {
    if (call.params.empty() || (call.method != "eth_getBlockReceipts" && call.params.size() != 2)) {
        return Refusal{-32602, std::string(call.method) + ": wrong number of parameters"};
    }
    const auto number = block_at(call.params.front());
    if (!number) {
        return kNull;
    }
    const Block& block = *recording_.block(*number);
    if (call.method == "eth_getBlockReceipts") {
        return block.receipts;
    }
    return call.params[1] == "true" ? block.full : block.header;
}

Answers::Outcome Answers::logs_outcome(const Call& call) const {
    LogFilter filter;
    std::string_view hash;
    std::string_view from;
    std::string_view to;
    // What anvil, and so the recording, writes in lower case may be asked for in any; so the names
    // of members are in lower case too.
    const std::string lowered = canonical(call.params.empty() ? "" : call.params.front());
    Cursor in(lowered);
    in.object([&](std::string_view name, Cursor& at) {
        if (name == "address") {
            filter.addresses = texts(at);
        } else if (name == "topics" && at.peek() == '[') {
            at.array([&](Cursor& place) { filter.topics.push_back(texts(place)); });
        } else {
            const std::string_view value = at.value();
            hash = name == "blockhash" ? inside(value) : hash;
            from = name == "fromblock" ? inside(value) : from;
            to = name == "toblock" ? inside(value) : to;
        }
    });
    if (in.failed()) {
        return Refusal{-32602, "eth_getLogs: the filter is no object"};
    }
    filter.from = range_end(from);
    filter.to = std::min(range_end(to), head_);
    if (!hash.empty()) {
        const auto number = block_at(hash);
        if (!number) {
            return Refusal{-32000, "unknown block"};
        }
        filter.from = filter.to = *number;
    }
    if (filter.from > head_) {
        return Refusal{
            -32602,
            "BlockOutOfRangeError: block height is " + std::to_string(head_) +
                " but requested was " + std::to_string(filter.from)};
    }
    if (filter.from > filter.to) {
        return LogText{};
    }
    if (limits_.max_range != 0 && filter.to - filter.from >= limits_.max_range) {
        return Refusal{
            -32602,
            "eth_getLogs is limited to a " + std::to_string(limits_.max_range) + " blocks range"};
    }
    LogText out = recording_.find_logs(filter);
    if (limits_.max_results != 0 && out.count > limits_.max_results) {
        return Refusal{
            -32005, "query returned more than " + std::to_string(limits_.max_results) + " results"};
    }
    return out;
}

Answers::Outcome Answers::state_outcome(const Call& call) {
    std::string question = std::string(call.method) + " [";
    for (const std::string_view param : call.params) {
        question += (question.back() == '[' ? "" : ",") + canonical(param);
    }
    question += ']';
    if (const auto constant = recording_.constant(question)) {
        return *constant;
    }
    if (!call.params.empty()) {
        const auto number = block_at(call.params.back());
        const std::string about = state_question(call.method, call.params);
        if (const auto found = recording_.since(about, number.value_or(recording_.last()))) {
            return number ? Outcome(*found) : Outcome(Refusal{-32001, "Resource not found"});
        }
    }
    question.resize(std::min(question.size(), kQuestionShown));
    if (missing_.size() < kMissingMax || missing_.contains(question)) {
        ++missing_[question];
    }
    return Refusal{-32601, "not recorded: " + question};
}

Answers::Outcome Answers::set_head(const Call& call) {
    const auto number =
        call.params.size() == 1 ? quantity(inside(call.params.front())) : std::nullopt;
    if (!number || *number > recording_.last()) {
        return Refusal{
            -32602, "replay_setHead takes a block up to " + std::to_string(recording_.last())};
    }
    head_ = *number;
    return std::string("true");
}

std::optional<std::uint64_t> Answers::block_at(std::string_view param) const {
    if (!param.empty() && param.front() == '{') {
        std::string_view inner;
        Cursor in(param);
        in.object([&](std::string_view name, Cursor& at) {
            const std::string_view value = at.value();
            inner = name == "blockHash" || name == "blockNumber" ? value : inner;
        });
        return inner.empty() || inner.front() == '{' ? std::nullopt : block_at(inner);
    }
    const std::string_view text = inside(param);
    std::optional<std::uint64_t> out;
    if (text.size() == 66) {
        out = recording_.number_of(text);
    } else if (text == "latest" || text == "pending") {
        out = head_;
    } else if (text == "safe") {
        out = head_ - std::min(head_, recording_.safe_lag());
    } else if (text == "finalized") {
        out = head_ - std::min(head_, recording_.final_lag());
    } else if (text == "earliest") {
        out = 0;
    } else {
        out = quantity(text);
    }
    return out && *out <= head_ ? out : std::nullopt;
}

std::uint64_t Answers::range_end(std::string_view param) const {
    if (const auto number = quantity(param)) {
        return *number;
    }
    return block_at(param).value_or(head_);
}

}  // namespace margrave::replay
