// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/settings.hpp"
#include "infra/log.hpp"

namespace margrave::relayer {

/// The log of a command that runs for long, as the config wants it.
inline infra::LogOptions log_options(const config::Settings& settings) {
    infra::LogOptions options;
    if (settings.log_format == "json") {
        options.format = infra::LogOptions::Format::kJson;
    } else if (settings.log_format == "human") {
        options.format = infra::LogOptions::Format::kHuman;
    }
    if (auto level = infra::parse_log_level(settings.log_level)) {
        options.level = level.value();
    }
    return options;
}

}  // namespace margrave::relayer
