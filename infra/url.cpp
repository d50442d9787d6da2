// SPDX-License-Identifier: Apache-2.0
#include "infra/url.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

namespace margrave::infra {

namespace {

int hex_digit(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

std::optional<std::string> percent_decode(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            out.push_back(text[i]);
            continue;
        }
        if (i + 2 >= text.size()) {
            return std::nullopt;
        }
        const int high = hex_digit(text[i + 1]);
        const int low = hex_digit(text[i + 2]);
        if (high < 0 || low < 0) {
            return std::nullopt;
        }
        out.push_back(static_cast<char>(high * 16 + low));
        i += 2;
    }
    return out;
}

bool is_host_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_';
}

Result<void> take_host_and_port(std::string_view text, Url& url) {
    std::string_view port;
    if (text.starts_with('[')) {
        const std::size_t close = text.find(']');
        if (close == std::string_view::npos) {
            return fail(Errc::kInvalid, "URL has a [ without a ]");
        }
        url.host = text.substr(1, close - 1);
        const auto is_v6 = [](char c) {
            return hex_digit(c) >= 0 || c == ':' || c == '.';
        };
        if (!std::ranges::all_of(url.host, is_v6)) {
            return fail(Errc::kInvalid, "URL has a bad IPv6 address");
        }
        port = text.substr(close + 1);
    } else {
        const std::size_t colon = std::min(text.find(':'), text.size());
        url.host = text.substr(0, colon);
        if (!std::ranges::all_of(url.host, is_host_char)) {
            return fail(Errc::kInvalid, "URL has a host with characters that no host has");
        }
        port = text.substr(colon);
    }
    if (url.host.empty()) {
        return fail(Errc::kInvalid, "URL has no host");
    }
    if (port.empty()) {
        url.port = url.tls ? "443" : "80";
        return ok();
    }
    std::uint16_t number = 0;
    const char* end = port.data() + port.size();
    const auto parsed = std::from_chars(port.data() + 1, end, number);
    if (port[0] != ':' || parsed.ec != std::errc{} || parsed.ptr != end || number == 0) {
        return fail(Errc::kInvalid, "URL has a port that is not a number from 1 to 65535");
    }
    url.port = std::to_string(number);
    return ok();
}

struct Schemes {
    std::string_view plain;
    std::string_view tls;
};

Result<Url> parse(std::string_view text, const Schemes& schemes) {
    Url url;
    const auto is_plain = [](char c) {
        return c > ' ' && c < 0x7f;
    };
    if (!std::ranges::all_of(text, is_plain)) {
        return fail(Errc::kInvalid, "URL has a blank, control or non-ASCII character");
    }
    if (text.starts_with(schemes.tls)) {
        url.tls = true;
        text.remove_prefix(schemes.tls.size());
    } else if (text.starts_with(schemes.plain)) {
        text.remove_prefix(schemes.plain.size());
    } else {
        return fail(
            Errc::kInvalid,
            "URL does not start with " + std::string(schemes.plain) + " or " +
                std::string(schemes.tls)
        );
    }
    if (text.find('#') != std::string_view::npos) {
        return fail(Errc::kInvalid, "URL has a fragment (#), which no server ever sees");
    }
    const std::size_t slash = std::min(text.find_first_of("/?"), text.size());
    std::string_view authority = text.substr(0, slash);
    url.target = text.substr(slash);
    if (!url.target.starts_with('/')) {
        url.target.insert(0, "/");
    }
    // The last @, because a password may hold one that nobody encoded.
    if (const std::size_t at = authority.rfind('@'); at != std::string_view::npos) {
        std::optional<std::string> userinfo = percent_decode(authority.substr(0, at));
        if (!userinfo) {
            return fail(Errc::kInvalid, "URL has a broken % escape before the @");
        }
        url.userinfo = std::move(*userinfo);
        authority.remove_prefix(at + 1);
    }
    MARGRAVE_TRY(take_host_and_port(authority, url));
    return url;
}

}  // namespace

std::string Url::host_header() const {
    std::string text = host.find(':') == std::string::npos ? host : "[" + host + "]";
    if (port != (tls ? "443" : "80")) {
        text += ":" + port;
    }
    return text;
}

Result<Url> parse_url(std::string_view text) {
    return parse(text, {"http://", "https://"});
}

Result<Url> parse_ws_url(std::string_view text) {
    return parse(text, {"ws://", "wss://"});
}

}  // namespace margrave::infra
