import { isDeepStrictEqual } from 'node:util'
import type { Topology, Volume } from '../../wire/volume.ts'
import type { VolumeSpec } from '../declare/volume.ts'
import type { HiddenHashes, VolumeRecord } from './record.ts'

/** A field whose value in Nomad differs from the declared one. */
export interface FieldDifference {
  /** Its path in the declaration, such as `spec.parameters`. */
  readonly field: string
  readonly declared: string
  readonly actual: string
}

export interface VolumeDifferences {
  /** Only another volume can have these values. Reported, never corrected. */
  readonly immutable: readonly FieldDifference[]
  /** Set if the volume is larger than spec.capacity.max. No volume shrinks. */
  readonly shrink?: { readonly maxBytes: bigint; readonly actualBytes: bigint }
  /** An update can change these. */
  readonly updatable: readonly FieldDifference[]
  /** Set if the volume must grow. */
  readonly expansion?: { readonly fromBytes: bigint; readonly toBytes: bigint }
  /** Fields that an update would erase: Nomad never shows them, Mooring did not apply them, nor are they declared. */
  readonly unreadable: readonly string[]
}

/**
 * Compares a declaration with Nomad's volume, by the merge rules of an update (reference, 2.5): only declared fields
 * count. `source` is not compared: it only matters for the create.
 * @param externalCapacityBytes the capacity that the plugin lists for the external volume, if it does
 */
export function compareVolume(
  spec: VolumeSpec,
  record: Pick<VolumeRecord, 'applied' | 'csiName' | 'incarnation'>,
  actual: Volume,
  hashes: HiddenHashes,
  externalCapacityBytes?: bigint,
): VolumeDifferences {
  const immutable: FieldDifference[] = []
  const updatable: FieldDifference[] = []
  const compare = (list: FieldDifference[], field: string, declared: unknown, found: unknown) => {
    if (declared === undefined || isDeepStrictEqual(declared, found)) return
    list.push({ field, declared: show(declared), actual: show(found) })
  }

  compare(immutable, 'spec.pluginID', spec.pluginID, actual.PluginID)
  compare(immutable, 'spec.externalID', spec.externalID, actual.ExternalID)
  if (!isRestoredName(spec, record, actual.Name)) compare(immutable, 'spec.name', spec.name, actual.Name)
  compare(immutable, 'spec.parameters', emptyAsAbsent(spec.parameters), { ...actual.Parameters })
  const { Required, Preferred } = actual.RequestedTopologies ?? {}
  const required = spec.topology?.required
  // The plugin takes any of the required ones, so their order means nothing. That of the preferred ones does.
  if (!isDeepStrictEqual(new Set(required), new Set(segmentsOf(Required))))
    compare(immutable, 'spec.topology.required', required, segmentsOf(Required))
  compare(immutable, 'spec.topology.preferred', spec.topology?.preferred, segmentsOf(Preferred))

  const capabilities = (list: readonly { accessMode: string; attachmentMode: string }[]) =>
    [...new Set(list.map(({ accessMode, attachmentMode }) => `${accessMode}/${attachmentMode}`))].sort()
  compare(
    updatable,
    'spec.capabilities',
    capabilities(spec.capabilities),
    capabilities(
      (actual.RequestedCapabilities ?? []).map(({ AccessMode, AttachmentMode }) => ({
        accessMode: AccessMode,
        attachmentMode: AttachmentMode,
      })),
    ),
  )
  compare(updatable, 'spec.mountOptions.fsType', spec.mountOptions?.fsType, actual.MountOptions?.FSType ?? '')
  compare(updatable, 'spec.context', emptyAsAbsent(spec.context), { ...actual.Context })

  const hidden = compareHidden(spec, record, actual, hashes)
  updatable.push(...hidden.updatable)

  const capacityBytes = BigInt(actual.Capacity) > 0n ? BigInt(actual.Capacity) : (externalCapacityBytes ?? 0n)
  const { min, max } = spec.capacity ?? {}
  const isTooLarge = max !== undefined && capacityBytes > max
  if (max !== undefined && !isTooLarge && BigInt(actual.Capacity) > 0n) {
    compare(updatable, 'spec.capacity.max', max, BigInt(actual.RequestedCapacityMax))
  }
  // The capacity of a registered volume may be unknown. Then the requested capacity is compared.
  const isSmaller =
    min !== undefined &&
    (capacityBytes > 0n ? min > capacityBytes : min !== BigInt(actual.RequestedCapacityMin))
  const grows = isSmaller && (max === undefined || max >= min)
  return {
    immutable,
    ...(isTooLarge ? { shrink: { maxBytes: max, actualBytes: capacityBytes } } : {}),
    updatable,
    unreadable: hidden.unreadable,
    ...(grows ? { expansion: { fromBytes: capacityBytes, toBytes: min } } : {}),
  }
}

/** Fields that an update would erase, as in `VolumeDifferences`. */
export function findUnreadable(
  spec: VolumeSpec,
  record: Pick<VolumeRecord, 'applied'>,
  actual: Volume,
  hashes: HiddenHashes,
): readonly string[] {
  return compareHidden(spec, record, actual, hashes).unreadable
}

/** Whether a restore derived the name from the declared one. */
function isRestoredName(
  { name }: VolumeSpec,
  { csiName, incarnation }: Pick<VolumeRecord, 'csiName' | 'incarnation'>,
  actual: string,
): boolean {
  return incarnation > 0 && actual === csiName && name !== undefined && actual.startsWith(`${name}-r`)
}

/** Compares secrets and mount flags, by the hashes of the values that Mooring applied. */
function compareHidden(
  spec: VolumeSpec,
  record: Pick<VolumeRecord, 'applied'>,
  actual: Volume,
  hashes: HiddenHashes,
): { updatable: FieldDifference[]; unreadable: string[] } {
  const updatable: FieldDifference[] = []
  const unreadable: string[] = []
  const changed = (field: string) =>
    updatable.push({ field, declared: '(changed)', actual: '(as last applied)' })

  const { applied } = record
  if (spec.secrets === undefined) {
    if (applied === undefined || applied.secrets !== undefined) unreadable.push('spec.secrets')
  } else if (hashes.secrets !== applied?.secrets) {
    changed('spec.secrets')
  }

  const hasFlags = (actual.MountOptions?.MountFlags ?? []).length > 0
  if (spec.mountOptions?.mountFlags === undefined) {
    if (hasFlags) unreadable.push('spec.mountOptions.mountFlags')
  } else {
    const isSame =
      hashes.mountFlags === undefined ? !hasFlags : hasFlags && hashes.mountFlags === applied?.mountFlags
    if (!isSame) changed('spec.mountOptions.mountFlags')
  }
  return { updatable, unreadable }
}

function segmentsOf(topologies: readonly (Topology | null)[] | null | undefined): Record<string, string>[] {
  return (topologies ?? []).flatMap((topology) => (topology?.Segments == null ? [] : [topology.Segments]))
}

/** For fields where Nomad takes an empty value as "unchanged". */
function emptyAsAbsent<T extends object>(value: T | undefined): T | undefined {
  return value === undefined || Object.keys(value).length === 0 ? undefined : value
}

function show(value: unknown): string {
  if (value === '' || value === undefined) return '(empty)'
  if (Array.isArray(value) && value.every((item) => typeof item === 'string'))
    return value.join(', ') || '(empty)'
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value)
}
