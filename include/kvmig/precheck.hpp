// SPDX-License-Identifier: MIT
/// All of `kvmig/precheck`: from facts about two hosts and a domain to what would go wrong.
#pragma once

/// @namespace kvmig::precheck
/// From facts about two hosts and a domain to what would go wrong. Pure; `precheck::check` runs all
/// rules.

#include <kvmig/precheck/canary_facts.hpp>
#include <kvmig/precheck/fact.hpp>
#include <kvmig/precheck/facts.hpp>
#include <kvmig/precheck/finding.hpp>
#include <kvmig/precheck/nfs.hpp>
#include <kvmig/precheck/nfs_facts.hpp>
#include <kvmig/precheck/report.hpp>
#include <kvmig/precheck/rule.hpp>
#include <kvmig/precheck/table.hpp>
