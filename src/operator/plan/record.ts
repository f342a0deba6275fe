import type { SnapshotRequest } from '../../wire/snapshot.ts'
import type { Volume, VolumeRequest } from '../../wire/volume.ts'
import type {
  Declaration,
  ObjectIdentity,
  SnapshotDeclaration,
  SnapshotScheduleDeclaration,
  VolumeDeclaration,
} from '../declare/declaration.ts'
import type { Key } from './identity.ts'
import type { Status } from './status.ts'

/**
 * Written before a call whose answer may be lost, cleared once its outcome is known. Until then nothing
 * else is done for the declaration: the call may still be running on the other side.
 */
export interface Intent<Request> {
  /** What was sent, without its secrets: only this is ever repeated, whatever the declaration says by then. */
  readonly request: Request
  readonly sinceMs: number
  /** When the first of its calls was sent, where this one repeats it. */
  readonly firstMs?: number
  /** No earlier than this may the request be repeated, unless a read shows its outcome. */
  readonly deadlineMs: number
  /** The replica that sent it, for people: whoever finds it waits for its deadline. */
  readonly holder?: string
}

/**
 * Whether the call behind an intent may still be running on the other side.
 * @param settledBeforeMs calls sent before this have ended: the server that would run them has started since
 */
export function mayStillRun(intent: Intent<unknown>, settledBeforeMs: number, nowMs: number): boolean {
  return nowMs < intent.deadlineMs && intent.sinceMs >= settledBeforeMs
}

/** By how much the clocks of a storage provider and of this machine may differ. */
const clockSkewMs = 300_000

/**
 * Whether a plugin's answer to a create is something that was there before the create was sent: it answers an equal
 * name with what it has (CSI spec, CreateSnapshot).
 * @param createTimeSeconds as the plugin says; 0: it does not
 */
export function isOlderThan(createTimeSeconds: number | bigint | string, intent: Intent<unknown>): boolean {
  const createdMs = Number(createTimeSeconds) * 1000
  return createdMs > 0 && createdMs + clockSkewMs < (intent.firstMs ?? intent.sinceMs)
}

/** A read may show the outcome any time, and not every server wakes us for it. */
const outcomePollMs = 5_000

/** When to look again at a call that may still be running. */
export function untilSettledMs(intent: Intent<unknown>, nowMs: number): number {
  return Math.min(outcomePollMs, intent.deadlineMs - nowMs)
}

/**
 * What the readings of the sources know of an identity: only they write it. A snapshot that a schedule made is
 * declared by its schedule.
 */
export interface Declared<Kind extends Declaration = Declaration> {
  readonly key: Key
  /** The owner's declaration as last seen: its place, and what its end asks for. */
  readonly declaration: Kind
  /** First complete reading of all sources that no longer held the declaration. Absent while it is declared. */
  readonly missingSinceMs?: number
  /** Present where a schedule made it: then nobody declares it, and it outlives the schedule. */
  readonly schedule?: ScheduledFor
}

/** Of a snapshot that a schedule made. */
export interface ScheduledFor {
  readonly schedule: Key
  readonly volume: Key
  /** The schedule's time it is for, in milliseconds since the epoch. */
  readonly tickMs: number
  /** In Kubernetes: the UID of the object that shows it, once there is one. */
  readonly objectUID?: string
}

/** That the snapshot of a schedule is to go, whatever its declaration says: ordered by retention, or by a person. */
export interface Expiry {
  readonly policy: 'Delete' | 'Retain'
  readonly atMs: number
}

/** What passes know of an identity of any kind: only its own passes write it. */
interface ManagedBase {
  readonly key: Key
  /** The name given to the plugin: chosen once, kept for good. */
  readonly csiName: string
  /** How many names after the first were used up, by restores and where a lost volume was given up. */
  readonly incarnation: number
  /** The Kubernetes object as the last pass looked at it. */
  readonly observed?: ObjectIdentity
  readonly status: Status
}

/** A volume's end in three effects (design: DeleteVolume never reaches a volume in use), each recorded first. */
export interface VolumeEnd {
  readonly phase: 'deregister' | 'register-tombstone' | 'delete'
  readonly tombstoneID: string
  /** Of a delete that is out: what it goes by, whatever is declared meanwhile. */
  readonly declaration?: VolumeDeclaration
  /** The plugin would not delete it, and altered nothing. */
  readonly refusal?: DeleteRefusal
}

