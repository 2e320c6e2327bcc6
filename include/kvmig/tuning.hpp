// SPDX-License-Identifier: MIT
/// All of `kvmig/tuning`.
#pragma once

/// @namespace kvmig::tuning
/// KSM, huge pages, block I/O, memory and CPU of a host: from facts to plans. Pure.

#include <kvmig/tuning/blkiotune.hpp>
#include <kvmig/tuning/block_io.hpp>
#include <kvmig/tuning/cpu.hpp>
#include <kvmig/tuning/cpu_pins.hpp>
#include <kvmig/tuning/huge_pages.hpp>
#include <kvmig/tuning/iotune.hpp>
#include <kvmig/tuning/ksm.hpp>
#include <kvmig/tuning/ksm_plan.hpp>
#include <kvmig/tuning/ksm_policy.hpp>
#include <kvmig/tuning/ksmtuned.hpp>
#include <kvmig/tuning/memory_facts.hpp>
#include <kvmig/tuning/memtune.hpp>
#include <kvmig/tuning/plan.hpp>
#include <kvmig/tuning/profile.hpp>
#include <kvmig/tuning/profile_file.hpp>
#include <kvmig/tuning/transparent_huge_pages.hpp>
#include <kvmig/tuning/value.hpp>
