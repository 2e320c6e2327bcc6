// SPDX-License-Identifier: MIT
/// All of `kvmig/xml`.
#pragma once

/// @namespace kvmig::xml
/// libvirt's XML, to values of `kvmig::model` and back. Pure: text in, values or errors out.

#include <kvmig/xml/adapt_paths.hpp>
#include <kvmig/xml/canary.hpp>
#include <kvmig/xml/capabilities.hpp>
#include <kvmig/xml/comparable.hpp>
#include <kvmig/xml/cpu.hpp>
#include <kvmig/xml/cpu_pins.hpp>
#include <kvmig/xml/disk.hpp>
#include <kvmig/xml/document.hpp>
#include <kvmig/xml/domain.hpp>
#include <kvmig/xml/domain_capabilities.hpp>
#include <kvmig/xml/domain_needs.hpp>
#include <kvmig/xml/host_devices.hpp>
#include <kvmig/xml/iotune_groups.hpp>
#include <kvmig/xml/numa_cells.hpp>
#include <kvmig/xml/pci_address.hpp>
#include <kvmig/xml/storage.hpp>
#include <kvmig/xml/writer.hpp>
