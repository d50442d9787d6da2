// SPDX-License-Identifier: Apache-2.0
#include "oracle/source.hpp"

namespace margrave::oracle {
namespace {

class FixedSource final : public Source {
  public:
    explicit FixedSource(FixedSourceSettings settings)
        : settings_(std::move(settings)) {}

    Task<Answer> read(const Heads& /*heads*/, UnixSeconds now) override {
        Answer answer;
        answer.source = settings_.name;
        answer.origin = "config";
        answer.price = settings_.price;
        answer.published_at = now;
        co_return answer;
    }

    Task<Result<void>> probe(const Heads& /*heads*/) override { co_return ok(); }

  private:
    FixedSourceSettings settings_;
};

}  // namespace

std::unique_ptr<Source> make_fixed_source(const FixedSourceSettings& settings) {
    return std::make_unique<FixedSource>(settings);
}

}  // namespace margrave::oracle
