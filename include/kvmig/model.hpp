// SPDX-License-Identifier: MIT
/// All of `kvmig/model`.
#pragma once

#include <kvmig/model/connection_uri.hpp>
#include <kvmig/model/domain.hpp>
#include <kvmig/model/domain_capabilities.hpp>
#include <kvmig/model/evidence.hpp>
#include <kvmig/model/export_collector.hpp>
#include <kvmig/model/host.hpp>
#include <kvmig/model/job.hpp>
#include <kvmig/model/nfs_export.hpp>
#include <kvmig/model/nfs_exportfs.hpp>
#include <kvmig/model/nfs_exports_text.hpp>
#include <kvmig/model/nfs_mount.hpp>
#include <kvmig/model/nfs_option.hpp>
#include <kvmig/model/nfs_option_list.hpp>
#include <kvmig/model/octal_escape.hpp>
#include <kvmig/model/storage.hpp>
#include <kvmig/model/version.hpp>
