// SPDX-License-Identifier: MIT
/// All of `kvmig/host`.
#pragma once

/// @namespace kvmig::host
/// Files, commands and the journal of this host. The root of the paths can be another.

#include <kvmig/host/apply_plan.hpp>
#include <kvmig/host/command.hpp>
#include <kvmig/host/descriptor.hpp>
#include <kvmig/host/image_file.hpp>
#include <kvmig/host/journal_database.hpp>
#include <kvmig/host/journal_files.hpp>
#include <kvmig/host/journal_sqlite.hpp>
#include <kvmig/host/journal_tables.hpp>
#include <kvmig/host/kernel_files.hpp>
#include <kvmig/host/remote_command.hpp>
#include <kvmig/host/revert_record.hpp>
#include <kvmig/host/shared_login.hpp>
#include <kvmig/host/tuning_facts.hpp>
