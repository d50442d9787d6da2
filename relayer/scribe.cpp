// SPDX-License-Identifier: Apache-2.0
#include "relayer/scribe.hpp"

#include "attest/digest.hpp"
#include "attest/leaf.hpp"
#include "core/assert.hpp"
#include "core/keccak.hpp"
#include "relayer/detail/messages.hpp"

namespace margrave::relayer {

namespace {

constexpr const char* kLastAttestation = "attestation/last";
constexpr const char* kCurrentParameters = "parameters/current";

store::Intent make_intent(
    const Hash32& digest,
    const chains::ChainAdapter& chain,
    std::string kind,
    std::string label,
    UnixSeconds expires,
    UnixSeconds now
) {
    store::Intent intent;
    intent.id = keccak256(digest, chain.settings().chain.key());
    intent.chain = chain.settings().chain;
    intent.kind = std::move(kind);
    intent.label = std::move(label);
    intent.expires = expires;
    intent.created = now;
    return intent;
}

}  // namespace

Hash32 attestation_subject() { return keccak256("attestation"); }

Scribe::Scribe(Parts parts)
    : parts_(std::move(parts)),
      parameters_(keccak256(margin::canonical(parts_.settings.parameters).dump())) {}

Result<void> Scribe::open(UnixSeconds now) {
    const std::string origin =
        attest::log_origin(parts_.settings.genesis.network(), parts_.settings.node_name);
    store::Database& database = parts_.database;
    auto leaf = [&database](std::uint64_t index) { return database.leaf(index); };
    MARGRAVE_TRY(
        log_,
        attest::TileLog::open(
            parts_.settings.data_dir / "log", origin, database.leaf_count(), std::move(leaf)
        )
    );
    if (database.leaf_count() == 0) {
        if (parts_.guard.size() != 0) {
            return fail(
                Errc::kUnsafe,
                "the signing guard has " + std::to_string(parts_.guard.size()) +
                    " records but the attestation log is empty: the data directory was lost or "
                    "restored. Signing on could contradict what was signed; restore the log or "
                    "start a new network"
            );
        }
        MARGRAVE_TRY(start_log());
    }
    MARGRAVE_TRY(load_last());
    MARGRAVE_TRY(finish_interrupted(now));
    MARGRAVE_TRY(name_parameters());
    return publish();
}

Result<void> Scribe::start_log() {
    const Hash32 network = parts_.settings.genesis.network();
    const std::string origin = attest::log_origin(network, parts_.settings.node_name);
    const std::string vkey = attest::log_vkey(origin, parts_.log_key);
    const Hash32 statement = attest::key_statement(network, vkey);
    MARGRAVE_TRY(
        auto signature, guarded_signature({statement, 1}, statement, to_bytes(vkey), {})
    );
    store::Decision decision;
    decision.leaves.push_back(attest::genesis_leaf(parts_.settings.genesis.document()));
    decision.leaves.push_back(attest::key_leaf(network, vkey, signature));
    return commit(decision);
}

Result<void> Scribe::name_parameters() {
    const auto current = parts_.database.document(kCurrentParameters);
    if (current && *current == Bytes(parameters_.data.begin(), parameters_.data.end())) {
        return ok();
    }
    const Canonical parameters = margin::canonical(parts_.settings.parameters);
    const RoundNum from{last_.round.value + 1};
    store::Decision decision;
    decision.leaves.push_back(attest::parameters_leaf(parameters, from));
    decision.documents.emplace_back(
        "parameters/" + to_hex(parameters_), to_bytes(parameters.dump())
    );
    decision.documents.emplace_back(
        kCurrentParameters, Bytes(parameters_.data.begin(), parameters_.data.end())
    );
    return commit(decision);
}

Result<void> Scribe::load_last() {
    const auto bytes = parts_.database.document(kLastAttestation);
    if (!bytes) {
        return ok();
    }
    MARGRAVE_TRY(auto leaf, attest::read_leaf(parts_.settings.genesis.network(), *bytes));
    MARGRAVE_TRY(auto typed, member(leaf.body, "typedData"));
    MARGRAVE_TRY(last_, attest::parse_attestation(typed));
    last_digest_ = leaf.digest;
    return ok();
}

Result<void> Scribe::finish_interrupted(UnixSeconds now) {
    const Hash32 domain = attest::domain_separator(parts_.settings.genesis.network());
    MARGRAVE_TRY(
        auto guarded, parts_.guard.last(parts_.signer.address(), domain, attestation_subject())
    );
    const std::uint64_t signed_round = guarded ? guarded->epoch : 0;
    if (signed_round == last_.round.value) {
        return ok();
    }
    if (signed_round != last_.round.value + 1) {
        return fail(
            Errc::kUnsafe,
            "the signing guard's last round is " + std::to_string(signed_round) +
                " but the attestation log's is " + std::to_string(last_.round.value) +
                ": one of them was rolled back. Nothing is signed until a person settles it"
        );
    }
    MARGRAVE_TRY(auto message, parse_canonical(as_text(guarded->message)));
    return sign_round(message, now);
}

Result<SignerSignature> Scribe::guarded_signature(
    const Subject& subject, const Hash32& digest, const Bytes& message, const std::vector<Head>& heads
) {
    store::GuardEntry entry;
    entry.signer = parts_.signer.address();
    entry.domain = attest::domain_separator(parts_.settings.genesis.network());
    entry.subject = subject.name;
    entry.epoch = subject.epoch;
    entry.digest = digest;
    entry.message = message;
    entry.as_of = heads;
    MARGRAVE_TRY(parts_.guard.record(entry));
    MARGRAVE_TRY(auto signature, parts_.signer.sign(digest));
    MARGRAVE_TRY(auto signer, attest::recover(digest, signature));
    if (signer != parts_.signer.address()) {
        return fail(
            Errc::kUnsafe,
            "the signer's own signature recovers to " + to_hex(signer) + ", not to " +
                to_hex(parts_.signer.address())
        );
    }
    return SignerSignature{signer, signature};
}

Result<std::optional<Canonical>> Scribe::recorded(const Subject& subject) const {
    const Hash32 domain = attest::domain_separator(parts_.settings.genesis.network());
    MARGRAVE_TRY(
        auto entry, parts_.guard.find(parts_.signer.address(), domain, subject.name, subject.epoch)
    );
    if (!entry) {
        return std::optional<Canonical>{};
    }
    MARGRAVE_TRY(auto message, parse_canonical(as_text(entry->message)));
    return std::optional<Canonical>{std::move(message)};
}

Result<void> Scribe::attest(const RoundDraft& draft, UnixSeconds now) {
    const Attestation& a = draft.attestation;
    MARGRAVE_ASSERT(a.round.value == last_.round.value + 1);
    MARGRAVE_ASSERT(a.previous == last_digest_);
    MARGRAVE_ASSERT(a.parameters == parameters_);
    MARGRAVE_ASSERT(a.snapshot == attest::snapshot_hash(draft.heads));
    MARGRAVE_ASSERT(a.issued_at >= last_.issued_at);
    return sign_round(round_message(draft), now);
}

Result<void> Scribe::sign_round(const Canonical& message, UnixSeconds now) {
    const Hash32 network = parts_.settings.genesis.network();
    MARGRAVE_TRY(auto draft, parse_round_message(message));
    const Hash32 digest = attest::digest_of(network, draft.attestation);
    MARGRAVE_TRY(
        auto signature,
        guarded_signature(
            {attestation_subject(), draft.attestation.round.value},
            digest,
            to_bytes(message.dump()),
            draft.heads
        )
    );
    store::Decision decision;
    decision.leaves.push_back(
        attest::attestation_leaf(network, draft.attestation, {signature}, draft.heads, draft.prices)
    );
    decision.documents = draft.documents;
    decision.documents.emplace_back(kLastAttestation, decision.leaves.front());
    for (const chains::ChainAdapter* adapter : parts_.chains) {
        const SubmitAttestation submit{draft.attestation, join({signature})};
        MARGRAVE_TRY(auto call, adapter->encode(submit));
        store::Intent intent = make_intent(
            digest,
            *adapter,
            "attestation",
            std::to_string(draft.attestation.round.value),
            draft.attestation.valid_until,
            now
        );
        intent.to = call.first;
        intent.data = std::move(call.second);
        decision.intents.push_back(std::move(intent));
    }
    MARGRAVE_TRY(commit(decision));
    last_ = draft.attestation;
    last_digest_ = digest;
    return ok();
}

Result<void> Scribe::release(const ReleaseDraft& planned, UnixSeconds now) {
    const Subject subject{planned.release.id, 1};
    ReleaseDraft draft = planned;
    MARGRAVE_TRY(auto earlier, recorded(subject));
    if (earlier) {
        // Signed before a crash and not yet in the log: the same bytes are finished, never others.
        MARGRAVE_TRY(draft, parse_release_message(*earlier));
    }
    const Hash32 network = parts_.settings.genesis.network();
    const Hash32 digest = attest::digest_of(network, draft.release);
    const Bytes message = to_bytes(release_message(draft).dump());
    MARGRAVE_TRY(auto signature, guarded_signature(subject, digest, message, {}));
    chains::ChainAdapter* adapter = chain(draft.hold.chain);
    MARGRAVE_ASSERT(adapter != nullptr);
    const ExecuteRelease execute{draft.release, draft.request, join({signature})};
    MARGRAVE_TRY(auto call, adapter->encode(execute));
    store::Intent intent = make_intent(
        digest, *adapter, "release", std::to_string(draft.request), draft.release.deadline, now
    );
    intent.to = call.first;
    intent.data = std::move(call.second);
    store::Decision decision;
    decision.leaves.push_back(
        attest::release_leaf(network, draft.release, {signature}, draft.request)
    );
    decision.intents.push_back(std::move(intent));
    decision.holds.push_back(draft.hold);
    return commit(decision);
}

Result<void> Scribe::seize(const std::vector<SeizureDraft>& drafts, UnixSeconds now) {
    const Hash32 network = parts_.settings.genesis.network();
    store::Decision decision;
    for (const SeizureDraft& planned : drafts) {
        const Subject subject{planned.seizure.id, 1};
        SeizureDraft draft = planned;
        MARGRAVE_TRY(auto earlier, recorded(subject));
        if (earlier) {
            MARGRAVE_TRY(draft, parse_seizure_message(*earlier));
        }
        const Hash32 digest = attest::digest_of(network, draft.seizure);
        const Bytes message = to_bytes(seizure_message(draft).dump());
        MARGRAVE_TRY(auto signature, guarded_signature(subject, digest, message, {}));
        decision.leaves.push_back(attest::seizure_leaf(
            network, draft.seizure, {signature}, draft.leg.lock, draft.leg.number
        ));
        chains::ChainAdapter* adapter = chain(draft.leg.chain());
        MARGRAVE_ASSERT(adapter != nullptr);
        store::Intent intent = make_intent(
            digest, *adapter, "seizure", to_hex(draft.seizure.id), draft.seizure.deadline, now
        );
        // The call carries the account's proof under the round the chain has when it is sent, so
        // only the vault is fixed here; what delivery needs to complete it is the document.
        intent.to = adapter->settings().vault;
        decision.intents.push_back(std::move(intent));
        decision.documents.emplace_back(
            "seizure/" + to_hex(draft.seizure.id),
            to_bytes(signed_seizure(draft, {signature}).dump())
        );
        decision.legs.push_back(draft.leg);
    }
    return commit(decision);
}

Result<void> Scribe::refuse(
    const store::Request& request, const std::string& reason, RoundNum round
) {
    store::Decision decision;
    decision.leaves.push_back(attest::refusal_leaf(
        request.chain, request.vault, request.number, request.account, reason, round
    ));
    decision.refusals.push_back({request.chain, request.number, reason});
    return commit(decision);
}

Result<void> Scribe::notice(
    std::string_view kind, const ChainId& on, std::string_view reason, const Canonical& detail
) {
    store::Decision decision;
    decision.leaves.push_back(attest::notice_leaf(kind, on, reason, detail));
    return commit(decision);
}

Result<void> Scribe::close_sale(const store::Leg& leg, UnixSeconds now) {
    const std::string asked = "close/" + to_hex(leg.seizure_id);
    if (parts_.database.document(asked)) {
        return ok();
    }
    chains::ChainAdapter* adapter = chain(leg.chain());
    MARGRAVE_ASSERT(adapter != nullptr);
    MARGRAVE_TRY(auto call, adapter->encode(CloseSale{leg.seizure_id, leg.sale}));
    store::Intent intent = make_intent(
        keccak256(leg.seizure_id, keccak256("close")),
        *adapter,
        "close",
        to_hex(leg.seizure_id),
        UnixSeconds{},
        now
    );
    intent.to = call.first;
    intent.data = std::move(call.second);
    store::Decision decision;
    decision.intents.push_back(std::move(intent));
    decision.documents.emplace_back(asked, to_bytes("asked"));
    return commit(decision);
}

Result<void> Scribe::expire(std::vector<Hash32> holds, std::vector<Hash32> legs) {
    if (holds.empty() && legs.empty()) {
        return ok();
    }
    store::Decision decision;
    decision.ended_holds = std::move(holds);
    decision.expired_legs = std::move(legs);
    return commit(decision);
}

Result<void> Scribe::commit(const store::Decision& decision) {
    MARGRAVE_TRY(parts_.database.commit(decision));
    for (const Bytes& leaf : decision.leaves) {
        MARGRAVE_TRY(log_->append(leaf));
    }
    MARGRAVE_ASSERT(log_->size() == parts_.database.leaf_count());
    return ok();
}

Result<void> Scribe::publish() {
    MARGRAVE_TRY(log_->publish(parts_.log_key));
    return ok();
}

std::uint64_t Scribe::leaves() const { return parts_.database.leaf_count(); }

chains::ChainAdapter* Scribe::chain(const ChainId& id) const {
    for (chains::ChainAdapter* adapter : parts_.chains) {
        if (adapter->settings().chain == id) {
            return adapter;
        }
    }
    return nullptr;
}

}  // namespace margrave::relayer
