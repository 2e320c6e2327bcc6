// SPDX-License-Identifier: MIT
/// All of `kvmig/model`.
#pragma once

/// @namespace kvmig::model
/// What is true of hosts, domains, storage and jobs: plain values.

/// @namespace kvmig::model::qcow2
/// qcow2 as QEMU's docs/interop/qcow2.txt specifies it.

#include <kvmig/model/byte_range.hpp>
#include <kvmig/model/canary.hpp>
#include <kvmig/model/connection_uri.hpp>
#include <kvmig/model/domain.hpp>
#include <kvmig/model/domain_capabilities.hpp>
#include <kvmig/model/evidence.hpp>
#include <kvmig/model/export_collector.hpp>
#include <kvmig/model/host.hpp>
#include <kvmig/model/image_use.hpp>
#include <kvmig/model/job.hpp>
#include <kvmig/model/json_leaves.hpp>
#include <kvmig/model/nfs_export.hpp>
#include <kvmig/model/nfs_exportfs.hpp>
#include <kvmig/model/nfs_exports_text.hpp>
#include <kvmig/model/nfs_mount.hpp>
#include <kvmig/model/nfs_option.hpp>
#include <kvmig/model/nfs_option_list.hpp>
#include <kvmig/model/nfs_url.hpp>
#include <kvmig/model/numa_cell.hpp>
#include <kvmig/model/octal_escape.hpp>
#include <kvmig/model/path_rule.hpp>
#include <kvmig/model/pci_address.hpp>
#include <kvmig/model/probe_token.hpp>
#include <kvmig/model/qcow2.hpp>
#include <kvmig/model/qcow2_backing.hpp>
#include <kvmig/model/qcow2_bytes.hpp>
#include <kvmig/model/qcow2_chain.hpp>
#include <kvmig/model/qcow2_file.hpp>
#include <kvmig/model/qcow2_header.hpp>
#include <kvmig/model/qcow2_map.hpp>
#include <kvmig/model/qcow2_parse.hpp>
#include <kvmig/model/qcow2_ranges.hpp>
#include <kvmig/model/query_migrate.hpp>
#include <kvmig/model/shared_proof.hpp>
#include <kvmig/model/storage.hpp>
#include <kvmig/model/tried_port.hpp>
#include <kvmig/model/version.hpp>
