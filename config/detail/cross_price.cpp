// SPDX-License-Identifier: Apache-2.0
#include "config/detail/build_source.hpp"
#include "config/detail/cross.hpp"
#include "config/suggest.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>

namespace margrave::config::detail {
namespace {

using nlohmann::json;

void refuse_price(std::vector<Problem>& out, std::string pointer, std::string what) {
    out.push_back({.pointer = std::move(pointer), .what = std::move(what)});
}

/// An asset or a reference.
struct Priced {
    std::string id;
    Reader in;
};

std::vector<Priced> priced(const Reader& root) {
    std::vector<Priced> out;
    for (const std::string_view list : {"assets", "references"}) {
        for (std::size_t i = 0; i < root.size(list); ++i) {
            const Reader in = root.item(list, i);
            out.push_back({in.text("id").value_or(""), in});
        }
    }
    return out;
}

std::string not_a_chain(const ChainId& chain, const std::set<ChainId>& known) {
    std::string listed;
    for (const ChainId& id : known) {
        listed += (listed.empty() ? "" : ", ") + id.text();
    }
    return "chain " + chain.text() + " is not in /chains; configured are " +
           (listed.empty() ? "none" : listed);
}

void check_fixed(const Reader& price, const Reader& source, std::vector<Problem>& out) {
    const std::optional<Money> fixed = source.decimal("fixed");
    const std::optional<Money> low = price.decimal("min");
    const std::optional<Money> high = price.decimal("max");
    const bool in_dollars = source.text("quote") == std::string(oracle::kDollar);
    if (in_dollars && fixed && ((low && *fixed < *low) || (high && *fixed > *high))) {
        refuse_price(
            out,
            source.at("fixed"),
            fixed->to_decimal() + " is outside of " + price.at("min") + " and " + price.at("max") +
                ", so it would always be refused"
        );
    }
}

class PriceChecker {
  public:
    PriceChecker(const json& document, const Settings& settings, std::vector<Problem>& out)
        : root_(document, ""),
          settings_(settings),
          prices_(priced(root_)),
          base_dir_(settings.file.parent_path()),
          out_(out) {
        for (std::size_t i = 0; i < root_.size("chains"); ++i) {
            const auto chain = root_.item("chains", i).chain("id");
            chains_known_ = chains_known_ && chain.has_value();
            if (chain) {
                chains_.insert(*chain);
            }
        }
        chains_known_ = chains_known_ && !chains_.empty();
    }

    void run(const json& given) {
        for (const Priced& each : prices_) {
            check_price(each, given);
        }
        check_loops();
    }

  private:
    void check_price(const Priced& each, const json& given) {
        const Reader price = each.in.object("price");
        std::map<std::string, std::string> names;
        for (std::size_t i = 0; i < price.size("sources"); ++i) {
            const Reader source = price.item("sources", i);
            if (const auto name = source.text("name")) {
                const auto [first, added] = names.emplace(*name, source.at("name"));
                if (!added) {
                    refuse_price(
                        out_, source.at("name"), "\"" + *name + "\" is already at " + first->second
                    );
                }
            }
            check_kind(source);
            check_watch(source);
            check_units(each, source, given);
            check_fixed(price, source, out_);
        }
        const Reader initial = each.in.object("initial_price");
        if (initial.flag("slow").value_or(false) && !price.has("slow")) {
            refuse_price(out_, initial.at("slow"), "needs " + price.at("slow"));
        }
        check_makers(price);
        const std::optional<std::uint64_t> needed = price.integer("min_sources");
        if (needed && price.size("sources") > 0 && *needed > price.size("sources")) {
            refuse_price(
                out_,
                price.at("min_sources"),
                "is " + std::to_string(*needed) + " but there are " +
                    std::to_string(price.size("sources")) + " sources"
            );
        }
    }

    // One maker decides alone only by a word: most losses were one source that was wrong.
    void check_makers(const Reader& price) {
        if (settings_.accept_single_source || price.has("accept_single_source") ||
            price.size("sources") == 0) {
            return;
        }
        std::vector<oracle::SourceSettings> sources;
        for (std::size_t i = 0; i < price.size("sources"); ++i) {
            if (kind_of(price.item("sources", i)) == nullptr) {
                return;
            }
            sources.push_back(build_source(price.item("sources", i), base_dir_));
        }
        const std::string otherwise = " or set " + price.at("accept_single_source") + " to \"" +
                                      std::string(single_price_words()) + "\"";
        if (makers_of(sources).size() < 2) {
            refuse_price(
                out_,
                price.at("sources"),
                "are all made by one, so one wrong price is believed; add a source that somebody "
                "else makes," +
                    otherwise
            );
        } else if (price.integer("min_sources") == 1) {
            refuse_price(
                out_,
                price.at("min_sources"),
                "1 means that one wrong price is believed; write 2 or more," + otherwise
            );
        }
    }

    // What the kind itself says of its keys, and that its chains are configured.
    void check_kind(const Reader& source) {
        const oracle::SourceKind* kind = kind_of(source);
        if (kind == nullptr) {
            return;
        }
        const std::string at = source.at(kind->name);
        for (const oracle::SourceKey& key : kind->keys) {
            if (key.form != oracle::KeyForm::kChain || key.pointer.empty()) {
                continue;
            }
            const auto chain = source.object(kind->name).chain(key.pointer.substr(1));
            if (chain && chains_known_ && !chains_.contains(*chain)) {
                refuse_price(out_, at + std::string(key.pointer), not_a_chain(*chain, chains_));
            }
        }
        if (kind->check != nullptr) {
            const Canonical settings = build_source(source, base_dir_).settings;
            for (const oracle::KeyProblem& problem : kind->check(settings)) {
                refuse_price(out_, at + problem.pointer, problem.what);
            }
        }
    }