export interface DeleteRefusal {
  /** In the plugin's own words. */
  readonly message: string
  /** Snapshots of the external volume that the plugin listed then: those are what it may not do without. */
  readonly snapshotIDs: readonly string[]
  readonly atMs: number
}

/** What a restore puts in the place of a volume: one made from a snapshot, or one that was replaced before. */
export type RestoreSource =
  /** The storage provider's ID of the snapshot. */
  | { readonly snapshotID: string; readonly backTo?: never }
  /** The external volume that an earlier restore replaced. */
  | { readonly backTo: string; readonly snapshotID?: never }

/**
 * A restore under the same volume ID that is under way, recorded before its first effect. Until it ends the
 * record's `externalID`, `csiName` and `context` are those of the volume that is to be replaced, so that
 * nothing loses it.
 */
export type VolumeRestore = RestoreSource & {
  /** The name for the new volume, which no other ever had; or the one that the volume to go back to has. */
  readonly csiName: string
  readonly incarnation: number
  /** Of the volume to go back to. */
  readonly context?: VolumeContext
  /** Why the volume that was to be replaced is put back. */
  readonly undoneFor?: string
}

/** What a plugin answers to the create of a volume, and wants with every later call: to register it again takes it. */
export type VolumeContext = Readonly<Record<string, string>>

/** A detach that did not free its node, by node; kept so that the next one waits. */
export interface DetachTry {
  readonly times: number
  readonly lastMs: number
  /** What became of the last one, for people. */
  readonly outcome: string
}

/** Keyed hashes of values that Nomad never shows; absent for an empty or missing one. */
export interface HiddenHashes {
  readonly secrets?: string
  readonly mountFlags?: string
}

export interface ManagedVolume extends ManagedBase {
  readonly kind: 'Volume'
  /** Set once: from then on nothing blank is ever created in its place. */
  readonly externalID?: string
  /** Of the external volume, as Nomad showed it last; absent where that is empty. */
  readonly context?: VolumeContext
  readonly intent?: Intent<VolumeRequest>
  /**
   * Keyed hashes of what Nomad never shows again; a hash is absent where we applied none. All absent: never
   * applied by us, so nobody here knows what there is.
   */
  readonly applied?: HiddenHashes
  /** Keyed hash of the last update sent, to notice one that had no effect. */
  readonly lastUpdateHash?: string
  readonly end?: VolumeEnd
  /** Detaches that freed nothing, by node. */
  readonly detachTries?: Readonly<Record<string, DetachTry>>
  /** Keyed hash of the spec that Nomad was last seen to match: what differs since then is drift. */
  readonly settledSpecHash?: string
  readonly restore?: VolumeRestore
  /** The snapshot before a delete, once it was begun. */
  readonly finalSnapshot?: { readonly intent: Intent<SnapshotRequest>; readonly snapshotID?: string }
}

export interface ManagedSnapshot extends ManagedBase {
  readonly kind: 'Snapshot'
  /** Set once: from then on the snapshot is never taken again. */
  readonly snapshotID?: string
  /** The external volume it was taken of. */
  readonly externalSourceVolumeID?: string
  /** The plugin that holds it. */
  readonly pluginID?: string
  readonly intent?: Intent<SnapshotRequest>
}

/** A schedule: what it dealt with so far. It stands for nothing in Nomad itself. */
export interface ManagedSchedule extends ManagedBase {
  readonly kind: 'SnapshotSchedule'
  /** When it was first seen, in milliseconds since the epoch: nothing from before is made up. */
  readonly sinceMs: number
  /** By volume, the last time of the schedule that was dealt with: its snapshot was begun, or it was missed. */
  readonly ticks: Readonly<Record<Key, number>>
}

export type Managed = ManagedVolume | ManagedSnapshot | ManagedSchedule

/** All that is known of an identity, in one value to read. Each part is written by its owner. */
export type VolumeRecord = ManagedVolume & Declared<VolumeDeclaration>
export type SnapshotRecord = ManagedSnapshot &
  Declared<SnapshotDeclaration> & {
    readonly schedule?: ScheduledFor & {
      /** It is to be deleted, or let go: no retention rule keeps it, or a person deleted its object. */
      readonly isExpired: boolean
    }
  }
