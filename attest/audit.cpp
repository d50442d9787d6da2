// SPDX-License-Identifier: Apache-2.0
#include "attest/detail/canonical_reader.hpp"
#include "attest/detail/leaf_parts.hpp"
#include "attest/keys.hpp"
#include "attest/leaf.hpp"
#include "attest/reconciliation.hpp"
#include "core/assert.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>

namespace margrave::attest {
namespace {

struct Quorum {
    std::uint64_t epoch{1};
    std::uint64_t threshold{0};
    std::vector<Address> signers;
    /// Of the SignerSet statement: the `previous` of the next one.
    Hash32 digest;
    UnixSeconds activates_at;
};

struct NamedParameters {
    RoundNum from;
    Hash32 hash;
};

/// Reads a log from its first entry on and keeps what later entries are measured by.
class Auditor {
  public:
    Auditor(const Hash32& network, std::vector<Address> signers, std::uint64_t threshold);

    void take(std::uint64_t index, ByteView bytes);

    AuditReport report() && { return std::move(report_); }

  private:
    void find(std::string what) { report_.findings.push_back({index_, std::move(what)}); }

    void attestation(const Leaf& leaf);
    void order(const Attestation& s, const Hash32& digest);
    void heads(const Leaf& leaf);
    void parameters_of(const Attestation& s);
    void release(const Leaf& leaf);
    void refusal(const Leaf& leaf);
    void seizure(const Leaf& leaf);
    void signer_set(const Leaf& leaf);
    void parameters(const Leaf& leaf);
    void key(const Leaf& leaf);
    void retraction(const Leaf& leaf);
    void reconciliation(const Leaf& leaf);
    void custody_at(const Head& head);
    void quorum(const Leaf& leaf, const std::string& what);
    void once(const std::string& what, const Hash32& id, const Hash32& digest);
    void answer(const Hash32& chain, const Address& vault, std::uint64_t request);