    // A source of events needs a watch of its chain in which the contract tells a price.
    void check_watch(const Reader& source) {
        const Reader event = source.object("event");
        const auto id = event.chain("chain");
        const auto name = event.text("watch");
        if (!id || !name || !chains_.contains(*id)) {
            return;
        }
        std::vector<std::string> names;
        for (std::size_t i = 0; i < root_.size("chains"); ++i) {
            const Reader chain = root_.item("chains", i);
            for (std::size_t j = 0; chain.chain("id") == id && j < chain.size("watch"); ++j) {
                const Reader watch = chain.item("watch", j);
                names.push_back(watch.text("name").value_or(""));
                if (names.back() == *name) {
                    check_told(event, watch);
                    return;
                }
            }
        }
        const std::vector<std::string_view> known(names.begin(), names.end());
        const auto near = nearest(*name, known);
        std::string listed;
        for (const std::string_view each : known) {
            listed += (listed.empty() ? "" : ", ") + std::string(each);
        }
        refuse_price(
            out_,
            event.at("watch"),
            "\"" + *name + "\" is no watch of " + id->text() +
                (near ? ", did you mean \"" + std::string(*near) + "\"?"
                      : "; it has " + (listed.empty() ? "none" : listed))
        );
    }

    void check_told(const Reader& event, const Reader& watch) {
        const auto address = event.address("address");
        std::string emitters;
        bool is_told = false;
        for (std::size_t i = 0; i < watch.size("events"); ++i) {
            const Reader row = watch.item("events", i);
            if (row.text("meaning") != "price") {
                continue;
            }
            const auto own = row.address("contract");
            const auto emitter = own ? own : watch.address("contract");
            is_told = is_told || !emitter || !address || emitter == address;
            emitters += (emitters.empty() ? "" : ", ") + (emitter ? to_hex(*emitter) : "");
        }
        if (emitters.empty()) {
            refuse_price(
                out_,
                event.at("watch"),
                "no event of " + watch.at() + " has the meaning \"price\", so nothing is ever told"
            );
        } else if (!is_told) {
            refuse_price(
                out_,
                event.at("address"),
                "no price of " + watch.at() + " is told by " + to_hex(*address) + "; told by " +
                    emitters
            );
        }
    }

    void check_units(const Priced& each, const Reader& source, const json& given) {
        const auto base = source.text("base");
        if (base && *base != each.id) {
            refuse_price(
                out_,
                source.at("base"),
                "the source prices " + *base + ", but it stands under " + each.id
            );
        }
        const oracle::SourceKind* kind = kind_of(source);
        const json::json_pointer said(source.at("quote"));
        if (kind != nullptr && kind->needs_quote && !given.contains(said)) {
            refuse_price(
                out_,
                source.at("quote"),
                "is missing: what " + std::string(kind->name) +
                    " answers is a rate in something; write the id of what it is in, or \"USD\""
            );
        }
        const auto quote = source.text("quote");
        if (!quote || *quote == oracle::kDollar || is_priced(*quote)) {
            return;
        }
        std::vector<std::string_view> known{oracle::kDollar};
        for (const Priced& other : prices_) {
            known.push_back(other.id);
        }
        const auto near = nearest(*quote, known);
        refuse_price(
            out_,
            source.at("quote"),
            "\"" + *quote + "\" is neither \"USD\" nor the id of an asset or reference" +
                (near ? ", did you mean \"" + std::string(*near) + "\"?" : "")
        );
    }

    [[nodiscard]] bool is_priced(std::string_view id) const {
        return std::ranges::find(prices_, id, &Priced::id) != prices_.end();
    }

    // Depth first; what closes a circle is refused with the whole way round.
    void check_loops() {
        for (const Priced& each : prices_) {
            std::vector<std::string> way;
            follow(each, way);
        }
    }

    void follow(const Priced& each, std::vector<std::string>& way) {
        way.push_back(each.id);
        const Reader price = each.in.object("price");
        for (std::size_t i = 0; i < price.size("sources") && !done_.contains(each.id); ++i) {
            const Reader source = price.item("sources", i);
            const std::string quote = source.text("quote").value_or("");
            const auto next = std::ranges::find(prices_, quote, &Priced::id);
            if (quote.empty() || next == prices_.end()) {
                continue;
            }
            const auto met = std::ranges::find(way, quote);
            if (met == way.end()) {
                follow(*next, way);
                continue;
            }
            std::string round;
            for (auto step = met; step != way.end(); ++step) {
                round += *step + " -> ";
            }
            refuse_price(
                out_, source.at("quote"), "the price is quoted in itself: " + round + quote
            );
        }
        done_.insert(each.id);
        way.pop_back();
    }

    Reader root_;
    const Settings& settings_;
    std::vector<Priced> prices_;
    std::filesystem::path base_dir_;
    std::vector<Problem>& out_;
    std::set<ChainId> chains_;
    bool chains_known_{true};
    std::set<std::string> done_;
};

}  // namespace

void check_prices(
    const json& document, const json& given, const Settings& settings, std::vector<Problem>& out
) {
    PriceChecker(document, settings, out).run(given);
}

}  // namespace margrave::config::detail
