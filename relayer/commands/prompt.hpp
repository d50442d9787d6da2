// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/result.hpp"

#include <string>

namespace margrave::relayer {

/// Asks the controlling terminal twice, without echo, whatever standard input and output are.
/// kUsage when there is no terminal, when the two differ, or when nothing was typed; kCancelled
/// for Ctrl-C.
Result<std::string> prompt_new_password(const std::string& what);

}  // namespace margrave::relayer
