// SPDX-License-Identifier: MIT
/// All of `kvmig/libvirt`.
#pragma once

/// @namespace kvmig::libvirt
/// libvirt's objects, owned and with errors as values.

#include <kvmig/libvirt/connection.hpp>
#include <kvmig/libvirt/dirty_rate.hpp>
#include <kvmig/libvirt/domain.hpp>
#include <kvmig/libvirt/domain_blkiotune.hpp>
#include <kvmig/libvirt/domain_limits.hpp>
#include <kvmig/libvirt/domain_pins.hpp>
#include <kvmig/libvirt/domain_reasons.hpp>
#include <kvmig/libvirt/error.hpp>
#include <kvmig/libvirt/event_loop.hpp>
#include <kvmig/libvirt/events.hpp>
#include <kvmig/libvirt/handle.hpp>
#include <kvmig/libvirt/host_devices.hpp>
#include <kvmig/libvirt/hypervisor.hpp>
#include <kvmig/libvirt/job.hpp>
#include <kvmig/libvirt/lifecycle_text.hpp>
#include <kvmig/libvirt/lookup.hpp>
#include <kvmig/libvirt/migration.hpp>
#include <kvmig/libvirt/network.hpp>
#include <kvmig/libvirt/node.hpp>
#include <kvmig/libvirt/run_mark.hpp>
#include <kvmig/libvirt/storage.hpp>
#include <kvmig/libvirt/stream.hpp>
#include <kvmig/libvirt/typed_parameters.hpp>
#include <kvmig/libvirt/volume_at.hpp>
#include <kvmig/libvirt/volume_content.hpp>
