// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/backfill/replay/recording.hpp"

#include "tests/bench/backfill/replay/cursor.hpp"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <queue>

namespace margrave::replay {
namespace {

constexpr std::string_view kFirstLine = "margrave-recording 1\n";

/// What a filter looks at in one log.
struct LogKeys {
    std::string_view address;
    std::vector<std::string_view> topics;
};

LogKeys keys_of(std::string_view log) {
    LogKeys out;
    Cursor in(log);
    in.object([&](std::string_view name, Cursor& at) {
        if (name == "address") {
            out.address = at.string().value_or("");
        } else if (name == "topics") {
            at.array([&](Cursor& topic) { out.topics.push_back(topic.string().value_or("")); });
        } else {
            at.value();
        }
    });
    return out;
}

bool has(const std::vector<std::string_view>& wanted, std::string_view given) {
    return wanted.empty() || std::ranges::find(wanted, given) != wanted.end();
}

bool topics_match(const LogFilter& filter, std::string_view log) {
    const LogKeys keys = keys_of(log);
    if (keys.topics.size() < filter.topics.size()) {
        return false;
    }
    for (std::size_t i = 0; i < filter.topics.size(); ++i) {
        if (!has(filter.topics[i], keys.topics[i])) {
            return false;
        }
    }
    return true;
}

bool is_about_more_than_the_first_topic(const LogFilter& filter) {
    return filter.topics.size() > 1;
}

std::optional<std::uint64_t> number_in(std::string_view text) {
    std::uint64_t out = 0;
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), out);
    return code == std::errc{} && end == text.data() + text.size() ? std::optional(out)
                                                                   : std::nullopt;
}

std::string_view member(std::string_view object, std::string_view wanted) {
    std::string_view out;
    Cursor in(object);
    in.object([&](std::string_view name, Cursor& at) {
        const std::string_view value = at.value();
        if (name == wanted && value.size() >= 2) {
            out = value.substr(1, value.size() - 2);
        }
    });
    return out;
}

}  // namespace

Result<Recording> Recording::load(const std::filesystem::path& file) {
    Recording out;
    std::ifstream in(file, std::ios::binary | std::ios::ate);
    if (!in) {
        return fail(Errc::kIo, "cannot read " + file.string());
    }
    out.file_.resize(static_cast<std::size_t>(in.tellg()));
    in.seekg(0);
    in.read(out.file_.data(), static_cast<std::streamsize>(out.file_.size()));
    const std::string_view text(out.file_);
    if (!in || !text.starts_with(kFirstLine)) {
        return fail(Errc::kInvalid, file.string() + " does not begin as a recording does");
    }
    std::size_t at = kFirstLine.size();
    while (at < text.size()) {
        const std::string place = file.string() + ", byte " + std::to_string(at);
        const std::size_t line_end = std::min(text.find('\n', at), text.size());
        const std::string_view line = text.substr(at, line_end - at);
        const std::size_t first = line.find(' ');
        const std::size_t second = line.rfind(' ');
        if (first == std::string_view::npos || first == second) {
            return fail(Errc::kInvalid, place + ": not a frame");
        }
        const auto number = number_in(line.substr(first + 1, second - first - 1));
        const auto size = number_in(line.substr(second + 1));
        at = line_end + 1;
        if (!number || !size || at > text.size() || text.size() - at <= *size) {
            return fail(Errc::kInvalid, place + ": the frame is cut or has no length");
        }
        auto added = out.add({line.substr(0, first), *number, text.substr(at, *size)});
        if (!added) {
            return fail(Errc::kInvalid, place + ": " + added.error().detail);
        }
        at += *size + 1;
    }
    if (out.blocks_.empty()) {
        return fail(Errc::kInvalid, file.string() + " has no block");
    }
    return out;
}

Result<void> Recording::add(const Frame& frame) {
    const auto& [kind, number, payload] = frame;
    if (kind == "block") {
        if (number != blocks_.size()) {
            return fail(Errc::kInvalid, "block " + std::to_string(number) + " is out of order");
        }
        blocks_.push_back({member(payload, "hash"), payload, {}, {}});
        by_hash_[blocks_.back().hash] = number;
        return ok();
    }
    if (kind == "constant" || kind == "since") {
        const std::size_t end = payload.find('\n');
        if (end == std::string_view::npos) {
            return fail(Errc::kInvalid, "an answer without its question");
        }
        const std::string question(payload.substr(0, end));
        if (kind == "since") {
            states_[question][number] = payload.substr(end + 1);
        } else {
            constants_[question] = payload.substr(end + 1);
        }
        return ok();
    }
    if (kind == "lag") {
        const std::size_t blank = std::min(payload.find(' '), payload.size());
        safe_lag_ = number_in(payload.substr(0, blank)).value_or(0);
        final_lag_ = number_in(payload.substr(std::min(blank + 1, payload.size()))).value_or(0);
        return ok();
    }
    if (number >= blocks_.size()) {
        return fail(Errc::kInvalid, "block " + std::to_string(number) + " has no header before it");
    }
    if (kind == "full") {
        blocks_[number].full = payload;
    } else if (kind == "receipts") {
        blocks_[number].receipts = payload;
    } else if (kind == "logs") {
        return add_logs(number, payload);
    } else {
        return fail(Errc::kInvalid, "a frame of kind '" + std::string(kind) + "'");
    }
    return ok();
}

