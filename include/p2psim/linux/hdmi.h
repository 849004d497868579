/* SPDX-License-Identifier: MIT */
/* Mirrors: include/linux/hdmi.h, 6.1 (reduced: what a connector of DRM has in it; infoframes are names only). */
#ifndef P2PSIM_LINUX_HDMI_H
#define P2PSIM_LINUX_HDMI_H

#include <p2psim/linux/types.h>

struct hdmi_avi_infoframe;
struct hdmi_vendor_infoframe;

enum hdmi_picture_aspect {
	HDMI_PICTURE_ASPECT_NONE,
	HDMI_PICTURE_ASPECT_4_3,
	HDMI_PICTURE_ASPECT_16_9,
	HDMI_PICTURE_ASPECT_64_27,
	HDMI_PICTURE_ASPECT_256_135,
	HDMI_PICTURE_ASPECT_RESERVED,
};

enum hdmi_quantization_range {
	HDMI_QUANTIZATION_RANGE_DEFAULT,
	HDMI_QUANTIZATION_RANGE_LIMITED,
	HDMI_QUANTIZATION_RANGE_FULL,
	HDMI_QUANTIZATION_RANGE_RESERVED,
};

struct hdr_static_metadata {
	u8 eotf, metadata_type;
	u16 max_cll, max_fall, min_cll;
};

struct hdr_sink_metadata {
	u32 metadata_type;
	union {
		struct hdr_static_metadata hdmi_type1;
	};
};

#endif
