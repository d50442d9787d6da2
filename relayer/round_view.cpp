// SPDX-License-Identifier: Apache-2.0
#include "relayer/round_view.hpp"

#include "relayer/cli.hpp"

#include <algorithm>

namespace margrave::relayer {

const margin::Evaluation* RoundView::find(const AccountId& account) const {
    if (!round) {
        return nullptr;
    }
    const auto found =
        std::ranges::find_if(round->evaluations, [&account](const margin::Evaluation& row) {
            return row.state.account == account;
        });
    return found == round->evaluations.end() ? nullptr : &*found;
}

Result<RoundView> open_round_view(Context& context, RoundNum round) {
    RoundView view;
    MARGRAVE_TRY(view.settings, load_settings(context));
    MARGRAVE_TRY(
        view.database,
        store::Database::open({view.settings.data_dir / "store", view.network(), true})
    );
    view.ledger = std::make_unique<store::Ledger>(*view.database);
    const bool is_new = round.value == 0 && !view.database->document("round/last");
    auto replayed = replay_round(view.network(), *view.database, *view.ledger, round);
    if (replayed) {
        view.round = std::move(replayed.value());
    } else if (replayed.error().code != Errc::kNotFound || !is_new) {
        return replayed.as_failure();
    }
    return view;
}

Result<RoundView> open_signed_round(Context& context, RoundNum round) {
    MARGRAVE_TRY(auto view, open_round_view(context, round));
    if (!view.round) {
        return fail(Errc::kNotFound, "nothing was attested yet, so no account has a state");
    }
    return view;
}

store::AsOf as_of(const ReplayedRound& round) {
    store::AsOf out;
    for (const Head& head : round.heads) {
        out[head.chain] = head.number;
    }
    return out;
}

}  // namespace margrave::relayer
