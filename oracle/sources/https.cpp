// SPDX-License-Identifier: Apache-2.0
#include "oracle/detail/fetcher.hpp"
#include "oracle/detail/json_text.hpp"
#include "oracle/detail/number_text.hpp"
#include "oracle/detail/settings_reader.hpp"
#include "oracle/source.hpp"

#include <array>
#include <optional>
#include <utility>

// A price in a JSON document that somebody publishes over HTTPS. Nothing but the connection says
// that it is theirs: an auditor cannot read it again, so it should never decide alone.
namespace margrave::oracle {
namespace {

constexpr std::uint64_t kFetchEvery = 10;
constexpr std::string_view kByDocument = "document";

struct HttpsTerms {
    std::string price;
    /// Absent: the reply's own date counts.
    std::optional<std::string> time;
    std::optional<std::string> confidence;
    detail::TimeForm time_form{detail::TimeForm::kSeconds};
};

Error named(const std::string& pointer, const Error& error) {
    return fail(error.code, "what the answer has at " + pointer + " " + error.detail);
}

Result<UnixSeconds> time_of(
    const nlohmann::json& document, std::optional<UnixSeconds> reply, const HttpsTerms& terms
) {
    if (!terms.time) {
        return reply ? Result<UnixSeconds>(*reply)
                     : fail(Errc::kInvalid, "the reply has no Date header that is a date");
    }
    MARGRAVE_TRY(const std::string time, detail::text_at(document, *terms.time));
    const Result<UnixSeconds> published = detail::parse_time(time, terms.time_form);
    return published ? published : named(*terms.time, published.error());
}

Result<void> read_into(
    Answer& answer, std::string_view text, std::optional<UnixSeconds> reply, const HttpsTerms& terms
) {
    MARGRAVE_TRY(const nlohmann::json document, detail::parse_foreign(text));
    MARGRAVE_TRY(const std::string price, detail::text_at(document, terms.price));
    const Result<Money> value = detail::parse_number(price);
    if (!value) {
        return named(terms.price, value.error());
    }
    if (value.value().is_zero()) {
        return fail(Errc::kInvalid, "the price is zero");
    }
    MARGRAVE_TRY(const UnixSeconds published, time_of(document, reply, terms));
    if (terms.confidence) {
        MARGRAVE_TRY(const std::string width, detail::text_at(document, *terms.confidence));
        const Result<Money> confidence = detail::parse_number(width);
        if (!confidence) {
            return named(*terms.confidence, confidence.error());
        }
        answer.confidence = confidence.value();
    }
    answer.price = value.value();
    answer.published_at = published;
    return ok();
}

class HttpsSource final : public Source {
  public:
    HttpsSource(std::string name, detail::Fetcher fetcher, HttpsTerms terms)
        : name_(std::move(name)),
          fetcher_(std::move(fetcher)),
          terms_(std::move(terms)) {}

    [[nodiscard]] std::string origin() const override { return fetcher_.origin(); }

    Task<Answer> read(const Heads& /*heads*/, UnixSeconds now) override {
        Answer answer;
        answer.source = name_;
        answer.origin = fetcher_.origin();
        const Result<std::string> text = co_await fetcher_.get(now);
        if (!text) {
            answer.error = text.error().detail;
            co_return answer;
        }
        const Result<void> done = read_into(answer, text.value(), fetcher_.answered_at(), terms_);
        if (!done) {
            answer.error = done.error().detail;
        }
        co_return answer;
    }

    // Whether it answers changes from minute to minute, and what it answers is judged each time.
    Task<Result<void>> probe(const Heads& /*heads*/) override { co_return ok(); }

