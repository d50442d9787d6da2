// SPDX-License-Identifier: Apache-2.0
#include "store/detail/keys.hpp"

#include "core/assert.hpp"

#include <random>

namespace margrave::store::detail {
namespace {

constexpr std::size_t kTypicalKey = 96;

// Appends fields in the fixed big-endian form; the tag comes first.
class KeyWriter {
  public:
    explicit KeyWriter(std::uint8_t tag) {
        out_.reserve(kTypicalKey);
        put_u8(out_, tag);
    }

    KeyWriter() { out_.reserve(kTypicalKey); }

    KeyWriter& tag(std::uint8_t v) {
        put_u8(out_, v);
        return *this;
    }

    KeyWriter& chain(ChainTag v) { return u64(v.value); }

    KeyWriter& ledger(LedgerId v) {
        put_u32(out_, v.value);
        return *this;
    }

    KeyWriter& code(AccountCode v) {
        put_u16(out_, static_cast<std::uint16_t>(v));
        return *this;
    }

    KeyWriter& u32(std::uint32_t v) {
        put_u32(out_, v);
        return *this;
    }

    KeyWriter& u64(std::uint64_t v) {
        put_u64(out_, v);
        return *this;
    }

    template <std::size_t N, class Tag>
    KeyWriter& bytes(const FixedBytes<N, Tag>& v) {
        put_bytes(out_, v.view());
        return *this;
    }

    Bytes done() { return std::move(out_); }