Result<void> Recording::add_logs(std::uint64_t number, std::string_view list) {
    Cursor in(list);
    in.array([&](Cursor& at) { add_log(number, at.value()); });
    if (in.failed() || !in.at_end()) {
        return fail(Errc::kInvalid, "logs that are no list");
    }
    return ok();
}

void Recording::add_log(std::uint64_t number, std::string_view log) {
    const LogKeys keys = keys_of(log);
    const std::string_view topic = keys.topics.empty() ? std::string_view() : keys.topics.front();
    Stream& stream = streams_[{std::string(keys.address), std::string(topic)}];
    stream.text += stream.text.empty() ? "" : ",";
    const std::size_t begin = stream.text.size();
    stream.text += log;
    stream.entries.push_back({number, log_count_++, begin, stream.text.size()});
}

const Block* Recording::block(std::uint64_t number) const {
    return number < blocks_.size() ? &blocks_[number] : nullptr;
}

std::optional<std::uint64_t> Recording::number_of(std::string_view hash) const {
    const auto found = by_hash_.find(hash);
    return found == by_hash_.end() ? std::nullopt : std::optional(found->second);
}

std::optional<std::string_view> Recording::constant(const std::string& question) const {
    const auto found = constants_.find(question);
    return found == constants_.end() ? std::nullopt : std::optional(found->second);
}

std::optional<std::string_view> Recording::since(const std::string& question, std::uint64_t number)
    const {
    const auto found = states_.find(question);
    if (found == states_.end()) {
        return std::nullopt;
    }
    const auto after = found->second.upper_bound(number);
    return after == found->second.begin() ? std::nullopt : std::optional(std::prev(after)->second);
}

LogText Recording::find_logs(const LogFilter& filter) const {
    std::vector<Part> parts;
    for (const auto& [key, stream] : streams_) {
        const auto& [address, topic] = key;
        const bool topic_fits =
            filter.topics.empty() || (!topic.empty() && has(filter.topics[0], topic));
        if (!topic_fits || !has(filter.addresses, address)) {
            continue;
        }
        const auto begin = std::ranges::lower_bound(stream.entries, filter.from, {}, &Entry::block);
        const auto end = std::ranges::upper_bound(stream.entries, filter.to, {}, &Entry::block);
        if (begin < end) {
            const auto place = [&](auto it) {
                return static_cast<std::size_t>(it - stream.entries.begin());
            };
            parts.push_back({&stream, place(begin), place(end)});
        }
    }
    LogText out;
    if (parts.size() == 1 && !is_about_more_than_the_first_topic(filter)) {
        const auto& [stream, next, end] = parts.front();
        const std::size_t from = stream->entries[next].begin;
        const std::size_t to = stream->entries[end - 1].end;
        out.pieces.push_back(std::string_view(stream->text).substr(from, to - from));
        out.count = end - next;
    } else {
        gather(std::move(parts), filter, out);
    }
    return out;
}

// Logs of several streams in the order of the chain, or those of any that a further topic picks.
void Recording::gather(std::vector<Part> parts, const LogFilter& filter, LogText& out) {
    using Head = std::pair<std::size_t, std::size_t>;
    std::priority_queue<Head, std::vector<Head>, std::greater<>> heads;
    const auto show = [&](std::size_t i) {
        if (parts[i].next < parts[i].end) {
            heads.emplace(parts[i].stream->entries[parts[i].next].ordinal, i);
        }
    };
    for (std::size_t i = 0; i < parts.size(); ++i) {
        show(i);
    }
    const bool look = is_about_more_than_the_first_topic(filter);
    while (!heads.empty()) {
        const std::size_t i = heads.top().second;
        heads.pop();
        const Stream& stream = *parts[i].stream;
        const Entry& entry = stream.entries[parts[i].next++];
        const std::string_view log =
            std::string_view(stream.text).substr(entry.begin, entry.end - entry.begin);
        if (!look || topics_match(filter, log)) {
            out.pieces.push_back(log);
            ++out.count;
        }
        show(i);
    }
}

}  // namespace margrave::replay
