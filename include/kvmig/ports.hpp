// SPDX-License-Identifier: MIT
/// All of `kvmig/ports`.
#pragma once

/// @namespace kvmig::ports
/// What the library needs of the world, as concepts: hypervisor, journal, clock, shell, storage.

#include <kvmig/ports/canary_host.hpp>
#include <kvmig/ports/clock.hpp>
#include <kvmig/ports/cold_host.hpp>
#include <kvmig/ports/device_host.hpp>
#include <kvmig/ports/host_shell.hpp>
#include <kvmig/ports/hypervisor.hpp>
#include <kvmig/ports/image_mover.hpp>
#include <kvmig/ports/journal.hpp>
#include <kvmig/ports/steerable.hpp>
#include <kvmig/ports/subscription.hpp>
