import type { Moment } from '../../lib/clock.ts'
import type { HostVolumeRequest } from '../../wire/host-volume.ts'
import type { SnapshotRequest } from '../../wire/snapshot.ts'
import type { Volume, VolumeRequest } from '../../wire/volume.ts'
import type {
  Declaration,
  HostVolumeDeclaration,
  ObjectIdentity,
  SnapshotDeclaration,
  SnapshotScheduleDeclaration,
  VolumeDeclaration,
} from '../declare/declaration.ts'
import type { Key } from './identity.ts'
import type { Intent } from './intent.ts'
import type { ClockReading } from './now.ts'
import type { Status } from './status.ts'

/** What readings of the sources know of an identity. Only they write it, and schedules for their snapshots. */
export interface Declared<Kind extends Declaration = Declaration> {
  readonly key: Key
  /** The owner's declaration as last seen. */
  readonly declaration: Kind
  /** What the last reading that showed the declaration saw around it. It decides whether a later absence is a removal. */
  readonly sighting?: Sighting
  /** Absent while it is declared. */
  readonly missing?: Missing
  /** Set if a schedule made it. No source declares it, and it outlives the schedule. */
  readonly schedule?: ScheduledFor
}

/** What surrounded a declaration when it was last seen, as far as a later absence is judged by it. */
export interface Sighting {
  /** The folder of its file, as `<device> <real path>`. Absent where the source is not a folder. */
  readonly folder?: string
  /** Fingerprints of the documents in its file that are no declarations, with a space between two. Absent: there were none. */
  readonly others?: string
  /** Where it was declared before and was never seen to go: these files are in doubt, so they may declare it still. */
  readonly doubted?: readonly DoubtedFile[]
}

/** A file that nobody can read or understand. Something may be declared there. */
export interface DoubtedFile {
  readonly source: string
  /** Empty: any file of the source. */
  readonly file: string
  /** The folder that held it, as `<device> <real path>`. Absent where that is not known. */
  readonly folder?: string
}

/** Since when no source declares an identity, and what is proven about it. */
export interface Missing {
  /**
   * When a reading first missed it, in milliseconds since the epoch. For people, and to tell this absence from a later one;
   * no decision counts time by it.
   */
  readonly sinceMs: number
  /** A reading saw that a person removed the declaration. Otherwise this is in doubt, and nothing ends. */
  readonly isSeen: boolean
  /** Time that passed between readings that saw it removed, on the monotonic clock of their process. */
  readonly elapsedMs: number
  /**
   * Files of its source that came while it went and were not understood: it may stand in one of them. Until a reading sees
   * that each is understood or gone, nothing ends. A name alone is from an earlier release.
   */
  readonly mayBeIn?: readonly (string | DoubtedFile)[]
}

/** The origin of a snapshot that a schedule made. */
export interface ScheduledFor {
  readonly schedule: Key
  readonly volume: Key
  /** Its scheduled time, in milliseconds since the epoch. */
  readonly tickMs: number
  /** In Kubernetes: UID of the object that shows it. */
  readonly objectUID?: string
}

/** An order to end a schedule's snapshot, by retention or by a person. Its policy overrides the declaration's. */
export interface Expiry {
  readonly policy: 'Delete' | 'Retain'
  /** 0: version 0.1.0 ordered it. */
  readonly atMs: number
  /** It was ordered because nothing had been taken. Void once a create was sent. */
  readonly unlessTaken?: true
}

/** What passes know of an identity. Only its own passes write it. */
interface ManagedBase {
  readonly key: Key
  /** The name given to the plugin. It only changes with a restore or a recreate. */
  readonly csiName: string
  /** How many further names restores and recreates have used. */
  readonly incarnation: number
  /** The Kubernetes object that the last pass used. */
  readonly observed?: ObjectIdentity
  readonly status: Status
}

/** The end of a volume. Its three effects (DeleteVolume never reaches a volume in use) are each recorded first. */
export interface VolumeEnd {
  readonly phase: 'deregister' | 'register-tombstone' | 'delete'
  readonly tombstoneID: string
  /** When the latest delete was sent whose answer is not known. Absent in records of earlier versions. */
  readonly sent?: Moment
  /** The declaration that a sent delete follows, even if the declared one has changed. */
  readonly declaration?: VolumeDeclaration
  /** The plugin answered that there is no such external volume. */
  readonly isGone?: boolean
  /** The plugin refused the delete and changed nothing. */
  readonly refusal?: DeleteRefusal
}

export interface DeleteRefusal {
  /** The plugin's own message. */
  readonly message: string
  /** The volume's snapshots that the plugin listed then. They may be the reason. */
  readonly snapshotIDs: readonly string[]
  /** Absent in records of earlier versions. */
  readonly at?: Moment
}

/** What a restore replaces a volume with: one made from a snapshot, or one that an earlier restore replaced. */
export type RestoreSource =
  /** The storage provider's ID of the snapshot. */
  | { readonly snapshotID: string; readonly backTo?: never }
  /** The external volume that an earlier restore replaced. */
  | { readonly backTo: string; readonly snapshotID?: never }

