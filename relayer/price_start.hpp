// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "infra/log.hpp"
#include "infra/task.hpp"
#include "oracle/oracle.hpp"

#include <map>
#include <string>

namespace margrave::relayer {

/// Whether every price source is what the config says, asked at start as chains are.
class PriceStart {
  public:
    PriceStart(oracle::Oracle& oracle, infra::Logger log)
        : oracle_(oracle),
          log_(std::move(log)) {}

    /// Asks at those blocks. True: every source was found right. False: some could not be asked
    /// yet, which was told, and is told again when it is others or for another reason. kConfig
    /// names every source that is something else; the daemon must not go on with it.
    Task<Result<bool>> step(std::map<ChainId, BlockRef> heads);

  private:
    oracle::Oracle& oracle_;
    infra::Logger log_;
    std::string told_;
};

}  // namespace margrave::relayer
