// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "store/detail/codec.hpp"
#include "store/incidents.hpp"

// Values of the rows that tell what went wrong with a chain. The chain stands in their key.
namespace margrave::store::detail {

struct StopRow {
    static constexpr std::size_t kTypicalSize = 512;
    ChainStop stop;

    void write(Bytes& out) const;
    static Result<StopRow> read(ByteReader& in);
};

struct EvidenceRow {
    static constexpr std::size_t kTypicalSize = 1024;
    SourceEvidence evidence;

    void write(Bytes& out) const;
    static Result<EvidenceRow> read(ByteReader& in);
};

struct ReorgRow {
    static constexpr std::size_t kTypicalSize = 320;
    ReorgRecord reorg;

    void write(Bytes& out) const;
    static Result<ReorgRow> read(ByteReader& in);
};

}  // namespace margrave::store::detail
