// SPDX-License-Identifier: Apache-2.0
#include "oracle/sources/signed.hpp"

#include "core/keccak.hpp"
#include "core/words.hpp"
#include "oracle/detail/fetcher.hpp"
#include "oracle/detail/json_text.hpp"
#include "oracle/detail/recover.hpp"
#include "oracle/detail/settings_reader.hpp"
#include "oracle/source.hpp"

#include <optional>
#include <utility>

namespace margrave::oracle {
namespace reports {
namespace {

constexpr std::size_t kSignaturesMax = 64;

Hash32 domain() {
    return WordWriter()
        .word(keccak256(std::string_view("EIP712Domain(string name,string version)")))
        .word(keccak256(std::string_view("Margrave price report")))
        .word(keccak256(std::string_view("1")))
        .hash();
}

Result<void> has_exactly(
    const nlohmann::json& object, std::string_view what, std::initializer_list<const char*> names
) {
    if (!object.is_object() || object.size() != names.size()) {
        return fail(
            Errc::kInvalid,
            std::string(what) + " is no object of " + std::to_string(names.size()) + " members"
        );
    }
    for (const char* name : names) {
        if (!object.contains(name)) {
            return fail(Errc::kInvalid, std::string(what) + " has no " + name);
        }
    }
    return ok();
}

Result<Money> positive_e18(const nlohmann::json& document, std::string_view pointer) {
    MARGRAVE_TRY(const std::string text, detail::text_at(document, pointer));
    MARGRAVE_TRY(Money out, Money::parse_e18(text));
    if (out.is_negative()) {
        return fail(Errc::kInvalid, std::string(pointer) + " is negative");
    }
    return out;
}

}  // namespace

Hash32 digest_of(const Report& report) {
    const Hash32 structure =
        WordWriter()
            .word(keccak256(std::string_view(
                "PriceReport(string base,string quote,uint256 price,uint256 confidence,"
                "uint64 publishedAt)"
            )))
            .word(keccak256(report.base))
            .word(keccak256(report.quote))
            .money(report.price)
            .money(report.confidence)
            .uint(report.published_at.value)
            .hash();
    Bytes message{0x19, 0x01};
    put_bytes(message, domain().view());
    put_bytes(message, structure.view());
    return keccak256(message);
}

Result<SignedReport> parse_report(std::string_view text) {
    MARGRAVE_TRY(const nlohmann::json document, detail::parse_foreign(text));
    MARGRAVE_TRY(has_exactly(document, "the report", {"report", "signatures"}));
    MARGRAVE_TRY(has_exactly(
        document["report"], "/report", {"base", "confidence", "price", "publishedAt", "quote"}
    ));
    SignedReport out;
    MARGRAVE_TRY(out.report.base, detail::text_at(document, "/report/base"));
    MARGRAVE_TRY(out.report.quote, detail::text_at(document, "/report/quote"));
    MARGRAVE_TRY(out.report.price, positive_e18(document, "/report/price"));
    MARGRAVE_TRY(out.report.confidence, positive_e18(document, "/report/confidence"));
    MARGRAVE_TRY(const std::string time, detail::text_at(document, "/report/publishedAt"));
    MARGRAVE_TRY(const Amount seconds, Amount::parse(time));
    MARGRAVE_TRY(const std::uint64_t published, seconds.to_u64());
    out.report.published_at = UnixSeconds{published};
    const nlohmann::json& signatures = document["signatures"];
    if (!signatures.is_array() || signatures.size() > kSignaturesMax) {
        return fail(Errc::kInvalid, "/signatures is no list of at most 64");
    }
    for (std::size_t i = 0; i < signatures.size(); ++i) {
        MARGRAVE_TRY(
            const std::string hex, detail::text_at(document, "/signatures/" + std::to_string(i))
        );
        MARGRAVE_TRY(Bytes bytes, parse_hex(hex));
        out.signatures.push_back(std::move(bytes));
    }
    return out;
}

Result<void> check_signatures(
    const SignedReport& report, const std::set<Address>& signers, std::uint64_t threshold
) {
    const Hash32 digest = digest_of(report.report);
    std::set<Address> signed_by;
    for (const Bytes& signature : report.signatures) {
        MARGRAVE_TRY(const Address signer, detail::recover(digest, signature));
        if (!signers.contains(signer)) {
            return fail(Errc::kSignature, to_hex(signer) + " signed and is not in the signer set");
        }
        if (!signed_by.insert(signer).second) {
            return fail(Errc::kSignature, to_hex(signer) + " signed twice");
        }
    }
    if (signed_by.size() < threshold) {
        return fail(
            Errc::kSignature,
            std::to_string(signed_by.size()) + " signed; " + std::to_string(threshold) +
                " are needed"
        );
    }
    return ok();
}

}  // namespace reports

namespace {

constexpr std::uint64_t kReportEvery = 5;

struct SignedTerms {
    std::string base;
    std::string quote;
    std::set<Address> signers;
    std::uint64_t threshold{1};
};

// So that two URLs for the reports of one set of signers are one source.
std::string origin_of(const std::set<Address>& signers) {
    Bytes all;
    for (const Address& signer : signers) {
        put_bytes(all, signer.view());
    }
    return "signers:" + to_hex(keccak256(all));
}

class SignedSource final : public Source {
  public:
    SignedSource(std::string name, detail::Fetcher fetcher, SignedTerms terms)
        : name_(std::move(name)),
          origin_(origin_of(terms.signers)),
          fetcher_(std::move(fetcher)),
          terms_(std::move(terms)) {}