    Hash32 network_;
    std::uint64_t index_{0};
    AuditReport report_;
    Quorum current_;
    std::optional<Quorum> next_;
    UnixSeconds issued_at_;
    std::map<RoundNum, Hash32> rounds_;
    std::map<Hash32, Head> heads_;
    /// The newest reading of each chain, and which chains are halted.
    std::map<Hash32, Reconciliation> readings_;
    std::set<Hash32> halted_;
    std::vector<NamedParameters> parameters_;
    /// Digest by instruction id.
    std::map<Hash32, Hash32> instructions_;
    std::set<std::tuple<Hash32, Address, std::uint64_t>> answers_;
};

// Bodies come from read_leaf, which has parsed the same member before.
template <class T>
T again(Result<T> parsed) {
    MARGRAVE_ASSERT(parsed.has_value());
    return std::move(parsed).value();
}

const Canonical& typed_of(const Leaf& leaf) {
    return *again(detail::find(leaf.body, "typedData", "leaf"));
}

std::uint64_t number_of(const Leaf& leaf, std::string_view name) {
    return again(detail::find_u64(leaf.body, name, "leaf"));
}

Auditor::Auditor(const Hash32& network, std::vector<Address> signers, std::uint64_t threshold)
    : network_(network) {
    std::sort(signers.begin(), signers.end());
    signers.erase(std::unique(signers.begin(), signers.end()), signers.end());
    SignerSet first;
    first.epoch = 1;
    first.threshold = threshold;
    first.signers = signers_hash(signers);
    current_.threshold = threshold;
    current_.digest = digest_of(network, first);
    current_.signers = std::move(signers);
}

void Auditor::take(std::uint64_t index, ByteView bytes) {
    index_ = index;
    ++report_.leaves;
    auto read = read_leaf(network_, bytes);
    if (!read) {
        find(read.error().detail);
        return;
    }
    const Leaf& leaf = read.value();
    if ((leaf.kind == "genesis") != (index == 0)) {
        find(index == 0 ? "the first leaf is not the genesis leaf" : "a second genesis leaf");
    }
    if (leaf.kind == "attestation") {
        attestation(leaf);
    } else if (leaf.kind == "release") {
        release(leaf);
    } else if (leaf.kind == "refusal") {
        refusal(leaf);
    } else if (leaf.kind == "seizure") {
        seizure(leaf);
    } else if (leaf.kind == "signers") {
        signer_set(leaf);
    } else if (leaf.kind == "parameters") {
        parameters(leaf);
    } else if (leaf.kind == "key") {
        key(leaf);
    } else if (leaf.kind == "retraction") {
        retraction(leaf);
    } else if (leaf.kind == "reconciliation") {
        reconciliation(leaf);
    } else if (leaf.kind == "halt") {
        halted_.insert(again(detail::read_chain(leaf.body)).key());
    } else if (leaf.kind == "resume") {
        halted_.erase(again(detail::read_chain(leaf.body)).key());
    }
}

void Auditor::quorum(const Leaf& leaf, const std::string& what) {
    auto checked = check_quorum(leaf.digest, leaf.signatures, current_.signers, current_.threshold);
    if (!checked) {
        find(
            what + " lacks the quorum of signer epoch " + std::to_string(current_.epoch) + ": " +
            checked.error().detail
        );
    }
}

void Auditor::attestation(const Leaf& leaf) {
    const Attestation s = again(parse_attestation(typed_of(leaf)));
    ++report_.attestations;
    if (next_ && s.signer_epoch == next_->epoch) {
        if (s.issued_at < next_->activates_at) {
            find(
                "signer epoch " + std::to_string(next_->epoch) + " is used before its time " +
                std::to_string(next_->activates_at.value)
            );
        }
        current_ = *std::exchange(next_, std::nullopt);
    }
    const std::string what = "round " + std::to_string(s.round.value);
    if (s.signer_epoch != current_.epoch) {
        find(
            what + " names signer epoch " + std::to_string(s.signer_epoch) + ", in force is " +
            std::to_string(current_.epoch)
        );
    }
    quorum(leaf, what);
    order(s, leaf.digest);
    heads(leaf);
    parameters_of(s);
    if (s.round > report_.last_round) {
        report_.last_round = s.round;
        report_.last_root = s.accounts;
        report_.last_digest = leaf.digest;
        issued_at_ = s.issued_at;
    }
}

void Auditor::order(const Attestation& s, const Hash32& digest) {
    const std::string what = "round " + std::to_string(s.round.value);
    const auto [at, is_new] = rounds_.emplace(s.round, digest);
    if (!is_new) {
        find(
            at->second == digest
                ? what + " is there twice"
                : what + " has two digests, " + to_hex(at->second) + " and " + to_hex(digest)
        );
    } else if (s.round.value != report_.last_round.value + 1) {
        find(what + " follows round " + std::to_string(report_.last_round.value));
    }
    if (s.previous != report_.last_digest) {
        find(
            what + " links to " + to_hex(s.previous) + ", the attestation before it is " +
            to_hex(report_.last_digest)
        );
    }
    if (s.issued_at < issued_at_) {
        find(
            what + " is issued at " + std::to_string(s.issued_at.value) +
            ", before the one before it (" + std::to_string(issued_at_.value) + ")"
        );
    }
    if (s.valid_until < s.issued_at) {
        find(what + " is valid until a time before it was issued");
    }
}

void Auditor::heads(const Leaf& leaf) {
    for (const Head& head : again(detail::read_heads(leaf.body))) {
        const auto [at, is_new] = heads_.emplace(head.chain.key(), head);
        Head& last = at->second;
        const std::string what = "head of " + head.chain.text();
        if (head.number < last.number || head.events < last.events) {
            find(
                what + " goes back from block " + std::to_string(last.number.value) + " with " +
                std::to_string(last.events) + " events to block " +
                std::to_string(head.number.value) + " with " + std::to_string(head.events)
            );
        } else if (head.number == last.number && head != last) {
            find(
                what + " at block " + std::to_string(head.number.value) +
                " differs from the attestation before: " + to_hex(last.hash) + ", now " +
                to_hex(head.hash)
            );
        } else if (head.events == last.events && head.accumulator != last.accumulator) {
            find(what + " has another accumulator after the same number of events");
        }
        last = head;
        custody_at(head);
    }
}

// In force is the newest document whose round has come.
void Auditor::parameters_of(const Attestation& s) {
    const NamedParameters* in_force = nullptr;
    bool is_named = false;
    for (const NamedParameters& each : parameters_) {
        if (each.from <= s.round) {
            in_force = &each;
            is_named = is_named || each.hash == s.parameters;
        }
    }
    if (in_force != nullptr && in_force->hash == s.parameters) {
        return;
    }
    find(
        "round " + std::to_string(s.round.value) + " uses parameters " + to_hex(s.parameters) +
        (is_named ? ", which a newer parameters leaf replaced" : ", which no leaf before it names")
    );
}

void Auditor::once(const std::string& what, const Hash32& id, const Hash32& digest) {
    const auto [at, is_new] = instructions_.emplace(id, digest);
    if (!is_new) {
        find(
            what + " " + to_hex(id) +
            (at->second == digest ? " is there twice" : " has two digests: two orders with one id")
        );
    }
}

void Auditor::answer(const Hash32& chain, const Address& vault, std::uint64_t request) {
    if (!answers_.emplace(chain, vault, request).second) {
        find(
            "request " + std::to_string(request) + " of vault " + to_hex(vault) +
            " is answered a second time"
        );
    }
}

void Auditor::release(const Leaf& leaf) {
    const Release s = again(parse_release(typed_of(leaf)));
    ++report_.releases;
    quorum(leaf, "release " + to_hex(s.id));
    once("release", s.id, leaf.digest);
    answer(s.chain, s.vault, number_of(leaf, "request"));
}

void Auditor::refusal(const Leaf& leaf) {
    const ChainId chain = again(detail::read_chain(leaf.body));
    const Address vault = again(detail::read_address(leaf.body, "vault"));
    answer(chain.key(), vault, number_of(leaf, "request"));
}

void Auditor::seizure(const Leaf& leaf) {
    const Seizure s = again(parse_seizure(typed_of(leaf)));
    ++report_.seizures;
    quorum(leaf, "seizure " + to_hex(s.id));
    once("seizure", s.id, leaf.digest);
}

// A set that the guardian vetoed may be followed by another of the same epoch; the last one counts.
void Auditor::signer_set(const Leaf& leaf) {
    const SignerSet s = again(parse_signer_set(typed_of(leaf)));
    const std::string what = "signer set of epoch " + std::to_string(s.epoch);
    quorum(leaf, what);
    if (s.epoch != current_.epoch + 1) {
        find(what + " follows epoch " + std::to_string(current_.epoch));
        return;
    }
    if (s.previous != current_.digest) {
        find(what + " links to " + to_hex(s.previous) + ", not to the set in force");
    }
    next_ = Quorum{
        .epoch = s.epoch,
        .threshold = s.threshold,
        .signers = again(detail::read_signers(leaf.body)),
        .digest = leaf.digest,
        .activates_at = s.activates_at};
}

void Auditor::parameters(const Leaf& leaf) {
    const RoundNum from{number_of(leaf, "from")};
    if (!parameters_.empty() && from < parameters_.back().from) {
        find("parameters hold from a round before those of the parameters leaf before");
    }
    if (from <= report_.last_round) {
        find("parameters hold from round " + std::to_string(from.value) + ", which is over");
    }
    parameters_.push_back({from, again(detail::read_hash(leaf.body, "hash"))});
}

void Auditor::key(const Leaf& leaf) {
    const Address& signer = leaf.signatures.front().signer;
    if (std::find(current_.signers.begin(), current_.signers.end(), signer) ==
        current_.signers.end()) {
        find("the log key is signed by " + to_hex(signer) + ", which is not in the signer set");
    }
}

void Auditor::retraction(const Leaf& leaf) {
    const Hash32 chain = again(detail::read_chain(leaf.body)).key();
    heads_.erase(chain);
    readings_.erase(chain);
}

void Auditor::reconciliation(const Leaf& leaf) {
    Reconciliation reading = again(parse_reconciliation(leaf.body));
    const std::string what = "reading of " + reading.chain.text() + " at block " +
                             std::to_string(reading.block.number.value);
    const auto head = heads_.find(reading.chain.key());
    if (head != heads_.end() && head->second.number == reading.block.number &&
        head->second.hash != reading.block.hash) {
        find(
            what + " is of hash " + to_hex(reading.block.hash) + ", the attestation before is of " +
            to_hex(head->second.hash)
        );
    }
    const auto before = readings_.find(reading.chain.key());
    if (before != readings_.end() && reading.block.number < before->second.block.number) {
        find(what + " goes back from block " + std::to_string(before->second.block.number.value));
    }
    if (reading.has_deficit() && reading.state == CustodyState::kClear) {
        find(what + " shows a deficit and calls the chain clear");
    }
    readings_.insert_or_assign(reading.chain.key(), std::move(reading));
}

// A round may stand on a block only where custody is not in doubt. A halted chain's head stays
// where it was before the doubt.
void Auditor::custody_at(const Head& head) {
    const auto found = readings_.find(head.chain.key());
    if (found == readings_.end()) {
        return;
    }
    const Reconciliation& last = found->second;
    const std::string at = " at block " + std::to_string(head.number.value);
    if (last.block.number == head.number && last.block.hash != head.hash) {
        find(
            "head of " + head.chain.text() + at + " is " + to_hex(head.hash) +
            ", its custody was read at " + to_hex(last.block.hash)
        );
    }
    if (last.state == CustodyState::kClear) {
        return;
    }
    if (head.number >= last.block.number) {
        find("head of " + head.chain.text() + at + " stands where " + last.reason());
    } else if (last.state == CustodyState::kDeficit && !halted_.contains(head.chain.key())) {
        find("a round with " + head.chain.text() + " not halted, though " + last.reason());
    }
}

}  // namespace

AuditReport audit(
    const Hash32& network,
    const std::vector<Bytes>& entries,
    const std::vector<Address>& signers,
    std::uint64_t threshold
) {
    Auditor auditor(network, signers, threshold);
    for (std::uint64_t i = 0; i < entries.size(); ++i) {
        auditor.take(i, entries[i]);
    }
    return std::move(auditor).report();
}

}  // namespace margrave::attest
