// SPDX-License-Identifier: Apache-2.0
#include "oracle/source.hpp"

#include <variant>

namespace margrave::oracle {
namespace {

struct Maker {
    const CallAt& call_at;

    std::unique_ptr<Source> operator()(const FeedSourceSettings& settings) const {
        return make_feed_source(settings, call_at);
    }

    std::unique_ptr<Source> operator()(const FixedSourceSettings& settings) const {
        return make_fixed_source(settings);
    }
};

}  // namespace

std::unique_ptr<Source> make_source(const SourceSettings& settings, const CallAt& call_at) {
    return std::visit(Maker{.call_at = call_at}, settings);
}

}  // namespace margrave::oracle
