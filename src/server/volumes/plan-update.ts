import { isDeepStrictEqual } from 'node:util'
import type { Int64 } from '../../lib/json.ts'
import type { ClaimRecord, MountOptionsRecord, StringMap, VolumeRecord } from '../state/records.ts'
import type { ParsedDefinition } from './parse-definition.ts'

/** What Register or Create does with a volume that exists already. */
export type UpdatePlan =
  /** The same definition, after defaults and with the secrets: nothing to do. */
  | { readonly type: 'same' }
  /** Something is asked for that cannot change; each text names its field, in Nomad's words. */
  | { readonly type: 'refused'; readonly conflicts: readonly string[] }
  | {
      readonly type: 'update'
      readonly volume: VolumeRecord
      /** The plugin has to grow the volume first; its answer is the new capacity. Bytes; 0: no limit. */
      readonly expand: { readonly minBytes: Int64; readonly maxBytes: Int64 } | undefined
    }

/** What stands in an answer for mount flags, and what a client that sends an answer back sends for them. */
export const redactedFlags: readonly string[] = ['[REDACTED]']

/**
 * Merges a new definition into a volume by Nomad's rules (CSIVolume.Merge in nomad/structs/csi.go), but for
 * these: secrets that are not said are kept, redacted mount flags mean the ones that are stored, and a
 * difference in the requested topologies is never ignored.
 */
export function planUpdate(
  volume: VolumeRecord,
  { definition, said, topologies }: ParsedDefinition,
  claims: readonly ClaimRecord[],
): UpdatePlan {
  const conflicts: string[] = []
  const keep = (field: string, given: string, stored: string) => {
    if (given !== '' && given !== stored) conflicts.push(`volume ${field} cannot be updated`)
  }
  keep('name', definition.name, volume.name)
  keep('external ID', definition.externalID, volume.externalID)
  keep('plugin ID', definition.pluginID, volume.pluginID)
  keep('clone ID', definition.cloneID, volume.cloneID)
  keep('snapshot ID', definition.snapshotID, volume.snapshotID)
  if (!isEmpty(definition.parameters) && !isDeepStrictEqual(definition.parameters, volume.parameters)) {
    conflicts.push('volume parameters cannot be updated')
  }
  const [asked, stored] = [definition.requestedTopologies, volume.requestedTopologies]
  // A plugin may take any of the required ones, so their order is no difference.
  const requestChanges =
    said.topologies &&
    !(isSameSet(asked.required, stored.required) && isDeepStrictEqual(asked.preferred, stored.preferred))
  // Topologies are what a read shows of where the volume is, or what Create was asked for.
  const placeChanges =
    topologies.length > 0 &&
    !isSameSet(topologies, volume.topologies) &&
    !isSameSet(topologies, stored.required)
  if (requestChanges || placeChanges) {
    conflicts.push('volume topology request update was not compatible with existing topology')
  }
  const { requestedCapabilities } = definition
  const stillOffered = (claim: ClaimRecord) =>
    requestedCapabilities.some(
      ({ accessMode, attachmentMode }) =>
        accessMode === claim.accessMode && attachmentMode === claim.attachmentMode,
    )
  if (!claims.every(stillOffered)) {
    conflicts.push('volume requested capabilities update was not compatible with existing capability in use')
  }
  const mountOptions = keepRedacted(definition.mountOptions, volume.mountOptions)
  if (claims.length > 0 && !sameMountOptions(mountOptions, volume.mountOptions)) {
    conflicts.push('can not update mount options while volume is in use')
  }
  const min = said.capacity ? definition.requestedCapacityMin : volume.requestedCapacityMin
  const max = said.capacity ? definition.requestedCapacityMax : volume.requestedCapacityMax
  const capacityChanges = min !== volume.requestedCapacityMin || max !== volume.requestedCapacityMax
  if (capacityChanges && max > 0 && max < volume.capacity) {
    conflicts.push(
      `max requested capacity (${max} bytes) less than or equal to current (${volume.capacity} bytes)`,
    )
  }
  if (conflicts.length > 0) return { type: 'refused', conflicts }

  const next: VolumeRecord = {
    ...volume,
    requestedCapabilities,
    mountOptions: sameMountOptions(mountOptions, volume.mountOptions) ? volume.mountOptions : mountOptions,
    requestedCapacityMin: min,
    requestedCapacityMax: max,
    context: isEmpty(definition.context) ? volume.context : definition.context,
    secrets: said.secrets ? definition.secrets : volume.secrets,
  }
  if (isDeepStrictEqual(next, volume)) return { type: 'same' }
  const expand = capacityChanges && min > volume.capacity ? { minBytes: min, maxBytes: max } : undefined
  return { type: 'update', volume: next, expand }
}

const isSameSet = (some: readonly unknown[], others: readonly unknown[]) =>
  isDeepStrictEqual(new Set(some), new Set(others))

const isEmpty = (map: StringMap) => Object.keys(map).length === 0

const keepRedacted = (given: MountOptionsRecord, stored: MountOptionsRecord): MountOptionsRecord =>
  isDeepStrictEqual(given.mountFlags, redactedFlags) ? { ...given, mountFlags: stored.mountFlags } : given

/** Flags compare as sets. */
function sameMountOptions(a: MountOptionsRecord, b: MountOptionsRecord): boolean {
  return a.fsType === b.fsType && isSameSet(a.mountFlags, b.mountFlags)
}
