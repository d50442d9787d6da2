// SPDX-License-Identifier: Apache-2.0
#include "chains/rpc/detail/envelope.hpp"

#include "chains/rpc/codec.hpp"
#include "infra/log.hpp"
#include "infra/strict_json.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <optional>

namespace margrave::chains::rpc::detail {

namespace {

using nlohmann::json;

constexpr std::size_t kSecretMin = 8;

RpcError unproved(const Speaker& speaker, const std::string& method, const std::string& why) {
    return {RpcClass::kUnproved, speaker.name + " answered " + method + " with " + why};
}

/// Revert bytes wherever clients put them: data itself, data.data, data.result, or a text that
/// ends in them ("Reverted 0x...").
Bytes revert_data_of(const json& data) {
    if (data.is_object()) {
        for (const char* key : {"data", "result", "output"}) {
            const auto inner = data.find(key);
            if (inner != data.end() && (inner->is_string() || inner->is_object())) {
                return revert_data_of(*inner);
            }
        }
        return {};
    }
    if (!data.is_string()) {
        return {};
    }
    std::string_view text = data.get_ref<const std::string&>();
    if (const std::size_t hex = text.find("0x"); hex != std::string_view::npos) {
        text.remove_prefix(hex);
    }
    Result<Bytes> bytes = parse_data(text, 65'536);
    return bytes ? std::move(bytes.value()) : Bytes{};
}

RpcError node_error(const Speaker& speaker, const std::string& method, const json& error) {
    const auto code = error.find("code");
    const auto message = error.find("message");
    const bool shaped = error.is_object() && code != error.end() && code->is_number_integer() &&
                        message != error.end() && message->is_string();
    if (!shaped) {
        return unproved(speaker, method, "an error object without code and message");
    }
    const auto number = code->get<std::int64_t>();
    const auto& words = message->get_ref<const std::string&>();
    RpcError result(
        classify(number, words),
        speaker.name + " answered " + method + " with error " + std::to_string(number) + ": " +
            speaker.quote(words)
    );
    result.rpc_code = number;
    if (const auto data = error.find("data"); data != error.end()) {
        result.revert_data = revert_data_of(*data);
        if (result.kind == RpcClass::kOther && data->is_string()) {
            result.kind = classify(number, data->get_ref<const std::string&>());
        }
    }
    if (result.kind != RpcClass::kReverted) {
        result.revert_data.clear();
    }
    return result;
}

/// What the HTTP status alone says; absent for 200.
std::optional<RpcError> status_error(
    const Speaker& speaker, const std::string& method, const infra::HttpResponse& answer
) {
    const unsigned status = answer.status;
    if (status == 200) {
        return std::nullopt;
    }
    const std::string text =
        speaker.name + " answered " + method + " with HTTP status " + std::to_string(status);
    RpcClass kind = RpcClass::kRefused;
    if (status == 429 || (status == 503 && answer.retry_after)) {
        kind = RpcClass::kRateLimited;
    } else if (status >= 500 || status == 408 || status < 300) {
        kind = RpcClass::kTransport;
    } else if (status == 400 || status == 413) {
        kind = RpcClass::kOther;
    } else if (status >= 300 && status < 400) {
        // A node behind a proxy that moves is back with the next answer; nothing is to be paid.
        return RpcError(RpcClass::kTransport, text + "; redirects are not followed");
    }
    return RpcError(kind, text);
}

Result<json> parse_answer(const infra::HttpResponse& answer, bool floats) {
    infra::StrictLimits limits;
    limits.bytes = answer.body.size();
    limits.floats = floats;
    return infra::parse_strict(answer.body, limits);
}

/// Why a body was not taken. The reader quotes what it read last, and a proxy may write the URL it
/// was asked with: so the secrets are struck out before they are read.
std::string why_no_json(const Speaker& speaker, const infra::HttpResponse& answer, bool floats) {
    infra::HttpResponse hidden;
    hidden.body = speaker.hide(answer.body);
    const Result<json> parsed = parse_answer(hidden, floats);
    return "bad JSON" + (parsed ? std::string() : ": " + parsed.error().detail);
}

/// eth_feeHistory is the one standard method whose result has fractions (gasUsedRatio).
bool has_fractions(const RpcCall& call) {
    return call.method == "eth_feeHistory";
}

std::optional<std::uint64_t> id_of(const json& envelope) {
    const auto id = envelope.find("id");
    if (id == envelope.end() || !id->is_number_unsigned()) {
        return std::nullopt;
    }
    return id->get<std::uint64_t>();
}

bool has_value(const json& envelope, const char* key) {
    const auto at = envelope.find(key);
    return at != envelope.end() && !at->is_null();
}

/// Result or error of an envelope whose id has been checked. Takes the result out of it.
RpcResult<json> open_envelope(const Speaker& speaker, const std::string& method, json& envelope) {
    const auto version = envelope.find("jsonrpc");
    if (version == envelope.end() || *version != "2.0") {
        return unproved(speaker, method, "no JSON-RPC 2.0 envelope");
    }
    const bool error = has_value(envelope, "error");
    if (error && has_value(envelope, "result")) {
        return unproved(speaker, method, "a result and an error at once");
    }
    if (error) {
        return node_error(speaker, method, envelope["error"]);
    }
    const auto result = envelope.find("result");
    if (result == envelope.end()) {
        return unproved(speaker, method, "neither a result nor an error");
    }
    return std::move(*result);
}

/// An error that answers the request as a whole may carry a null id (JSON-RPC 2.0, section 5).
bool is_error_for_all(const json& envelope) {
    const auto id = envelope.find("id");
    return has_value(envelope, "error") && (id == envelope.end() || id->is_null());
}

/// With a failing status a result is not believed, and the node's words win only if they say more.
RpcResult<json> weigh(
    std::optional<RpcError> by_status, RpcResult<json> by_body, const infra::HttpResponse& answer
) {
    if (by_status) {
        // "Internal error" beside 429 or 402 says less than the status does.
        const bool closed =
            by_status->kind == RpcClass::kRateLimited || by_status->kind == RpcClass::kRefused;
        const bool told = !by_body && by_body.error().kind != RpcClass::kUnproved &&
                          by_body.error().kind != RpcClass::kOther &&
                          !(closed && by_body.error().kind == RpcClass::kNodeTrouble);
        const bool any_words = !by_body && by_body.error().rpc_code != 0;
        if (!told && !(any_words && by_status->kind == RpcClass::kOther)) {
            by_body = *by_status;
        }
    }
    if (!by_body) {
        by_body.error().retry_after = answer.retry_after;
    }
    return by_body;
}

std::string strike_out(std::string text, const std::string& secret) {
    for (std::size_t at = text.find(secret); at != std::string::npos; at = text.find(secret, at)) {
        text.replace(at, secret.size(), "***");
        at += 3;
    }
    return text;
}

}  // namespace

Speaker::Speaker(std::string endpoint_name, const infra::Url& url)
    : name(std::move(endpoint_name)) {
    std::string piece;
    const auto take = [&] {
        if (piece.size() >= kSecretMin) {
            secrets.push_back(piece);
        }
        piece.clear();
    };
    for (const char c : url.userinfo + "/" + url.target + "/") {
        if (std::string_view("/?&=:").find(c) == std::string_view::npos) {
            piece += c;
        } else {
            take();
        }
    }
}

std::string Speaker::quote(std::string_view words) const {
    return infra::printable(hide(words), 300);
}

std::string Speaker::hide(std::string_view words) const {
    std::string text(words);
    for (const std::string& secret : secrets) {
        text = strike_out(std::move(text), secret);
    }
    return text;
}

std::string encode_call(const RpcCall& call, std::uint64_t id) {
    return R"({"jsonrpc":"2.0","id":)" + std::to_string(id) + R"(,"method":)" +
           json(call.method).dump() + R"(,"params":)" + call.params + "}";
}

std::string encode_batch(std::span<const RpcCall> calls, std::uint64_t first_id) {
    std::string text = "[";
    for (const RpcCall& call : calls) {
        text += text.size() > 1 ? "," : "";
        text += encode_call(call, first_id++);
    }
    return text + "]";
}

RpcResult<json> decode_call(
    const Speaker& speaker, const infra::HttpResponse& answer, const RpcCall& call, std::uint64_t id
) {
    std::optional<RpcError> by_status = status_error(speaker, call.method, answer);
    Result<json> parsed = parse_answer(answer, has_fractions(call));
    const auto by_body = [&]() -> RpcResult<json> {
        if (!parsed) {
            return unproved(
                speaker, call.method, why_no_json(speaker, answer, has_fractions(call))
            );
        }
        json& envelope = parsed.value();
        if (!envelope.is_object()) {
            return unproved(
                speaker, call.method, std::string(envelope.type_name()) + " for an object"
            );
        }
        if (id_of(envelope) != id && !is_error_for_all(envelope)) {
            return unproved(speaker, call.method, "another id than the one asked with");
        }
        return open_envelope(speaker, call.method, envelope);
    };
    return weigh(std::move(by_status), by_body(), answer);
}

BatchResult decode_batch(
    const Speaker& speaker,
    const infra::HttpResponse& answer,
    std::span<const RpcCall> calls,
    std::uint64_t first_id
) {
    const std::string what = "a batch of " + std::to_string(calls.size());
    std::optional<RpcError> by_status = status_error(speaker, what, answer);
    Result<json> parsed = parse_answer(answer, std::ranges::any_of(calls, has_fractions));
    if (by_status || !parsed || !parsed.value().is_array()) {
        RpcResult<json> whole = unproved(speaker, what, "no array of answers");
        if (!parsed) {
            const bool floats = std::ranges::any_of(calls, has_fractions);
            whole = unproved(speaker, what, why_no_json(speaker, answer, floats));
        } else if (parsed.value().is_object() && has_value(parsed.value(), "error")) {
            whole = node_error(speaker, what, parsed.value()["error"]);
        }
        return weigh(std::move(by_status), std::move(whole), answer).as_failure();
    }
    std::vector<json*> envelopes(calls.size(), nullptr);
    for (json& envelope : parsed.value()) {
        const std::optional<std::uint64_t> id =
            envelope.is_object() ? id_of(envelope) : std::nullopt;
        if (!id || *id < first_id || *id - first_id >= calls.size()) {
            return unproved(speaker, what, "an id that was not asked with");
        }
        json*& slot = envelopes[static_cast<std::size_t>(*id - first_id)];
        if (slot != nullptr) {
            return unproved(speaker, what, "one id twice");
        }
        slot = &envelope;
    }
    std::vector<RpcResult<json>> results;
    results.reserve(calls.size());
    for (std::size_t i = 0; i < calls.size(); ++i) {
        if (envelopes[i] == nullptr) {
            return unproved(speaker, what, "no answer to call " + std::to_string(i + 1));
        }
        results.push_back(open_envelope(speaker, calls[i].method, *envelopes[i]));
        if (!results.back()) {
            results.back().error().retry_after = answer.retry_after;
        }
    }
    return results;
}

BatchRefusal batch_refusal(const RpcError& error) {
    const auto says = [&](std::string_view word) {
        return error.detail.find(word) != std::string::npos;
    };
    // The detail itself says "answered a batch of N with"; the node's words come after it.
    const std::size_t words = error.detail.find(" with ");
    const std::string_view rest = words == std::string::npos
                                      ? std::string_view{}
                                      : std::string_view(error.detail).substr(words);
    const bool about_batch = rest.find("batch") != std::string_view::npos ||
                             rest.find("Batch") != std::string_view::npos;
    if (about_batch &&
        (says("large") || says("limit") || says("exceed") || says("maximum") || says("too many"))) {
        return BatchRefusal::kTooMany;
    }
    if (rest.find("HTTP status 413") != std::string_view::npos) {
        return BatchRefusal::kTooMany;
    }
    const bool not_a_request = error.rpc_code == -32600 || error.rpc_code == -32700;
    if (about_batch || not_a_request || error.kind == RpcClass::kMethodNotFound ||
        rest.find("HTTP status 400") != std::string_view::npos) {
        return BatchRefusal::kNever;
    }
    return BatchRefusal::kNone;
}

}  // namespace margrave::chains::rpc::detail