/**
 * A running restore under the same volume ID, recorded before its first effect. Until it ends, the record's
 * `externalID`, `csiName` and `context` are those of the volume to replace, so that it is not lost.
 */
export type VolumeRestore = RestoreSource & {
  /** The new volume's name, never used before; or the name of the volume to go back to. */
  readonly csiName: string
  readonly incarnation: number
  /** Context of the volume to go back to. */
  readonly context?: VolumeContext
  /** Why the restore is being undone. */
  readonly undoneFor?: string
}

/** The volume context that a plugin returned for a create. Every later call and every register must send it. */
export type VolumeContext = Readonly<Record<string, string>>

/** Detaches that did not free a node. The next one waits longer. */
export interface DetachTry {
  readonly times: number
  /** Absent in records of earlier versions. */
  readonly last?: Moment
  /** How the last one ended, for people. */
  readonly outcome: string
}

/** Keyed hashes of values that Nomad never shows. A hash is absent for an empty value. */
export interface HiddenHashes {
  readonly secrets?: string
  readonly mountFlags?: string
}

export interface ManagedVolume extends ManagedBase {
  readonly kind: 'Volume'
  /** Once it is set, Mooring never creates a blank volume in its place. */
  readonly externalID?: string
  /** Since when Nomad has shown it to be this one. Absent in records of earlier versions, and for what was released. */
  readonly identified?: Moment
  /** Context of the external volume, as Nomad last showed it; absent if empty. */
  readonly context?: VolumeContext
  readonly intent?: Intent<VolumeRequest>
  /** The hidden values that Mooring last applied. Absent: Mooring applied none, so the values are unknown. */
  readonly applied?: HiddenHashes
  /** Keyed hash of the last update. An equal next update shows that it had no effect. */
  readonly lastUpdateHash?: string
  readonly end?: VolumeEnd
  /** Failed detaches, by node. */
  readonly detachTries?: Readonly<Record<string, DetachTry>>
  /** Keyed hash of the spec that Nomad last matched. While the spec is unchanged, a difference is drift. */
  readonly settledSpecHash?: string
  readonly restore?: VolumeRestore
  /** The snapshot before a delete, once its create was sent. */
  readonly finalSnapshot?: { readonly intent: Intent<SnapshotRequest>; readonly snapshotID?: string }
}

export interface ManagedSnapshot extends ManagedBase {
  readonly kind: 'Snapshot'
  /** Once it is set, Mooring never takes the snapshot again. */
  readonly snapshotID?: string
  /** Since when its ID is known. Absent in records of earlier versions. */
  readonly identified?: Moment
  /** The external volume that it was taken from. */
  readonly externalSourceVolumeID?: string
  /** The plugin that holds it. */
  readonly pluginID?: string
  readonly intent?: Intent<SnapshotRequest>
  /** The date at which its name was first asked for. What was taken under it since may be its own, although an answer was lost. */
  readonly firstAskedMs?: number
  /** Whether the answer to its create said that it is ready to use. Absent in records of earlier versions. */
  readonly wasReady?: boolean
  /** A schedule's snapshot: since when its plugin no longer lists it. */
  readonly unlisted?: Moment
  /** A delete was sent whose answer is not known: it finishes, by this declaration, also if another one is there now. */
  readonly end?: {
    readonly declaration: SnapshotDeclaration
    /** Absent in records of earlier versions. */
    readonly sent?: Moment
  }
}

/** A schedule and the runs it has handled. Nomad has nothing that corresponds to it. */
export interface ManagedSchedule extends ManagedBase {
  readonly kind: 'SnapshotSchedule'
  /** When its times were first seen, in milliseconds since the epoch. Earlier runs are not caught up. */
  readonly sinceMs: number
  /** The times that `sinceMs` is of. Absent in records of earlier versions. */
  readonly times?: string
  /** By volume, the last scheduled time that was handled: its snapshot was started, or the run was missed. */
  readonly ticks: Readonly<Record<Key, number>>
  /** A date that was right. Absent in records of earlier versions. */
  readonly clock?: ClockReading
  /** The date of the last reading that a person confirmed. */
  readonly trustedMs?: number
}

/** A dynamic host volume. Its `csiName` is its name in Nomad. */
export interface ManagedHostVolume extends ManagedBase {
  readonly kind: 'HostVolume'
  /** Nomad's ID of the volume. Once it is set, Mooring never creates a blank volume in its place. */
  readonly externalID?: string
  /** Nomad's ID of the node that the volume is on. A volume never moves. */
  readonly nodeID?: string
  /** Since when Nomad has shown it to be this one. Absent for what was released before. */
  readonly identified?: Moment
  /** A create, or with an ID an expand, whose answer is not known. It always names the node. */
  readonly intent?: Intent<HostVolumeRequest>
  /** A delete was sent whose answer is not known: it finishes, by this declaration, also if another one is there now. */
  readonly end?: { readonly declaration: HostVolumeDeclaration; readonly sent: Moment }
}

