import type { ComparedField } from '../../../wire/dashboard/object.ts'
import type { Volume } from '../../../wire/volume.ts'
import { formatQuantity } from '../../declare/quantities.ts'
import type { VolumeSpec } from '../../declare/volume.ts'
import type { VolumeRecord } from '../../plan/record.ts'
import { compareVolume } from '../../plan/volume-difference.ts'
import { given } from './references.ts'

/** Fields that Nomad never shows. */
const hidden = ['spec.secrets', 'spec.mountOptions.mountFlags'] as const

/**
 * Each field of a volume that can be compared, declared beside what there is. Which fields differ is decided as in a pass.
 * Pure.
 * @param actual undefined: there is no such volume in Nomad. `unread`: nobody knows
 */
export function compareFields(
  spec: VolumeSpec,
  record: Pick<VolumeRecord, 'applied' | 'csiName' | 'incarnation'>,
  actual: Volume | undefined | 'unread',
): ComparedField[] {
  const isRead = actual !== 'unread' && actual !== undefined
  // What was applied counts as unchanged: only a pass compares values that nobody shows.
  const differing = isRead
    ? new Set(differencesOf(compareVolume(spec, record, actual, record.applied ?? {})))
    : new Set<string>()
  const shown = isRead ? actualFields(actual) : {}
  const declared = declaredFields(spec)
  return [...new Set([...Object.keys(declared), ...Object.keys(shown)])].map((field) => ({
    field,
    ...given('declared', declared[field]),
    ...given('actual', shown[field]),
    result: hidden.some((each) => each === field)
      ? ('hidden' as const)
      : !isRead
        ? ('unknown' as const)
        : declared[field] === undefined
          ? ('undeclared' as const)
          : differing.has(field)
            ? ('differs' as const)
            : ('same' as const),
  }))
}

function differencesOf({ immutable, updatable, expansion, shrink }: ReturnType<typeof compareVolume>) {
  return [
    ...immutable.map(({ field }) => field),
    ...updatable.map(({ field }) => field),
    ...(expansion === undefined ? [] : ['spec.capacity.min']),
    ...(shrink === undefined ? [] : ['spec.capacity.max']),
  ]
}

type Fields = Readonly<Record<string, string>>

function declaredFields(spec: VolumeSpec): Fields {
  const { capacity, mountOptions, topology, capabilities } = spec
  return present({
    'spec.pluginID': spec.pluginID,
    'spec.externalID': spec.externalID,
    'spec.name': spec.name,
    'spec.capacity.min': capacity?.min === undefined ? undefined : formatQuantity(capacity.min),
    'spec.capacity.max': capacity?.max === undefined ? undefined : formatQuantity(capacity.max),
    'spec.capabilities': listModes(capabilities.map((each) => [each.accessMode, each.attachmentMode])),
    'spec.mountOptions.fsType': mountOptions?.fsType,
    'spec.mountOptions.mountFlags': mountOptions?.mountFlags && `${mountOptions.mountFlags.length} declared`,
    'spec.parameters': mapText(spec.parameters),
    'spec.context': mapText(spec.context),
    'spec.topology.required': topology?.required?.map(mapText).join('; '),
    'spec.topology.preferred': topology?.preferred?.map(mapText).join('; '),
    'spec.secrets': spec.secrets && Object.keys(spec.secrets).join(', '),
  })
}

function actualFields(volume: Volume): Fields {
  const { Required, Preferred } = volume.RequestedTopologies ?? {}
  const segments = (list: typeof Required) =>
    (list ?? []).flatMap((each) => (each?.Segments ? [mapText(each.Segments)] : [])).join('; ')
  const size = BigInt(volume.Capacity)
  const quantity = size > 0n ? formatQuantity(size) : undefined
  const max = BigInt(volume.RequestedCapacityMax)
  return present({
    'spec.pluginID': volume.PluginID,
    'spec.externalID': volume.ExternalID,
    'spec.name': volume.Name,
    'spec.capacity.min': quantity,
    'spec.capacity.max': max > 0n ? formatQuantity(max) : undefined,
    'spec.capabilities': listModes(
      (volume.RequestedCapabilities ?? []).map((each) => [each.AccessMode, each.AttachmentMode]),
    ),
    'spec.mountOptions.fsType': volume.MountOptions?.FSType,
    'spec.mountOptions.mountFlags':
      (volume.MountOptions?.MountFlags ?? []).length > 0 ? '(set; Nomad does not show them)' : undefined,
    'spec.parameters': mapText(volume.Parameters),
    'spec.context': mapText(volume.Context),
    'spec.topology.required': segments(Required),
    'spec.topology.preferred': segments(Preferred),
  })
}

function present(fields: Readonly<Record<string, string | undefined>>): Fields {
  return Object.fromEntries(
    Object.entries(fields).flatMap(([field, value]) =>
      value === undefined || value === '' ? [] : [[field, value]],
    ),
  )
}

const listModes = (modes: readonly (readonly [string, string])[]) =>
  [...new Set(modes.map((each) => each.join('/')))].sort().join(', ')

const mapText = (map: Readonly<Record<string, string>> | null | undefined): string =>
  Object.entries(map ?? {})
    .map(([name, value]) => `${name}=${value}`)
    .join(', ')
