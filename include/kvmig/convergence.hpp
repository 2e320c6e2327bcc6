// SPDX-License-Identifier: MIT
/// All of `kvmig/convergence`.
#pragma once

/// @namespace kvmig::convergence
/// Whether a migration will end, and what makes it: from samples of its job to decisions. Pure.

/// @namespace kvmig::convergence::policies
/// The policies that are ready.

#include <kvmig/convergence/forecast.hpp>
#include <kvmig/convergence/observation.hpp>
#include <kvmig/convergence/policy.hpp>
#include <kvmig/convergence/promise.hpp>
#include <kvmig/convergence/prospect.hpp>
#include <kvmig/convergence/sample.hpp>
#include <kvmig/convergence/steering.hpp>
#include <kvmig/convergence/window.hpp>
