// SPDX-License-Identifier: Apache-2.0
#include "chains/rpc/client.hpp"
#include "chains/rpc/detail/envelope.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace margrave::chains::rpc {

namespace {

struct Place {
    std::size_t offset{0};
    std::size_t size{0};
};

constexpr std::string_view kSpace = " \t\r\n";

/// Reads the start of an envelope from left to right.
class Scanner {
  public:
    explicit Scanner(std::string_view text)
        : rest_(text) {}

    /// Takes the token if it is next, after white space.
    bool take(std::string_view token) {
        skip();
        if (!rest_.starts_with(token)) {
            return false;
        }
        rest_.remove_prefix(token.size());
        return true;
    }

    /// Takes digits as JSON writes a number that is not negative.
    bool take_number(std::uint64_t& number) {
        skip();
        const auto [end, code] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), number);
        const auto digits = static_cast<std::size_t>(end - rest_.data());
        if (code != std::errc{} || (digits > 1 && rest_.front() == '0')) {
            return false;
        }
        rest_.remove_prefix(digits);
        return true;
    }

    /// Goes on at a place of the whole text.
    void skip_to(std::size_t place, std::string_view whole) { rest_ = whole.substr(place); }

    [[nodiscard]] std::string_view rest() {
        skip();
        return rest_;
    }

  private:
    void skip() { rest_.remove_prefix(std::min(rest_.find_first_not_of(kSpace), rest_.size())); }

    std::string_view rest_;
};

/// Takes `"jsonrpc":"2.0"` and `"id":N`, in either order, and `"result":`.
bool take_start(Scanner& in, std::uint64_t& id) {
    bool version = false;
    bool number = false;
    if (!in.take("{")) {
        return false;
    }
    while (!version || !number) {
        if (!version && in.take(R"("jsonrpc")")) {
            version = in.take(":") && in.take(R"("2.0")") && in.take(",");
            if (!version) {
                return false;
            }
        } else if (!number && in.take(R"("id")")) {
            number = in.take(":") && in.take_number(id) && in.take(",");
            if (!number) {
                return false;
            }
        } else {
            return false;
        }
    }
    return in.take(R"("result")") && in.take(":");
}

/// Where the result lies when the envelope is a success as nodes write them: version and id, then
/// the result, a list or an object. That it is one, and that nothing follows it, is seen by whoever
/// parses it, since two values are no JSON text.
std::optional<Place> find_result(std::string_view envelope, std::uint64_t& id) {
    Scanner in(envelope);
    if (!take_start(in, id)) {
        return std::nullopt;
    }
    std::string_view text = in.rest();
    const auto trim = [&text] {
        text.remove_suffix(text.size() - (text.find_last_not_of(kSpace) + 1));
    };
    trim();
    if (!text.ends_with('}')) {
        return std::nullopt;
    }
    text.remove_suffix(1);
    trim();
    const bool is_list = text.starts_with('[') && text.ends_with(']');
    const bool is_object = text.starts_with('{') && text.ends_with('}');
    if (!is_list && !is_object) {
        return std::nullopt;
    }
    return Place{static_cast<std::size_t>(text.data() - envelope.data()), text.size()};
}

/// Behind the quote that ends the text that begins at `start`; npos when none does.
std::size_t end_of_text(std::string_view body, std::size_t start) {
    std::size_t at = start;
    while (true) {
        at = body.find('"', at);
        if (at == std::string_view::npos) {
            return at;
        }
        std::size_t slashes = 0;
        while (at - slashes > start && body[at - slashes - 1] == '\\') {
            ++slashes;
        }
        ++at;
        if (slashes % 2 == 0) {
            return at;
        }
    }
}

/// How long the object is that the text begins with; 0 when it does not end. Only its brackets are
/// looked at.
std::size_t object_size(std::string_view text) {
    std::size_t depth = 0;
    std::size_t at = 0;
    while (at < text.size()) {
        const char c = text[at++];
        if (c == '"') {
            at = end_of_text(text, at);
            if (at == std::string_view::npos) {
                return 0;
            }
        } else if (c == '{' || c == '[') {
            ++depth;
        } else if (c == '}' || c == ']') {
            if (--depth == 0) {
                return at;
            }
        }
    }
    return 0;
}

/// The results of a batch of plain successes, by id from first_id on; empty when the body is
/// anything else.
std::vector<Place> find_results(std::string_view body, std::uint64_t first_id, std::size_t count) {
    Scanner in(body);
    if (!in.take("[")) {
        return {};
    }
    std::vector<Place> out(count);
    for (std::size_t i = 0; i < count; ++i) {
        const std::string_view rest = in.rest();
        const std::size_t size = rest.starts_with('{') ? object_size(rest) : 0;
        std::uint64_t id = 0;
        const auto found = find_result(rest.substr(0, size), id);
        const bool ours = found && id >= first_id && id - first_id < count;
        if (!ours || out[id - first_id].size != 0) {
            return {};
        }
        const auto start = static_cast<std::size_t>(rest.data() - body.data());
        out[id - first_id] = {start + found->offset, found->size};
        in.skip_to(start + size, body);
        if (!in.take(i + 1 < count ? "," : "]")) {
            return {};
        }
    }
    return in.rest().empty() ? out : std::vector<Place>{};
}

}  // namespace

RawAnswer::RawAnswer(std::shared_ptr<const std::string> body, std::size_t offset, std::size_t size)
    : body_(std::move(body)),
      offset_(offset),
      size_(size) {}

RawAnswer::RawAnswer(std::string result)
    : body_(padded(std::move(result))),
      size_(body_->size()) {}

std::shared_ptr<const std::string> RawAnswer::padded(std::string body) {
    body.reserve(body.size() + kPadding);
    return std::make_shared<const std::string>(std::move(body));
}

namespace detail {

RpcResult<RawAnswer> decode_raw(
    const Speaker& speaker, infra::HttpResponse& answer, const RpcCall& call, std::uint64_t id
) {
    if (answer.status == 200) {
        std::uint64_t told = 0;
        const auto place = find_result(answer.body, told);
        if (place && told == id) {
            return RawAnswer(RawAnswer::padded(std::move(answer.body)), place->offset, place->size);
        }
    }
    RpcResult<nlohmann::json> slow = decode_call(speaker, answer, call, id);
    if (!slow) {
        return slow.as_failure();
    }
    return RawAnswer(slow.value().dump());
}

RawBatchResult decode_raw_batch(
    const Speaker& speaker,
    infra::HttpResponse& answer,
    std::span<const RpcCall> calls,
    std::uint64_t first_id
) {
    std::vector<RpcResult<RawAnswer>> out;
    out.reserve(calls.size());
    if (answer.status == 200) {
        const std::vector<Place> places = find_results(answer.body, first_id, calls.size());
        if (!places.empty()) {
            const auto body = RawAnswer::padded(std::move(answer.body));
            for (const Place& place : places) {
                out.emplace_back(RawAnswer(body, place.offset, place.size));
            }
            return out;
        }
    }
    BatchResult slow = decode_batch(speaker, answer, calls, first_id);
    if (!slow) {
        return slow.as_failure();
    }
    for (const RpcResult<nlohmann::json>& one : slow.value()) {
        if (one) {
            out.emplace_back(RawAnswer(one.value().dump()));
        } else {
            out.emplace_back(one.as_failure());
        }
    }
    return out;
}

}  // namespace detail

}  // namespace margrave::chains::rpc
