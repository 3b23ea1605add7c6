/*
 * From a plan, and what was resolved, to finished layers; from layers and
 * the base to an image; from an image to a sink.  All of it in one include.
 */
#ifndef AP_PACK_LAYERS_H
#define AP_PACK_LAYERS_H

#include "deps/inventory.h"
#include "deps/lock.h"
#include "pack/base.h"
#include "pack/image.h"
#include "pack/layer.h"
#include "pack/plan.h"
#include "pack/push.h"

#endif