  private:
    Bytes out_;
};

}  // namespace

std::uint64_t secret_of_tables() {
    static const std::uint64_t kSecret = [] {
        std::random_device source;
        return std::uint64_t{source()} << 32U | source();
    }();
    return kSecret;
}

ChainTag tag_of(const ChainId& chain) {
    std::uint64_t v = 0;
    for (std::size_t i = 0; i < sizeof v; ++i) {
        v = v << 8U | chain.key().data[i];
    }
    return ChainTag{v};
}

bool grows_by_debit(AccountCode code) {
    switch (code) {
        case AccountCode::kVault:
        case AccountCode::kCustody:
        case AccountCode::kLoan:
        case AccountCode::kOwed:
        case AccountCode::kReceivable:
        case AccountCode::kSale:
            return true;
        case AccountCode::kCollateral:
        case AccountCode::kMapped:
        case AccountCode::kWithdraw:
        case AccountCode::kAuction:
        case AccountCode::kPool:
        case AccountCode::kInterest:
        case AccountCode::kUnattributed:
            return false;
    }
    return false;
}

namespace chain_key {

Bytes head(ChainTag chain) {
    return KeyWriter(kHead).chain(chain).done();
}

Bytes blocks(ChainTag chain) {
    return KeyWriter(kBlock).chain(chain).done();
}

Bytes block(ChainTag chain, BlockNum number) {
    return KeyWriter(kBlock).chain(chain).u64(number.value).done();
}

Bytes orphan(ChainTag chain, BlockNum number, const Hash32& hash, std::uint64_t reorg) {
    return KeyWriter('O').chain(chain).u64(number.value).bytes(hash).u64(reorg).done();
}

Bytes seen(ChainTag chain, const Hash32& hash) {
    return KeyWriter('I').chain(chain).bytes(hash).done();
}

Bytes evidence(ChainTag chain) {
    return KeyWriter('E').chain(chain).done();
}

Bytes reorgs(ChainTag chain) {
    return KeyWriter('R').chain(chain).done();
}

Bytes named(ChainTag chain) {
    return KeyWriter('N').chain(chain).done();
}

Bytes named(ChainTag chain, BlockNum number) {
    return KeyWriter('N').chain(chain).u64(number.value).done();
}

Bytes rate_rules(ChainTag chain) {
    return KeyWriter('T').chain(chain).done();
}

Bytes events(ChainTag chain) {
    return KeyWriter().chain(chain).done();
}

Bytes events(ChainTag chain, BlockNum number) {
    return KeyWriter().chain(chain).u64(number.value).done();
}

}  // namespace chain_key

namespace ledger_key {

Bytes definition(LedgerId ledger) {
    return KeyWriter(kDefinition).ledger(ledger).done();
}

Bytes totals(const AccountKey& account) {
    return KeyWriter(kTotals).ledger(account.ledger).code(account.code).bytes(account.owner).done();
}

Bytes totals_of(LedgerId ledger) {
    return KeyWriter(kTotals).ledger(ledger).done();
}

Bytes totals_of(LedgerId ledger, AccountCode code) {
    return KeyWriter(kTotals).ledger(ledger).code(code).done();
}

Result<AccountKey> parse_totals(ByteView key) {
    ByteReader in(key);
    AccountKey out;
    MARGRAVE_TRY(in.u8());
    MARGRAVE_TRY(out.ledger.value, in.u32());
    MARGRAVE_TRY(const std::uint16_t code, in.u16());
    MARGRAVE_TRY(out.owner, in.hash32());
    MARGRAVE_TRY(in.finish());
    for (const AccountCode known : kAllCodes) {
        if (static_cast<std::uint16_t>(known) == code) {
            out.code = known;
            return out;
        }
    }
    return fail(Errc::kCorrupt, "account code " + std::to_string(code) + " is none of ours");
}

}  // namespace ledger_key

namespace subject {

Bytes sum(LedgerId ledger, AccountCode code) {
    return KeyWriter('S').ledger(ledger).code(code).done();
}

bool has_balance(AccountCode code) {
    switch (code) {
        case AccountCode::kCustody:
        case AccountCode::kLoan:
        case AccountCode::kOwed:
        case AccountCode::kReceivable:
        case AccountCode::kCollateral:
        case AccountCode::kMapped:
        case AccountCode::kAuction:
            return true;
        case AccountCode::kVault:
        case AccountCode::kSale:
        case AccountCode::kWithdraw:
        case AccountCode::kPool:
        case AccountCode::kInterest:
        case AccountCode::kUnattributed:
            return false;
    }
    return false;
}

Bytes balance(const AccountKey& account) {
    MARGRAVE_ASSERT(has_balance(account.code));
    // The owner of an auction is a seizure, which must not appear among the accounts.
    if (account.code == AccountCode::kAuction) {
        return KeyWriter('G').ledger(account.ledger).bytes(account.owner).done();
    }
    if (account.code == AccountCode::kCustody) {
        return KeyWriter('C').ledger(account.ledger).bytes(account.owner).done();
    }
    return KeyWriter(kAccount)
        .bytes(account.owner)
        .tag(kBalance)
        .ledger(account.ledger)
        .code(account.code)
        .done();
}

Bytes book(LedgerId ledger, const AccountId& account) {
    return KeyWriter(kAccount).bytes(account).tag(kBook).ledger(ledger).done();
}

Bytes leg(ChainTag chain, const AccountId& account, const Hash32& seizure) {
    return KeyWriter(kAccount).bytes(account).tag(kLeg).chain(chain).bytes(seizure).done();
}

Bytes legs(ChainTag chain, const AccountId& account) {
    return KeyWriter(kAccount).bytes(account).tag(kLeg).chain(chain).done();
}

Bytes position(ChainTag chain, const AccountId& account, const Hash32& market) {
    return KeyWriter(kAccount).bytes(account).tag(kPosition).chain(chain).bytes(market).done();
}

Bytes source(LedgerId ledger, const AccountId& account, const Hash32& source) {
    return KeyWriter(kAccount).bytes(account).tag(kSource).ledger(ledger).bytes(source).done();
}

Bytes holder(ChainTag chain, const Hash32& source, const AccountId& account) {
    return KeyWriter('W').chain(chain).bytes(source).bytes(account).done();
}

Bytes holders(ChainTag chain) {
    return KeyWriter('W').chain(chain).done();
}

Bytes link(ChainTag chain, const AccountId& from, const AccountId& into) {
    return KeyWriter(kAccount).bytes(from).tag(kLink).chain(chain).bytes(into).done();
}

Bytes links(const AccountId& from) {
    return KeyWriter(kAccount).bytes(from).tag(kLink).done();
}

Bytes links(ChainTag chain, const AccountId& from) {
    return KeyWriter(kAccount).bytes(from).tag(kLink).chain(chain).done();
}

Bytes arrival(ChainTag chain, const AccountId& into, const AccountId& from) {
    return KeyWriter(kAccount).bytes(into).tag(kArrival).chain(chain).bytes(from).done();
}

Bytes arrivals(const AccountId& into) {
    return KeyWriter(kAccount).bytes(into).tag(kArrival).done();
}

Bytes arrivals(ChainTag chain, const AccountId& into) {
    return KeyWriter(kAccount).bytes(into).tag(kArrival).chain(chain).done();
}

Bytes account(const AccountId& account) {
    return KeyWriter(kAccount).bytes(account).done();
}

Bytes request(ChainTag chain, std::uint64_t number) {
    return KeyWriter('R').chain(chain).u64(number).done();
}

Bytes requests(ChainTag chain) {
    return KeyWriter('R').chain(chain).done();
}

Bytes release(ChainTag chain, const Hash32& release) {
    return KeyWriter('Q').chain(chain).bytes(release).done();
}

Bytes price(ChainTag chain, const Hash32& source, const Address& emitter) {
    return KeyWriter('T').chain(chain).bytes(source).bytes(emitter).done();
}

Bytes interest(ChainTag chain, const Address& token) {
    return KeyWriter(kInterest).chain(chain).bytes(token).done();
}

Bytes interests() {
    return KeyWriter(kInterest).done();
}

Result<std::pair<ChainTag, Address>> parse_interest(ByteView subject) {
    ByteReader in(subject);
    std::pair<ChainTag, Address> out;
    MARGRAVE_TRY(in.u8());
    MARGRAVE_TRY(out.first.value, in.u64());
    MARGRAVE_TRY(out.second, in.address());
    MARGRAVE_TRY(in.finish());
    return out;
}

Bytes mark(LedgerId ledger, const AccountId& account) {
    return KeyWriter(kAccount).bytes(account).tag(kMark).ledger(ledger).done();
}

Bytes unknown(ChainTag chain, const Address& token) {
    return KeyWriter('U').chain(chain).bytes(token).done();
}

Result<Place> place_of(ByteView subject) {
    ByteReader in(subject);
    Place out;
    MARGRAVE_TRY(std::uint8_t kind, in.u8());
    if (kind == kAccount) {
        MARGRAVE_TRY(in.hash32());
        MARGRAVE_TRY(kind, in.u8());
        if (kind == kBalance || kind == kBook || kind == kSource || kind == kMark) {
            MARGRAVE_TRY(out.ledger.value, in.u32());
            return out;
        }
    } else if (kind == 'S' || kind == 'G' || kind == 'C') {
        MARGRAVE_TRY(out.ledger.value, in.u32());
        return out;
    }
    MARGRAVE_TRY(out.chain.value, in.u64());
    return out;
}

Bytes versioned(ByteView subject, BlockNum number) {
    Bytes out;
    out.reserve(subject.size() + kSuffix);
    put_bytes(out, subject);
    put_u64(out, ~number.value);
    return out;
}

BlockNum version_of(ByteView key) {
    MARGRAVE_ASSERT(key.size() > kSuffix);
    std::uint64_t v = 0;
    for (const std::uint8_t b : key.last(kSuffix)) {
        v = v << 8U | b;
    }
    return BlockNum{~v};
}

}  // namespace subject

namespace journal_key {

Bytes transfers(Seq first) {
    return KeyWriter(kTransfer).u64(first.value).done();
}

Bytes entries(const AccountId& account, Seq first) {
    return KeyWriter('X').bytes(account).u64(first.value).done();
}

Bytes entries(const AccountId& account) {
    return KeyWriter('X').bytes(account).done();
}

Result<Seq> seq_of(ByteView key) {
    if (key.size() < sizeof(std::uint64_t)) {
        return fail(Errc::kCorrupt, "key of " + std::to_string(key.size()) + " bytes has no seq");
    }
    ByteReader in(key.last(sizeof(std::uint64_t)));
    MARGRAVE_TRY(const std::uint64_t seq, in.u64());
    return Seq{seq};
}

}  // namespace journal_key

namespace decision_key {

Bytes answer(ChainTag chain, std::uint64_t number) {
    return KeyWriter('A').chain(chain).u64(number).done();
}

Bytes hold(const AccountId& account, const Hash32& release) {
    return KeyWriter(kHold).bytes(account).bytes(release).done();
}

Bytes holds(const AccountId& account) {
    return KeyWriter(kHold).bytes(account).done();
}

Bytes ended_hold(const AccountId& account, const Hash32& release) {
    return KeyWriter('h').bytes(account).bytes(release).done();
}

Bytes hold_owner(const Hash32& release) {
    return KeyWriter('R').bytes(release).done();
}

Bytes leg(
    const AccountId& account, std::uint64_t lock, std::uint64_t number, const Hash32& seizure
) {
    return KeyWriter(kLeg).bytes(account).u64(lock).u64(number).bytes(seizure).done();
}

Bytes legs(const AccountId& account) {
    return KeyWriter(kLeg).bytes(account).done();
}

Bytes leg_place(const Hash32& seizure) {
    return KeyWriter('S').bytes(seizure).done();
}

Bytes open_leg(const Hash32& seizure) {
    return KeyWriter(kOpenLeg).bytes(seizure).done();
}

Bytes legs_due(UnixSeconds deadline) {
    return KeyWriter(kLegByDeadline).u64(deadline.value).done();
}

Bytes leg_due(UnixSeconds deadline, const Hash32& seizure) {
    return KeyWriter(kLegByDeadline).u64(deadline.value).bytes(seizure).done();
}

Bytes open_request(ChainTag chain, std::uint64_t number) {
    return KeyWriter('Q').chain(chain).u64(number).done();
}

Bytes open_requests(ChainTag chain) {
    return KeyWriter('Q').chain(chain).done();
}

Bytes stops(ChainTag chain) {
    return KeyWriter('X').chain(chain).done();
}

}  // namespace decision_key

namespace attest_key {

Bytes leaf(std::uint64_t index) {
    return KeyWriter('L').u64(index).done();
}

Bytes leaf_digest(const Hash32& digest) {
    return KeyWriter('h').bytes(digest).done();
}

Bytes intent(const Hash32& id) {
    return KeyWriter('I').bytes(id).done();
}

Bytes by_age(std::uint64_t number) {
    return KeyWriter(kByAge).u64(number).done();
}

Bytes open(std::uint64_t number) {
    return KeyWriter(kOpen).u64(number).done();
}

Bytes document(std::string_view name) {
    Bytes out;
    put_u8(out, 'D');
    put_bytes(out, as_bytes(name));
    return out;
}

}  // namespace attest_key

}  // namespace margrave::store::detail
