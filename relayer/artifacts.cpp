// SPDX-License-Identifier: Apache-2.0
#include "relayer/detail/artifacts.hpp"

#include "relayer/deploy.hpp"

namespace margrave::relayer {

Result<Bytes> creation_code(std::string_view contract) {
    for (const Artifact& artifact : kArtifacts) {
        if (artifact.contract == contract) {
            return parse_hex(artifact.creation_code);
        }
    }
    return fail(Errc::kNotFound, "no contract named " + std::string(contract) + " is built in");
}

}  // namespace margrave::relayer
