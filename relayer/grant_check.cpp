// SPDX-License-Identifier: Apache-2.0
#include "relayer/grant_check.hpp"

#include "relayer/detail/trouble.hpp"
#include "relayer/price_uses.hpp"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

namespace margrave::relayer {

namespace {

Amount net(const store::TrialBalance& trial, store::AccountCode code) {
    const auto it = trial.totals.find(code);
    return it == trial.totals.end() ? Amount{} : it->second;
}

/// What holds under way will take out of one vault, by whether it is lent or owned.
struct Promised {
    Amount total;
    Amount lent;
};

/// Which vault is asked: the head's has paid what was executed there.
enum class VaultAt : std::uint8_t { kFinal, kHead };

Result<Promised> promised(const store::Ledger& ledger, const AssetId& asset, VaultAt at) {
    MARGRAVE_TRY(auto holds, ledger.holds());
    Promised sum;
    for (const store::Hold& hold : holds) {
        if (hold.asset != asset) {
            continue;
        }
        if (at == VaultAt::kHead) {
            MARGRAVE_TRY(const bool executed, ledger.is_executed(hold));
            if (executed) {
                continue;
            }
        }
        MARGRAVE_TRY(sum.total, add(sum.total, hold.amount));
        if (hold.kind != ReleaseKind::kWithdrawal) {
            MARGRAVE_TRY(sum.lent, add(sum.lent, hold.amount));
        }
    }
    return sum;
}

const store::LedgerDefinition* ledger_of(
    const std::vector<store::LedgerDefinition>& ledgers, const AssetId& asset
) {
    const auto it = std::find_if(ledgers.begin(), ledgers.end(), [&asset](const auto& row) {
        return row.asset == asset;
    });
    return it == ledgers.end() ? nullptr : &*it;
}

/// At one block of the request's chain the vault has the tokens, and what is lent or taken from the
/// pool is the pool's own.
Result<void> check_liquidity(
    const store::Ledger& ledger, const store::Request& request, BlockNum block, VaultAt at
) {
    const auto ledgers = ledger.ledgers();
    const store::LedgerDefinition* definition = ledger_of(ledgers, request.asset);
    if (definition == nullptr) {
        return fail(Errc::kCheckFailed, "the configuration names no such asset");
    }
    MARGRAVE_TRY(auto sum, promised(ledger, request.asset, at));
    MARGRAVE_TRY(auto trial, ledger.trial_balance(definition->id, block));
    const Amount free = sub_or_zero(net(trial, store::AccountCode::kVault), sum.total);
    if (free < request.amount) {
        return fail(
            Errc::kCheckFailed,
            "the vault has " + free.to_string() + " free of promises, " +
                request.amount.to_string() + " were asked for"
        );
    }
    if (request.kind == ReleaseKind::kWithdrawal) {
        return ok();
    }
    // Interest that was booked raised both what lenders have and what is lent.
    MARGRAVE_TRY(
        const Amount pool,
        add(net(trial, store::AccountCode::kPool), net(trial, store::AccountCode::kInterest))
    );
    const Amount loans = net(trial, store::AccountCode::kLoan);
    const Amount lendable = sub_or_zero(sub_or_zero(pool, loans), sum.lent);
    if (lendable < request.amount) {
        return fail(
            Errc::kCheckFailed,
            "the pool has " + lendable.to_string() + " to lend, " + request.amount.to_string() +
                " were asked for"
        );
    }
    return ok();
}

Result<void> check_no_liquidation(const DecisionParts& parts, const AccountId& account) {
    MARGRAVE_TRY(auto legs, parts.ledger.legs(account));
    for (const store::Leg& leg : legs) {
        if (leg.state == store::LegState::kInstructed || leg.state == store::LegState::kSeized) {
            return fail(
                Errc::kCheckFailed,
                "a liquidation of this account is under way (lock " + std::to_string(leg.lock) + ")"
            );
        }
    }
    return ok();
}

/// kUnattestable when what a dead chain hides could change the answer.
Result<void> check_alive(const DecisionParts& parts, const AccountHoldings& worst) {
    if (parts.dead.touch(worst)) {
        return fail(
            Errc::kUnattestable,
            "cannot be valued now: " + margin::describe_guards(flags::kChainDead)
        );
    }
    return ok();
}

/// kUnattestable when a price that is not usable, or something that cannot be valued, decides.
Result<void> check_valued(
    const DecisionParts& parts, const AccountHoldings& worst, const margin::Promise& asked
) {
    const std::array<margin::Promise, 1> one{asked};
    MARGRAVE_TRY(auto after, margin::worst_of(worst, worst, one));
    const AccountState state = margin::evaluate_state(
        after, parts.prices, parts.settings.parameters, /*was_liquidatable=*/false, false
    );
    if (state.status == Status::kUnattestable || (state.flags & margin::kNoPrice) != 0) {
        return fail(
            Errc::kUnattestable, "cannot be valued now: " + margin::describe_guards(state.flags)
        );
    }
    return ok();
}

/// An account as a request of it is judged.
struct Standing {
    /// As the last round attested it.
    AccountHoldings firm;
    /// What is final since then is in it, as the releases are whose holds have ended.
    AccountHoldings final;
    AccountHoldings provisional;
    std::vector<margin::Promise> promises;
};

Result<Standing> standing_now(const DecisionParts& parts, const AccountId& account) {
    Standing out;
    MARGRAVE_TRY(out.firm, parts.ledger.holdings(account, parts.firm));
    // Every operator takes interest up to the same block, however far its own head is.
    MARGRAVE_TRY(out.final, parts.ledger.holdings_at_final(account, parts.firm));
    MARGRAVE_TRY(out.provisional, parts.ledger.holdings_at_head(account, parts.firm));
    MARGRAVE_TRY(out.promises, promises_of(parts.ledger, account));
    return out;
}

using Early = std::span<const margin::EarlyPart>;
/// Those of several states.
using PositionSets = std::vector<std::vector<VenuePosition>>;

/// Whether the account has the room if its state is the worse of the two given, with these parts
/// of what is not final on top. The larger of two positions is not always the worse one, since a
/// hedge that was closed meanwhile must not pay for a release: so it must have the room with each
/// of `positions` too.
Result<void> check_account(
    const DecisionParts& parts,
    const margin::Promise& asked,
    const AccountHoldings& firm,
    const AccountHoldings& provisional,
    const std::vector<margin::Promise>& promises,
    Early early,
    const PositionSets& positions
) {
    MARGRAVE_TRY(auto worst, margin::worst_of(firm, provisional, promises));
    MARGRAVE_TRY(worst, margin::with_early(std::move(worst), early));
    MARGRAVE_TRY(check_alive(parts, firm));
    MARGRAVE_TRY(check_alive(parts, provisional));
    // What is promised on a dead chain may have been taken there or not.
    MARGRAVE_TRY(check_alive(parts, worst));
    MARGRAVE_TRY(check_valued(parts, worst, asked));
    MARGRAVE_TRY(margin::check_grant(worst, asked, parts.prices, parts.settings.parameters));
    MARGRAVE_TRY(check_price_uses(parts, worst, asked));
    for (const std::vector<VenuePosition>& set : positions) {
        if (set != worst.positions) {
            worst.positions = set;
            MARGRAVE_TRY(margin::check_grant(worst, asked, parts.prices, parts.settings.parameters)
            );
            MARGRAVE_TRY(check_price_uses(parts, worst, asked));
        }
    }
    return ok();
}

PositionSets positions_of(const Standing& standing) {
    return {standing.firm.positions, standing.final.positions, standing.provisional.positions};
}

/// What only the unfinal blocks speak against is decided once they are final: they may go away.
Result<void> or_wait(Result<void> verdict) {
    if (!verdict && verdict.error().code == Errc::kCheckFailed) {
        return fail(Errc::kUnattestable, "not final yet: " + verdict.error().detail);
    }
    return verdict;
}

/// On what is final, attested and since, and then with everything that is not attested yet, or not
/// final, against the request. A deposit that is final counts once its vault was compared.
Result<void> check_standing(
    const DecisionParts& parts, const margin::Promise& asked, const Standing& standing, Early early
) {
    const auto check = [&](const AccountHoldings& firm,
                           const AccountHoldings& other,
                           const PositionSets& positions) {
        return check_account(parts, asked, firm, other, standing.promises, early, positions);
    };
    MARGRAVE_TRY(check(standing.firm, standing.firm, {}));
    AccountHoldings base = standing.firm;
    if (standing.final != standing.firm) {
        MARGRAVE_TRY(check(standing.final, standing.final, {}));
        MARGRAVE_TRY(base, margin::worst_of(standing.firm, standing.final, {}));
        const PositionSets final{standing.firm.positions, standing.final.positions};
        MARGRAVE_TRY(or_wait(check(base, base, final)));
    }
    return or_wait(check(base, standing.provisional, positions_of(standing)));
}

using Uses = std::vector<attest::EarlyUse>;

/// The offers that can help: what is dead, or has no price that decides, would only be in the way.
Result<Uses> offers_for(const DecisionParts& parts, const AccountId& account) {
    MARGRAVE_TRY(const auto stands, read_stands(parts.database));
    const EarlyView view{parts.ledger, parts.settings.parameters, parts.firm, stands};
    MARGRAVE_TRY(auto offers, early_offers(view, account));
    std::erase_if(offers, [&parts](const attest::EarlyUse& offer) {
        const auto price = parts.prices.find(offer.asset);
        return parts.dead.contains(offer.asset.chain()) || price == parts.prices.end() ||
               price->second.verdict != PriceVerdict::kUsable || is_refused(parts, offer.asset);
    });
    if (offers.size() > kOffersMax) {
        offers.resize(kOffersMax);
    }
    return offers;
}

/// The least of what is not final with which the account has the room; empty when all of it does
/// not do.
Result<Uses> least_uses(
    const DecisionParts& parts,
    const AccountId& account,
    const margin::Promise& asked,
    const Standing& standing
) {
    MARGRAVE_TRY(const Uses offers, offers_for(parts, account));
    const margin::EarlyTest passes = [&](Early early) -> Result<bool> {
        const auto verdict = check_standing(parts, asked, standing, early);
        if (!verdict && must_stop(verdict.error().code)) {
            return verdict.as_failure();
        }
        return verdict.has_value();
    };
    MARGRAVE_TRY(const auto least, margin::least_early(early_parts(offers), passes));
    Uses out;
    for (std::size_t i = 0; i < least.size(); ++i) {
        out.push_back(offers[i]);
        out.back().amount = least[i].amount;
    }
    return out;
}

/// Whether a grant could leave this state behind: everything in it can be valued, and it has
/// initial health by every price that counts.
bool may_be_left(const DecisionParts& parts, const AccountHoldings& state) {
    const auto has_health = [&](const margin::PriceTable& prices) {
        const AccountState out = margin::evaluate_state(
            state, prices, parts.settings.parameters, /*was_liquidatable=*/false, false
        );
        return out.status != Status::kUnattestable && (out.flags & margin::kNoPrice) == 0 &&
               !out.initial.is_negative();
    };
    const auto tables = worse_tables(parts, state);
    return tables && !parts.dead.touch(state) && has_health(parts.prices) &&
           std::ranges::all_of(tables.value(), has_health);
}

/// Whether the account, with all that is promised to it, has initial health by what is final alone:
/// judged as a grant is, since what it stood on may be granted to others then.
Result<bool> stands_alone(const DecisionParts& parts, const AccountId& account) {
    MARGRAVE_TRY(const Standing standing, standing_now(parts, account));
    MARGRAVE_TRY(const auto base, margin::worst_of(standing.firm, standing.final, {}));
    for (const AccountHoldings* state : {&standing.firm, &standing.final, &standing.provisional}) {
        if (parts.dead.touch(*state)) {
            return false;
        }
    }
    MARGRAVE_TRY(
        AccountHoldings worst, margin::worst_of(base, standing.provisional, standing.promises)
    );
    PositionSets positions = positions_of(standing);
    positions.push_back(worst.positions);
    return std::ranges::all_of(positions, [&](const std::vector<VenuePosition>& set) {
        worst.positions = set;
        return may_be_left(parts, worst);
    });
}

/// The settings with the parameters that are in force once the request and everything that is
/// promised already is lent: by what was lent before, one large loan would pass under the weight
/// that it makes. Nothing where no weight depends on that.
Result<std::optional<config::Settings>> settings_after(
    const DecisionParts& parts, const store::Request& request
) {
    const bool depends = std::ranges::any_of(parts.rules.assets, [](const auto& asset) {
        return !asset.scale.debts_from.is_zero();
    });
    if (!depends) {
        return std::optional<config::Settings>{};
    }
    margin::RoundFacts facts = parts.facts;
    if (request.kind == ReleaseKind::kBorrow) {
        facts = margin::with_loan(std::move(facts), request.asset, request.amount);
    }
    MARGRAVE_TRY(const auto holds, parts.ledger.holds());
    for (const store::Hold& hold : holds) {
        if (hold.kind == ReleaseKind::kBorrow) {
            facts = margin::with_loan(std::move(facts), hold.asset, hold.amount);
        }
    }
    std::optional<config::Settings> out = parts.settings;
    out->parameters = margin::in_force(parts.rules, parts.prices, facts);
    return out;
}

DecisionParts with_settings(const DecisionParts& parts, const config::Settings& settings) {
    return {
        settings,
        parts.ledger,
        parts.database,
        parts.scribe,
        parts.book,
        parts.prices,
        parts.firm,
        parts.log,
        parts.limiter,
        parts.dead,
        parts.sequencer_holds,
        parts.price_uses,
        parts.rules,
        parts.facts};
}

Result<Uses> check_by(const DecisionParts& parts, const store::Request& request) {
    if (parts.dead.contains(request.chain)) {
        return fail(Errc::kUnattestable, request.chain.text() + " is dead: its requests wait");
    }
    // Where holds end: what has left since the attested block is in no promise any more.
    const store::ChainState chain = parts.ledger.chain_state(request.chain);
    const BlockNum final = chain.final->number;
    const BlockNum head = chain.head->number;
    MARGRAVE_TRY(check_liquidity(parts.ledger, request, final, VaultAt::kFinal));
    Uses uses;
    if (!is_pool(request.account)) {
        MARGRAVE_TRY(check_no_liquidation(parts, request.account));
        MARGRAVE_TRY(const Standing standing, standing_now(parts, request.account));
        const margin::Promise asked{
            request.asset, request.amount, request.kind == ReleaseKind::kWithdrawal};
        const auto alone = check_standing(parts, asked, standing, {});
        if (!alone) {
            if (must_stop(alone.error().code)) {
                return alone.as_failure();
            }
            MARGRAVE_TRY(uses, least_uses(parts, request.account, asked, standing));
            if (uses.empty()) {
                return alone.as_failure();
            }
        }
    }
    MARGRAVE_TRY(or_wait(check_liquidity(parts.ledger, request, head, VaultAt::kHead)));
    return uses;
}

}  // namespace

Result<std::vector<margin::Promise>> promises_of(
    const store::Ledger& ledger, const AccountId& account
) {
    MARGRAVE_TRY(const auto holds, ledger.holds_of(account));
    std::vector<margin::Promise> out;
    for (const store::Hold& hold : holds) {
        MARGRAVE_TRY(const bool executed, ledger.is_executed(hold));
        out.push_back({hold.asset, hold.amount, hold.kind == ReleaseKind::kWithdrawal, executed});
    }
    return out;
}

Result<Uses> check_request(const DecisionParts& parts, const store::Request& request) {
    MARGRAVE_TRY(const auto settings, settings_after(parts, request));
    return settings ? check_by(with_settings(parts, *settings), request) : check_by(parts, request);
}

Result<void> settle_early(const DecisionParts& parts) {
    MARGRAVE_TRY(const auto stands, read_stands(parts.database));
    const EarlyView view{parts.ledger, parts.settings.parameters, parts.firm, stands};
    std::vector<EarlyStand> left;
    for (const EarlyStand& stand : stands) {
        bool settled = is_final(view, stand);
        if (!settled) {
            MARGRAVE_TRY(settled, stands_alone(parts, stand.account));
        }
        if (!settled) {
            left.push_back(stand);
        }
    }
    return left.size() == stands.size() ? ok() : parts.scribe.keep_stands(left);
}

}  // namespace margrave::relayer
