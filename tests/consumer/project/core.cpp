// SPDX-License-Identifier: MIT
#include <kvmig/convergence.hpp>
#include <kvmig/core.hpp>
#include <kvmig/diagnosis.hpp>
#include <kvmig/migration.hpp>
#include <kvmig/model.hpp>
#include <kvmig/ports.hpp>
#include <kvmig/precheck.hpp>
#include <kvmig/tuning.hpp>
#include <kvmig/xml.hpp>

#include <fmt/format.h>

int main() {
    // Would not compile with kvmig's own warnings: they do not reach a consumer.
    const int parts = (int)3.0;
    const auto id = kvmig::uuid::parse("123e4567-e89b-42d3-a456-426614174000");
    const auto none = kvmig::uuid::parse("vm1");
    if (!id || none || parts != 3) return 1;
    fmt::print("kvmig {}: {}\n", kvmig::version, describe(none.error()));
    return 0;
}
