import { createHash } from 'node:crypto'
import type { VolumeCapability__Output } from '../csi/generated/csi/v1/VolumeCapability.ts'
import { invalidArgument } from './driver-error.ts'

export type VolumeKind = 'mount' | 'block'

/** One way of using a volume, as a caller asks for it. */
export interface Capability {
  readonly kind: VolumeKind
  readonly accessMode: AccessMode
  /** '' where the caller leaves it to the driver. */
  readonly fsType: string
  readonly mountFlags: readonly string[]
}

/**
 * All nodes of this driver are one, so the modes of several nodes ask for nothing that the modes of one
 * do not.
 */
const accessModes = [
  'SINGLE_NODE_WRITER',
  'SINGLE_NODE_READER_ONLY',
  'MULTI_NODE_READER_ONLY',
  'MULTI_NODE_SINGLE_WRITER',
  'MULTI_NODE_MULTI_WRITER',
  'SINGLE_NODE_SINGLE_WRITER',
  'SINGLE_NODE_MULTI_WRITER',
] as const
export type AccessMode = (typeof accessModes)[number]

/** Flags that the kernel takes for a bind mount; the rest belong to making a file system. */
const bindFlags: ReadonlySet<string> = new Set([
  ...['ro', 'rw', 'suid', 'nosuid', 'dev', 'nodev', 'exec', 'noexec'],
  ...['atime', 'noatime', 'diratime', 'nodiratime', 'relatime', 'norelatime', 'strictatime'],
])

/** @throws DriverError INVALID_ARGUMENT for what is missing from it or unknown in it */
export function parseCapability(capability: VolumeCapability__Output | null): Capability {
  if (capability === null) throw invalidArgument('volume_capability is required')
  const { mount, accessType } = capability
  if (accessType === undefined) throw invalidArgument('volume_capability: access_type is required')
  const mode = capability.accessMode?.mode
  const accessMode = accessModes.find((known) => known === mode)
  if (accessMode === undefined) {
    throw invalidArgument(`volume_capability: access_mode is required (got ${mode ?? 'none'})`)
  }
  return {
    kind: accessType,
    accessMode,
    fsType: mount?.fsType ?? '',
    mountFlags: mount?.mountFlags ?? [],
  }
}

/**
 * All ways of using one volume. A volume is a directory or a block device, not both.
 * @throws DriverError INVALID_ARGUMENT
 */
export function parseCapabilities(list: readonly VolumeCapability__Output[]): Capability[] {
  if (list.length === 0) throw invalidArgument('volume_capabilities is required')
  return list.map((capability) => parseCapability(capability))
}

/** Why this pool cannot serve a capability; undefined: it can. */
export function unsupportedReason(
  capability: Capability,
  pool: { readonly fsType: string; readonly hasLoopDevices: boolean },
): string | undefined {
  if (capability.kind === 'block') {
    return pool.hasLoopDevices
      ? undefined
      : 'block volumes need loop devices, which this process may not set up (they take root and losetup)'
  }
  const { fsType, mountFlags } = capability
  if (fsType !== '' && fsType !== pool.fsType) {
    return `fs_type ${fsType}: volumes are directories of the pool, which is on ${pool.fsType}; leave fs_type out`
  }
  // The flags themselves may be sensitive (CSI 1.12, MountVolume), so they are not repeated.
  return mountFlags.every((flag) => bindFlags.has(flag))
    ? undefined
    : `mount_flags: a directory takes only ${[...bindFlags].join(', ')}`
}

export function isReadOnlyMode(accessMode: AccessMode): boolean {
  return accessMode.endsWith('READER_ONLY')
}

/**
 * Equal for capabilities that differ at most in their access mode (on one machine a mode never stands in
 * another one's way), and says nothing of mount flags, which may be sensitive.
 */
export function fingerprintCapability({ kind, fsType, mountFlags }: Capability): string {
  const hash = createHash('sha256').update(JSON.stringify([kind, fsType, [...mountFlags].sort()]))
  return hash.digest('hex').slice(0, 16)
}
