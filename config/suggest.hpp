// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <span>
#include <string_view>

namespace margrave::config {

/// The candidate that a person most likely meant by `word`: the one with the fewest letters
/// changed, added, dropped or swapped, if that is at most a third of its length (and at least one
/// letter is right). Absent when none is near.
std::optional<std::string_view> nearest(
    std::string_view word, std::span<const std::string_view> candidates
);

}  // namespace margrave::config