export type Managed = ManagedVolume | ManagedSnapshot | ManagedSchedule | ManagedHostVolume

/** Everything known of an identity, joined for reading. Each part is written by its owner. */
export type VolumeRecord = ManagedVolume & Declared<VolumeDeclaration>
export type SnapshotRecord = ManagedSnapshot &
  Declared<SnapshotDeclaration> & {
    readonly schedule?: ScheduledFor & {
      /** Whether it has an order to end: no retention rule keeps it, or a person deleted its object. */
      readonly isExpired: boolean
    }
  }
export type SnapshotScheduleRecord = ManagedSchedule & Declared<SnapshotScheduleDeclaration>
export type HostVolumeRecord = ManagedHostVolume & Declared<HostVolumeDeclaration>
export type InventoryRecord = VolumeRecord | SnapshotRecord | SnapshotScheduleRecord | HostVolumeRecord

type Without<Record, Name extends string> = Record extends unknown
  ? Omit<Record, Name> & { readonly [Each in Name]?: never }
  : never

/** What a pass may write. The type excludes what readings write. */
export type ManagedPart = Without<Managed, 'declaration' | 'sighting' | 'missing' | 'schedule'>

/** The part of a record that passes write. */
export function managedPart(record: InventoryRecord): ManagedPart {
  const { declaration: _, sighting: __, missing: ___, schedule: ____, ...managed } = record
  return managed
}

/** The part of a record that readings write. */
export function declaredPart(record: InventoryRecord): Declared {
  const { key, declaration, sighting, missing, schedule } = record
  const { isExpired: _, ...scheduledFor } = (record.kind === 'Snapshot' && record.schedule) || {}
  return {
    key,
    declaration,
    ...(sighting === undefined ? {} : { sighting }),
    ...(missing === undefined ? {} : { missing }),
    ...(schedule === undefined ? {} : { schedule: scheduledFor as ScheduledFor }),
  }
}

/** Joins what readings, passes and orders know. */
export function joinRecord(
  declared: Declared,
  managed: ManagedPart,
  expiry: Expiry | undefined,
): InventoryRecord {
  const { schedule, ...read } = declared
  if (managed.kind !== 'Snapshot' || schedule === undefined) {
    return { ...read, ...managed } as InventoryRecord // The key names the kind of both.
  }
  const { declaration } = read as Declared<SnapshotDeclaration>
  const isTaken = managed.snapshotID !== undefined || managed.intent !== undefined
  const isExpired = expiry !== undefined && !(expiry.unlessTaken && isTaken)
  const spec = isExpired ? { ...declaration.spec, deletionPolicy: expiry.policy } : declaration.spec
  return {
    ...read,
    ...managed,
    declaration: { ...declaration, spec },
    schedule: { ...schedule, isExpired },
  }
}

/** The record's external volume or snapshot and its plugin, as far as they are known. */
export function storedThing(record: InventoryRecord): { pluginID?: string; externalID?: string } {
  switch (record.kind) {
    case 'Volume':
      return withoutAbsent(record.declaration.spec.pluginID, record.externalID)
    case 'Snapshot':
      return withoutAbsent(record.pluginID, record.snapshotID)
    case 'SnapshotSchedule':
      return {}
    case 'HostVolume':
      return withoutAbsent(record.declaration.spec.pluginID, record.externalID)
  }
}

/** A token of an external volume at its plugin. Registered volumes of one token may differ in their context. */
export function externalToken(pluginID: string, externalID: string): string {
  return JSON.stringify([pluginID, externalID])
}

/** The context of a volume's external volume: the declared one, or else the recorded one. */
export function knownContext(
  record: Pick<VolumeRecord, 'declaration' | 'context'>,
): VolumeContext | undefined {
  return record.declaration.spec.context ?? record.context
}

/**
 * The context by which a registered volume is told from others of its external ID. undefined for a created volume: its
 * external ID is its own.
 */
export function registeredContext(
  declaration: VolumeDeclaration,
  record: Pick<VolumeRecord, 'context'> | undefined,
): VolumeContext | undefined {
  const { externalID, context = record?.context } = declaration.spec
  return externalID === undefined ? undefined : context
}

/** The source of a restore or of an order for one. */
export function restoreSource(source: RestoreSource | undefined): { snapshotID?: string; backTo?: string } {
  const { snapshotID, backTo } = source ?? {}
  return { ...(snapshotID === undefined ? {} : { snapshotID }), ...(backTo === undefined ? {} : { backTo }) }
}

/** The context to record: the one that Nomad shows, or the known one if somebody registered the volume without it. */
export function contextField(
  volume: Pick<Volume, 'Context'> | undefined,
  known?: VolumeContext,
): { readonly context?: VolumeContext } {
  const shown = volume?.Context ?? {}
  const context = Object.keys(shown).length > 0 ? shown : known
  return context === undefined ? {} : { context }
}

function withoutAbsent(pluginID: string | undefined, externalID: string | undefined) {
  return {
    ...(pluginID === undefined ? {} : { pluginID }),
    ...(externalID === undefined ? {} : { externalID }),
  }
}
