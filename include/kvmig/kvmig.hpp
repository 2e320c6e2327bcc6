// SPDX-License-Identifier: MIT
/// Everything. Each folder also has a header of its own name, and each header can be included
/// alone.
#pragma once

/// @namespace kvmig
/// Errors, units and what else all folders share; each folder has a namespace of its name.

#include <kvmig/convergence.hpp>
#include <kvmig/core.hpp>
#include <kvmig/diagnosis.hpp>
#include <kvmig/host.hpp>
#include <kvmig/libvirt.hpp>
#include <kvmig/migration.hpp>
#include <kvmig/model.hpp>
#include <kvmig/nfs.hpp>
#include <kvmig/ports.hpp>
#include <kvmig/precheck.hpp>
#include <kvmig/run.hpp>
#include <kvmig/tuning.hpp>
#include <kvmig/xml.hpp>
