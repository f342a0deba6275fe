import type { Volume } from '../../wire/volume.ts'

/** A declaration that registers an existing Nomad volume, and the fields that Nomad does not show. */
export interface ImportedVolume {
  readonly name: string
  /** Fields in reading order; capacities in bytes. */
  readonly spec: Readonly<Record<string, unknown>>
  /** Fields that Nomad does not show. They stay unchanged until they are declared. */
  readonly unreadable: readonly ('secrets' | 'mountOptions.mountFlags')[]
}

/**
 * Makes a declaration for an existing volume. It has the external ID, so Mooring never creates a volume for it. Nomad
 * does not show secrets, and of mount flags only whether there are any (reference, 2.5): those are left out and listed
 * in `unreadable`.
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
    name: nameOf(volume.ID, 'volume'),
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

/**
 * metadata.name for an ID: the ID itself if it is a valid name.
 * @param otherwise the name of an ID in which nothing can stand in a name
 */
export function nameOf(id: string, otherwise: string): string {
  const name = id
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, '-')
    .replace(/^-+|-+$/g, '')
  return name === '' ? otherwise : name
}

/** Two IDs may differ only in what a name cannot hold. */
export function firstFree(name: string, taken: ReadonlySet<string>): string {
  for (let number = 1; ; number += 1) {
    const candidate = number === 1 ? name : `${name}-${number}`
    if (!taken.has(candidate)) return candidate
  }
}