  private:
    std::string name_;
    detail::Fetcher fetcher_;
    HttpsTerms terms_;
};

detail::TimeForm time_form_of(std::string_view word) {
    if (word == "rfc3339") {
        return detail::TimeForm::kRfc3339;
    }
    return word == "milliseconds" ? detail::TimeForm::kMilliseconds : detail::TimeForm::kSeconds;
}

Result<std::unique_ptr<Source>> make_https(
    const SourceSettings& settings, const Reach& /*reach*/
) {
    const detail::SettingsReader in(settings);
    HttpsTerms terms;
    MARGRAVE_TRY(terms.price, in.text("price"));
    MARGRAVE_TRY(const std::string dated_by, in.text("dated_by", kByDocument));
    if (dated_by == kByDocument) {
        MARGRAVE_TRY(terms.time, in.text("time"));
    }
    if (in.has("confidence")) {
        MARGRAVE_TRY(terms.confidence, in.text("confidence"));
    }
    MARGRAVE_TRY(const std::string form, in.text("time_form", "seconds"));
    terms.time_form = time_form_of(form);
    MARGRAVE_TRY(const std::string url, in.text("url"));
    MARGRAVE_TRY(const std::uint64_t every, in.integer("every", kFetchEvery));
    MARGRAVE_TRY(std::string ca_file, in.text("ca_file", ""));
    MARGRAVE_TRY(
        detail::Fetcher fetcher,
        detail::Fetcher::over_http(settings.name, url, every, std::move(ca_file))
    );
    return std::make_unique<HttpsSource>(settings.name, std::move(fetcher), std::move(terms));
}

std::vector<KeyProblem> check_https(const Canonical& settings) {
    std::vector<KeyProblem> out = detail::check_url(settings);
    const auto& object = std::get<Canonical::Object>(settings.value());
    for (const std::string_view key : {"price", "time", "confidence"}) {
        const auto found = object.find(key);
        const auto* text =
            found == object.end() ? nullptr : std::get_if<std::string>(&found->second.value());
        if (text != nullptr && !detail::is_json_pointer(*text)) {
            out.push_back({"/" + std::string(key), "is no JSON pointer, e.g. \"/data/price\""});
        }
    }
    const auto dated_by = object.find("dated_by");
    const bool by_document =
        dated_by == object.end() || std::get<std::string>(dated_by->second.value()) == kByDocument;
    if (by_document && !object.contains("time")) {
        out.push_back({"", "needs \"time\", or \"dated_by\": \"reply\" if the document has none"});
    }
    if (!by_document && object.contains("time")) {
        out.push_back({"/time", "is not read where \"dated_by\" is \"reply\"; leave one out"});
    }
    return out;
}

// clang-format off
constexpr SourceKey kHttpsKeys[] = {
    {"", KeyForm::kObject, true, "", "", "",
     "A price in a JSON document that is published over HTTPS. Nobody can read it again later: let it decide with others only.",
     R"({"url": "https://prices.internal/eth-usd", "price": "/price", "time": "/time"})"},
    {"/url", KeyForm::kUrl, true, "", "", "",
     "Where it is; http on this machine only. It may hold a key: logs print the host only.",
     R"("https://prices.internal/eth-usd")"},
    {"/price", KeyForm::kText, true, "", "", "200",
     "JSON pointer to the price, a number or a decimal string; it is taken digit by digit.", R"("/price")"},
    {"/time", KeyForm::kText, false, "", "", "200", "JSON pointer to when the price was made.", R"("/time")"},
    {"/dated_by", KeyForm::kChoice, false, "", "document|reply", "",
     "What dates the price: \"time\" in the document, as when absent, or the reply's Date header. That says when it was answered, not "
     "when the price was made: set max_unchanged too.", R"("reply")"},
    {"/time_form", KeyForm::kChoice, false, R"("seconds")", "seconds|milliseconds|rfc3339", "",
     "How the time is written; since 1970, or as 2026-11-28T16:00:00Z.", R"("milliseconds")"},
    {"/confidence", KeyForm::kText, false, "", "", "200",
     "JSON pointer to how far the price may be off, in the price's own unit.", R"("/confidence")"},
    {"/every", KeyForm::kSeconds, false, R"("10s")", "1s", "1h", "How long an answer is good for before it is asked again.",
     R"("10s")"},
    {"/ca_file", KeyForm::kPath, false, "", "", "",
     "PEM file of certificate authorities to believe in place of the system's; relative to this file.", R"("ca.pem")"},
};
// clang-format on

}  // namespace

const SourceKind& https_kind() {
    static constexpr SourceKind kKind{"https", kHttpsKeys, make_https, false, check_https};
    return kKind;
}

}  // namespace margrave::oracle
