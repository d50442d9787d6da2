// SPDX-License-Identifier: Apache-2.0
#include "core/assert.hpp"
#include "store/detail/codec.hpp"
#include "store/detail/decision_records.hpp"
#include "store/detail/guard_records.hpp"
#include "store/detail/incident_records.hpp"
#include "store/detail/records.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

// A first byte that says which record, then its bytes as they lie on a disk that may be damaged: a
// row of the database or a record of the signing guard. What is read is written as the same bytes.
namespace {

using namespace margrave;
using namespace margrave::store::detail;

template <class Row>
void try_row(ByteView bytes) {
    const auto row = decode<Row>(bytes);
    MARGRAVE_ASSERT(!row || std::ranges::equal(encode(row.value()), bytes));
}

// Rows that say less than what they are written from: the caller knows the rest.
template <class Row>
void try_part(ByteView bytes) {
    (void)decode<Row>(bytes);
}

void try_events(ByteView bytes) {
    const auto row = decode<EventsRow>(bytes);
    MARGRAVE_ASSERT(!row || decode<EventsRow>(encode_events(row.value().events)).has_value());
}

void try_guard(ByteView bytes) {
    const auto record = decode_guard(bytes);
    MARGRAVE_ASSERT(!record || std::ranges::equal(encode_guard(record.value()), bytes));
}

constexpr std::array kRecords{
    try_guard,
    try_row<HeadRow>,
    try_row<BlockRow>,
    try_row<SeenRow>,
    try_row<DefinitionRow>,
    try_row<TotalsRow>,
    try_row<AmountRow>,
    try_row<NumberRow>,
    try_row<PositionRow>,
    try_row<RequestRow>,
    try_row<LegRow>,
    try_row<SourceRow>,
    try_row<LinkRow>,
    try_events,
    try_part<JournalRow>,
    try_part<EntriesRow>,
    try_row<AnswerRow>,
    try_row<HoldRow>,
    try_row<HoldOwnerRow>,
    try_row<InstructedLegRow>,
    try_row<LegPlaceRow>,
    try_row<OpenLegRow>,
    try_row<IntentRow>,
    try_row<BlobRow>,
    try_row<DecisionCountRow>,
    try_row<StopRow>,
    try_row<EvidenceRow>,
    try_row<ReorgRow>,
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size > 0) {
        kRecords[data[0] % kRecords.size()](ByteView(data + 1, size - 1));
    }
    return 0;
}
