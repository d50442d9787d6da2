// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "infra/task.hpp"

namespace margrave::infra {

/// Completes with the number of the first SIGINT or SIGTERM. From then on a second one ends the
/// process at once with exit code 1, also when no task gets to run any more. Await it once.
Task<int> wait_for_shutdown_signal();

}  // namespace margrave::infra