export type SnapshotScheduleRecord = ManagedSchedule & Declared<SnapshotScheduleDeclaration>
export type InventoryRecord = VolumeRecord | SnapshotRecord | SnapshotScheduleRecord

type Without<Record, Name extends string> = Record extends unknown
  ? Omit<Record, Name> & { readonly [Each in Name]?: never }
  : never

/** What a pass may write: with anything of the readings in it, it does not compile. */
export type ManagedPart = Without<Managed, 'declaration' | 'missingSinceMs' | 'schedule'>

/** The part of a record that its passes write. */
export function managedPart(record: InventoryRecord): ManagedPart {
  const { declaration: _, missingSinceMs: __, schedule: ___, ...managed } = record
  return managed
}

/** The part of a record that the readings write. */
export function declaredPart(record: InventoryRecord): Declared {
  const { key, declaration, missingSinceMs, schedule } = record
  const { isExpired: _, ...scheduledFor } = (record.kind === 'Snapshot' && record.schedule) || {}
  return {
    key,
    declaration,
    ...(missingSinceMs === undefined ? {} : { missingSinceMs }),
    ...(schedule === undefined ? {} : { schedule: scheduledFor as ScheduledFor }),
  }
}

/** One value of what the readings, the passes and the orders know. */
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
  const spec =
    expiry === undefined ? declaration.spec : { ...declaration.spec, deletionPolicy: expiry.policy }
  return {
    ...read,
    ...managed,
    declaration: { ...declaration, spec },
    schedule: { ...schedule, isExpired: expiry !== undefined },
  }
}

/**
 * An external volume or snapshot that Mooring managed once, and that may be there still. Without an external ID it
 * notes alone which names were used under the key.
 */
export interface Released {
  readonly key: Key
  readonly pluginID: string
  readonly externalID: string
  /** Such as `Retained`, `Deregistered`, `Replaced` or `Vanished`; `Deleted` where an earlier one of these was taken back. */
  readonly reason: string
  /** Of a volume: its name at the plugin. */
  readonly csiName?: string
  /** Of a volume: without it no plugin need know it again. */
  readonly context?: VolumeContext
  readonly atMs: number
  /** The names that were used up by then, so that one declared anew under the key takes none of them. */
  readonly incarnation?: number
}

/** The incarnation of a record that is begun under the key: past all that were before it. */
export function firstIncarnation(released: readonly Released[], key: Key): number {
  const before = released.flatMap((each) => (each.key === key ? [each.incarnation ?? 0] : []))
  return before.length === 0 ? 0 : Math.max(...before) + 1
}

/**
 * The external volume that a declaration of the key let go last, for it to be taken back when it is declared again;
 * undefined where there is none, or it was deleted since.
 */
export function findReleased(
  declaration: VolumeDeclaration,
  key: Key,
  released: readonly Released[],
): Released | undefined {
  if (declaration.spec.externalID !== undefined) return undefined
  const [latest] = released
    .filter((each) => each.key === key && each.pluginID === declaration.spec.pluginID)
    .filter(({ reason }) => reason === 'Retained' || reason === 'Deregistered')
    .sort((one, other) => other.atMs - one.atMs)
  return latest
}

/** The next one: past that of the recorded name too, which may have been taken over with its volume. */
export function nextIncarnation({
  incarnation,
  csiName,
}: Pick<VolumeRecord, 'incarnation' | 'csiName'>): number {
  const [, ofName = '0'] = /-r(\d{1,9})$/.exec(csiName) ?? []
  return Math.max(incarnation, Number(ofName)) + 1
}

/** The external volume or snapshot that a record stands for, and its plugin, as far as they are known. */
export function storedThing(record: InventoryRecord): { pluginID?: string; externalID?: string } {
  switch (record.kind) {
    case 'Volume':
      return withoutAbsent(record.declaration.spec.pluginID, record.externalID)
    case 'Snapshot':
      return withoutAbsent(record.pluginID, record.snapshotID)
    case 'SnapshotSchedule':
      return {}
  }
}

/** Of a restore or an order what it restores from. */
export function restoreSource(source: RestoreSource | undefined): { snapshotID?: string; backTo?: string } {
  const { snapshotID, backTo } = source ?? {}
  return { ...(snapshotID === undefined ? {} : { snapshotID }), ...(backTo === undefined ? {} : { backTo }) }
}

/** The context to record of a volume that Nomad shows: somebody who registered it without one loses nothing. */
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