    [[nodiscard]] std::string origin() const override { return origin_; }

    Task<Answer> read(const Heads& /*heads*/, UnixSeconds now) override {
        Answer answer;
        answer.source = name_;
        answer.origin = origin_;
        const Result<std::string> text = co_await fetcher_.get(now);
        if (!text) {
            answer.error = text.error().detail;
            co_return answer;
        }
        const Result<void> done = fill(answer, text.value());
        if (!done) {
            answer.error = done.error().detail;
        }
        co_return answer;
    }

    Task<Result<void>> probe(const Heads& /*heads*/) override { co_return ok(); }

  private:
    // An old report stays well signed for ever, so one that was followed by a newer one is refused:
    // whoever serves them cannot choose among them.
    Result<void> fill(Answer& answer, std::string_view text) {
        MARGRAVE_TRY(const reports::SignedReport given, reports::parse_report(text));
        const reports::Report& report = given.report;
        if (report.base != terms_.base || report.quote != terms_.quote) {
            return fail(
                Errc::kInvalid,
                "the report is of another pair than " + terms_.base + " in " + terms_.quote
            );
        }
        MARGRAVE_TRY(reports::check_signatures(given, terms_.signers, terms_.threshold));
        if (report.price.is_zero()) {
            return fail(Errc::kInvalid, "the price is zero");
        }
        const Hash32 digest = reports::digest_of(report);
        if (newest_ && report.published_at < *newest_) {
            return fail(
                Errc::kStale,
                "a report of " + std::to_string(newest_->value) + " was seen already; this is of " +
                    std::to_string(report.published_at.value)
            );
        }
        if (newest_ && report.published_at == *newest_ && digest != newest_digest_) {
            return fail(
                Errc::kConflict,
                "the signers signed two reports of " + std::to_string(newest_->value)
            );
        }
        newest_ = report.published_at;
        newest_digest_ = digest;
        answer.price = report.price;
        answer.confidence = report.confidence;
        answer.published_at = report.published_at;
        answer.round = to_hex(digest);
        return ok();
    }

