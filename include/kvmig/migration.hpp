// SPDX-License-Identifier: MIT
/// All of `kvmig/migration`.
#pragma once

/// @namespace kvmig::migration
/// The state machine of a migration, its options, and the rules by which one that was left is taken
/// up. Pure.

/// @namespace kvmig::migration::proofs
/// What is proven of the state machine when it is compiled.

/// @namespace kvmig::migration::table
/// The transitions, written with the bare words of states, events and acts.

#include <kvmig/migration/act.hpp>
#include <kvmig/migration/document.hpp>
#include <kvmig/migration/event.hpp>
#include <kvmig/migration/host_device_wish.hpp>
#include <kvmig/migration/kind.hpp>
#include <kvmig/migration/lookup.hpp>
#include <kvmig/migration/machine.hpp>
#include <kvmig/migration/mode_choice.hpp>
#include <kvmig/migration/option_rules.hpp>
#include <kvmig/migration/options.hpp>
#include <kvmig/migration/options_text.hpp>
#include <kvmig/migration/origin.hpp>
#include <kvmig/migration/past.hpp>
#include <kvmig/migration/plan.hpp>
#include <kvmig/migration/plan_steps.hpp>
#include <kvmig/migration/proofs.hpp>
#include <kvmig/migration/recovery.hpp>
#include <kvmig/migration/recovery_choice.hpp>
#include <kvmig/migration/recovery_cold.hpp>
#include <kvmig/migration/recovery_live.hpp>
#include <kvmig/migration/recovery_policy.hpp>
#include <kvmig/migration/ruling.hpp>
#include <kvmig/migration/sighting.hpp>
#include <kvmig/migration/state.hpp>
#include <kvmig/migration/transitions.hpp>
