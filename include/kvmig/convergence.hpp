// SPDX-License-Identifier: MIT
/// All of `kvmig/convergence`.
#pragma once

#include <kvmig/convergence/forecast.hpp>
#include <kvmig/convergence/observation.hpp>
#include <kvmig/convergence/policy.hpp>
#include <kvmig/convergence/promise.hpp>
#include <kvmig/convergence/prospect.hpp>
#include <kvmig/convergence/sample.hpp>
#include <kvmig/convergence/steering.hpp>
#include <kvmig/convergence/window.hpp>
