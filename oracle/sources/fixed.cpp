// SPDX-License-Identifier: Apache-2.0
#include "oracle/detail/settings_reader.hpp"
#include "oracle/source.hpp"

#include <utility>

namespace margrave::oracle {
namespace {

class FixedSource final : public Source {
  public:
    FixedSource(std::string name, Money price)
        : name_(std::move(name)),
          price_(std::move(price)) {}

    [[nodiscard]] std::string origin() const override { return "config"; }

    Task<Answer> read(const Heads& /*heads*/, UnixSeconds now) override {
        Answer answer;
        answer.source = name_;
        answer.origin = "config";
        answer.price = price_;
        answer.published_at = now;
        co_return answer;
    }

    Task<Result<void>> probe(const Heads& /*heads*/) override { co_return ok(); }

  private:
    std::string name_;
    Money price_;
};

Result<std::unique_ptr<Source>> make_fixed(
    const SourceSettings& settings, const Reach& /*reach*/
) {
    MARGRAVE_TRY(const std::string text, detail::SettingsReader(settings).self());
    MARGRAVE_TRY(Money price, Money::parse(text));
    return std::make_unique<FixedSource>(settings.name, std::move(price));
}

// clang-format off
constexpr SourceKey kFixedKeys[] = {
    {"", KeyForm::kDecimal, true, "", "0.000000000000000001", "1000000000000",
     "A price that never moves; for development.", R"("1")"},
};
// clang-format on

}  // namespace

const SourceKind& fixed_kind() {
    static constexpr SourceKind kKind{"fixed", kFixedKeys, make_fixed};
    return kKind;
}

SourceSettings fixed_source(std::string name, const Money& price) {
    SourceSettings out;
    out.name = std::move(name);
    out.kind = "fixed";
    out.settings = price.to_decimal();
    return out;
}

}  // namespace margrave::oracle
