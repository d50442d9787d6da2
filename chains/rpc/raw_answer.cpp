// SPDX-License-Identifier: Apache-2.0
#include "chains/rpc/client.hpp"
#include "chains/rpc/detail/envelope.hpp"

#include <nlohmann/json.hpp>

#include <optional>
#include <utility>

namespace margrave::chains::rpc {

namespace {

struct Place {
    std::size_t offset{0};
    std::size_t size{0};
};

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

    [[nodiscard]] std::string_view rest() {
        skip();
        return rest_;
    }

  private:
    void skip() { rest_.remove_prefix(std::min(rest_.find_first_not_of(kSpace), rest_.size())); }

    static constexpr std::string_view kSpace = " \t\r\n";
    std::string_view rest_;
};

/// Takes `"jsonrpc":"2.0"` and `"id":N`, in either order, and `"result":`.
bool take_start(Scanner& in, std::uint64_t id) {
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
            number = in.take(":") && in.take(std::to_string(id)) && in.take(",");
            if (!number) {
                return false;
            }
        } else {
            return false;
        }
    }
    return in.take(R"("result")") && in.take(":");
}

/// Where the result lies when the body is a success with this id as nodes write them: version and
/// id, then the result, a list or an object. That it is one, and that nothing follows it, is seen
/// by whoever parses it, since two values are no JSON text.
std::optional<Place> find_result(std::string_view body, std::uint64_t id) {
    Scanner in(body);
    if (!take_start(in, id)) {
        return std::nullopt;
    }
    constexpr std::string_view kSpace = " \t\r\n";
    std::string_view text = in.rest();
    const auto trim = [&text, kSpace] {
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
    return Place{static_cast<std::size_t>(text.data() - body.data()), text.size()};
}

}  // namespace

RawAnswer::RawAnswer(std::string body, std::size_t offset, std::size_t size)
    : body_(std::move(body)),
      offset_(offset),
      size_(size) {
    body_.reserve(body_.size() + kPadding);
}

RawAnswer::RawAnswer(std::string result)
    : body_(std::move(result)),
      size_(body_.size()) {
    body_.reserve(body_.size() + kPadding);
}

namespace detail {

RpcResult<RawAnswer> decode_raw(
    const Speaker& speaker, infra::HttpResponse& answer, const RpcCall& call, std::uint64_t id
) {
    if (answer.status == 200) {
        if (const auto place = find_result(answer.body, id)) {
            return RawAnswer(std::move(answer.body), place->offset, place->size);
        }
    }
    RpcResult<nlohmann::json> slow = decode_call(speaker, answer, call, id);
    if (!slow) {
        return slow.as_failure();
    }
    return RawAnswer(slow.value().dump());
}

}  // namespace detail

}  // namespace margrave::chains::rpc
