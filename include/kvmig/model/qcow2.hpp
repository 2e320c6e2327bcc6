// SPDX-License-Identifier: MIT
/// qcow2 images, read without QEMU: `parse_header`, `map_of` (which ranges of the file are in use),
/// `backing_of` and `place_of` (what it stands on), `with_backing` (another backing file). After
/// QEMU's docs/interop/qcow2.rst.
#pragma once

#include <kvmig/model/qcow2_backing.hpp>
#include <kvmig/model/qcow2_bytes.hpp>
#include <kvmig/model/qcow2_chain.hpp>
#include <kvmig/model/qcow2_file.hpp>
#include <kvmig/model/qcow2_header.hpp>
#include <kvmig/model/qcow2_map.hpp>
#include <kvmig/model/qcow2_parse.hpp>
#include <kvmig/model/qcow2_ranges.hpp>
