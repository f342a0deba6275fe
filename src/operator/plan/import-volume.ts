import type { Volume } from '../../wire/volume.ts'

/** A volume of Nomad's as a declaration that registers it, and what Nomad does not show of it. */
export interface ImportedVolume {
  readonly name: string
  /** In the order in which a person reads it; capacities in bytes. */
  readonly spec: Readonly<Record<string, unknown>>
  /** Fields that Nomad keeps to itself: what it has stays as it is while they are not declared. */
  readonly unreadable: readonly ('secrets' | 'mountOptions.mountFlags')[]
}

/**
 * The declaration of a volume that is there already, always with its external ID, so that nothing can ever
 * be created for it. Nomad never shows secrets, and of mount flags only whether there are any (reference,
 * 2.5), so those are named and left out.
 */
export function planImport(volume: Volume): ImportedVolume {
  const { FSType = '', MountFlags } = volume.MountOptions ?? {}
  const segments = (list: Topologies) =>
    (list ?? []).flatMap((each) => (each?.Segments ? [each.Segments] : []))
  const required = segments(volume.RequestedTopologies?.Required)
  const preferred = segments(volume.RequestedTopologies?.Preferred)
  const min = BigInt(volume.RequestedCapacityMin)
  const max = BigInt(volume.RequestedCapacityMax)
  return {
    name: nameOf(volume.ID),
    spec: {
      volumeID: volume.ID,
      namespace: volume.Namespace,
      pluginID: volume.PluginID,
      externalID: volume.ExternalID,
      ...(min > 0n || max > 0n
        ? { capacity: { ...(min > 0n ? { min } : {}), ...(max > 0n ? { max } : {}) } }
        : {}),
      capabilities: (volume.RequestedCapabilities ?? []).map(({ AccessMode, AttachmentMode }) => ({
        accessMode: AccessMode,
        attachmentMode: AttachmentMode,
      })),
      ...(FSType === '' ? {} : { mountOptions: { fsType: FSType } }),
      ...(required.length + preferred.length === 0
        ? {}
        : {
            topology: {
              ...(required.length === 0 ? {} : { required }),
              ...(preferred.length === 0 ? {} : { preferred }),
            },
          }),
      ...notEmpty('parameters', volume.Parameters),
      ...notEmpty('context', volume.Context),
      deletionPolicy: 'Retain',
    },
    unreadable: ['secrets', ...((MountFlags ?? []).length > 0 ? (['mountOptions.mountFlags'] as const) : [])],
  }
}

type Topologies = NonNullable<Volume['RequestedTopologies']>['Required']

function notEmpty(field: string, map: Readonly<Record<string, string>> | null) {
  return map === null || Object.keys(map).length === 0 ? {} : { [field]: map }
}

/** metadata.name for a volume ID: the ID itself wherever it is a name. */
function nameOf(volumeID: string): string {
  const name = volumeID
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, '-')
    .replace(/^-+|-+$/g, '')
  return name === '' ? 'volume' : name
}