    std::string name_;
    std::string origin_;
    detail::Fetcher fetcher_;
    SignedTerms terms_;
    std::optional<UnixSeconds> newest_;
    Hash32 newest_digest_;
};

Result<detail::Fetcher> make_fetcher(
    const SourceSettings& settings, const detail::SettingsReader& in
) {
    if (in.has("file")) {
        MARGRAVE_TRY(std::string path, in.text("file"));
        return detail::Fetcher::from_file(settings.name, std::move(path));
    }
    MARGRAVE_TRY(const std::string url, in.text("url"));
    MARGRAVE_TRY(const std::uint64_t every, in.integer("every", kReportEvery));
    MARGRAVE_TRY(std::string ca_file, in.text("ca_file", ""));
    return detail::Fetcher::over_http(settings.name, url, every, std::move(ca_file));
}

Result<std::unique_ptr<Source>> make_signed(
    const SourceSettings& settings, const Reach& /*reach*/
) {
    const detail::SettingsReader in(settings);
    SignedTerms terms;
    MARGRAVE_TRY(terms.base, in.text("base"));
    MARGRAVE_TRY(terms.quote, in.text("quote", settings.quote));
    MARGRAVE_TRY(const auto signers, in.list("signers"));
    for (const std::string& text : signers) {
        MARGRAVE_TRY(const Address signer, parse_address(text));
        terms.signers.insert(signer);
    }
    MARGRAVE_TRY(terms.threshold, in.integer("threshold", 0));
    if (terms.threshold == 0 || terms.threshold > terms.signers.size()) {
        return fail(Errc::kConfig, "price source " + settings.name + ": its threshold is none");
    }
    MARGRAVE_TRY(detail::Fetcher fetcher, make_fetcher(settings, in));
    return std::make_unique<SignedSource>(settings.name, std::move(fetcher), std::move(terms));
}

std::vector<KeyProblem> check_signed(const Canonical& settings) {
    std::vector<KeyProblem> out = detail::check_url(settings);
    const auto& object = std::get<Canonical::Object>(settings.value());
    if (object.contains("url") == object.contains("file")) {
        out.push_back({"", "needs exactly one of \"url\" and \"file\""});
    }
    const auto signers = object.find("signers");
    const auto threshold = object.find("threshold");
    if (signers == object.end() || threshold == object.end()) {
        return out;
    }
    std::set<std::string> distinct;
    const auto& list = std::get<Canonical::Array>(signers->second.value());
    for (const Canonical& item : list) {
        const auto address = parse_address(std::get<std::string>(item.value()));
        if (address && !distinct.insert(to_hex(address.value())).second) {
            out.push_back({"/signers", to_hex(address.value()) + " is there twice"});
        }
    }
    const auto needed = Amount::parse(std::get<std::string>(threshold->second.value()));
    if (needed && needed.value() > Amount(list.size())) {
        out.push_back(
            {"/threshold",
             "is " + needed.value().to_string() + " but there are " + std::to_string(list.size()) +
                 " signers"}
        );
    }
    return out;
}

// clang-format off
constexpr SourceKey kSignedKeys[] = {
    {"", KeyForm::kObject, true, "", "", "",
     "Price reports that several keys sign as EIP-712 typed data (docs/price-sources.md).",
     R"({"url": "https://reports.internal/eth-usd", "base": "ETH", "signers": ["0x52908400098527886E0F7030069857D2E4169EE7"], "threshold": 1})"},
    {"/url", KeyForm::kUrl, false, "", "", "",
     "Where the newest report is; http on this machine only. It may hold a key: logs do not print it.",
     R"("https://reports.internal/eth-usd")"},
    {"/file", KeyForm::kPath, false, "", "", "", "A file with the newest report, in place of a URL; relative to this file.",
     R"("reports/eth-usd.json")"},
    {"/base", KeyForm::kText, true, "", "", "64", "What the report must say it prices.", R"("ETH")"},
    {"/quote", KeyForm::kText, false, "", "", "64",
     "What the report must say it is priced in; the source's \"quote\" when absent.", R"("USD")"},
    {"/signers", KeyForm::kList, true, "", "1", "64", "Who may sign; they are believed together only.",
     R"(["0x52908400098527886E0F7030069857D2E4169EE7"])"},
    {"/signers/*", KeyForm::kAddress, true, "", "", "", "One signer's address.",
     R"("0x52908400098527886E0F7030069857D2E4169EE7")"},
    {"/threshold", KeyForm::kInteger, true, "", "1", "64", "How many of them must have signed.", "2"},
    {"/every", KeyForm::kSeconds, false, R"("5s")", "1s", "1h", "How long an answer is good for before it is asked again.",
     R"("5s")"},
    {"/ca_file", KeyForm::kPath, false, "", "", "",
     "PEM file of certificate authorities to believe in place of the system's; relative to this file.", R"("ca.pem")"},
};
// clang-format on

}  // namespace

const SourceKind& signed_kind() {
    static constexpr SourceKind kKind{"signed", kSignedKeys, make_signed, false, check_signed};
    return kKind;
}

}  // namespace margrave::oracle
