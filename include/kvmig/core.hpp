// SPDX-License-Identifier: MIT
/// All of `kvmig/core`.
#pragma once

#include <kvmig/core/error.hpp>
#include <kvmig/core/expected.hpp>
#include <kvmig/core/line_diff.hpp>
#include <kvmig/core/shell_word.hpp>
#include <kvmig/core/units.hpp>
#include <kvmig/core/uuid.hpp>
#include <kvmig/core/version.hpp>
