// SPDX-License-Identifier: Apache-2.0
#include "relayer/guard_status.hpp"

#include "relayer/scribe.hpp"

namespace margrave::relayer {

Result<Canonical> guard_status(
    const store::SigningGuard& guard,
    const config::GuardSettings& settings,
    std::string_view silence
) {
    const store::GuardState state = guard.state();
    Canonical::Array rounds;
    MARGRAVE_TRY(const auto entries, guard.newest(attestation_subject()));
    for (const store::GuardEntry& entry : entries) {
        rounds.push_back(Canonical::Object{
            {"digest", entry.digest.is_zero() ? std::string("unknown") : to_hex(entry.digest)},
            {"domain", to_hex(entry.domain)},
            {"round", Canonical::integer(entry.epoch)},
            {"signer", to_checksum(entry.signer)},
        });
    }
    return Canonical(Canonical::Object{
        {"adoptedBecause", state.adopted_because},
        {"adoptions", Canonical::integer(state.adoptions)},
        {"closed", state.closed},
        {"dir", settings.dir.string()},
        {"link", to_hex(state.link)},
        {"machine", state.machine.is_zero() ? std::string("unnamed") : to_hex(state.machine)},
        {"mark", settings.mark.string()},
        {"records", Canonical::integer(state.records)},
        {"rounds", std::move(rounds)},
        {"silence", std::string(silence)},
        {"statements", Canonical::integer(state.statements)},
        {"subjects", Canonical::integer(state.subjects)},
        {"watermarks", Canonical::integer(state.watermarks)},
    });
}

}  // namespace margrave::relayer
