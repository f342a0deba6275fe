import { mayName, noneAllowed } from '../declare/allowed-ids.ts'
import { explainForeignID, ownIDs } from '../plan/foreign-ids.ts'
import { csiNameFor, displayName, type Key, keyOf, volumeKey } from '../plan/identity.ts'
import { hasCapability } from '../plan/plugin-gate.ts'
import { externalToken, type SnapshotRecord } from '../plan/record.ts'
import { firstIncarnation } from '../plan/released.ts'
import { explainLoss } from '../plan/scheduled-snapshots.ts'
import { snapshotFacts } from '../plan/snapshot-facts.ts'
import { planSnapshot, planSnapshotEnd } from '../plan/snapshot-plan.ts'
import { absenceOf, endingDeclaration, planAbsentDeclaration } from './absence.ts'
import type { GatherContext } from './context.ts'
import { explainSeveral } from './explain-several.ts'
import type { Kind } from './kind.ts'
import { secretsForEnd } from './secrets-for-end.ts'
import { refuseSnapshot } from './sharers.ts'
import type { SnapshotSeen, SnapshotVolume } from './snapshot-seen.ts'
import { adoptSnapshot } from './steps/adopt-snapshot.ts'
import { createSnapshot } from './steps/create-snapshot.ts'
import { deleteSnapshot } from './steps/delete-snapshot.ts'
import { noteMissing } from './steps/note-missing.ts'
import { release } from './steps/release.ts'

/** Passes over snapshots. */
export function snapshotKind(context: GatherContext): Kind<SnapshotRecord, SnapshotSeen> {
  return {
    begin: (key) => beginSnapshot(context, key),
    gather: (record) => gather(context, record),
    plan(record, seen, now) {
      if (seen.by === 'declared') return planSnapshot(record.declaration, record, seen, now)
      if (seen.by === 'ending') return planSnapshotEnd(record, seen, now)
      return planAbsentDeclaration(seen.by.held, record)
    },
    steps: {
      'create-snapshot': createSnapshot,
      'adopt-snapshot': adoptSnapshot,
      'delete-snapshot': deleteSnapshot,
      'note-missing': noteMissing,
      release,
    },
    // A list may be late: it is there again.
    asDeclared: ({ unlisted: _, ...record }) => record,
    present({ snapshotID, pluginID }, seen) {
      const snapshots = seen?.snapshots ?? 'unknown'
      const listed =
        snapshots === 'unknown' || snapshotID === undefined ? undefined : snapshots.get(snapshotID)
      return {
        ...(pluginID === undefined ? {} : { pluginID }),
        ...(snapshotID === undefined ? {} : { externalID: snapshotID }),
        ...(listed === undefined ? {} : snapshotFacts(listed)),
      }
    },
  }
}

function beginSnapshot(context: GatherContext, key: Key): SnapshotRecord {
  const { inventory, desired, region } = context
  const before = inventory.get(key)
  const ending = endingDeclaration(absenceOf(context, key))
  const declaration = desired.declaration(key) ?? ending
  if (before?.kind === 'Snapshot') {
    // A sent delete finishes with the declaration that it began with, unless a person released the object.
    const isReleased = ending?.kind === 'Snapshot' && ending.spec.deletionPolicy === 'Retain'
    if (before.end !== undefined && !isReleased) return { ...before, declaration: before.end.declaration }
    return declaration?.kind === 'Snapshot' ? { ...before, declaration } : before
  }
  if (declaration?.kind !== 'Snapshot') throw new Error(`${key} is neither declared nor managed`)
  const incarnation = firstIncarnation(inventory.findReleased('key', key), key)
  return {
    kind: 'Snapshot',
    key,
    declaration,
    csiName: csiNameFor(key, declaration, region, incarnation),
    incarnation,
    status: { conditions: [] },
  }
}

async function gather(context: GatherContext, record: SnapshotRecord): Promise<SnapshotSeen> {
  const { observer, desired, callsEndedBeforeMs } = context
  const { declaration } = record
  const absence = absenceOf(context, record.key)
  const volume = await volumeOf(context, record)
  // No source declares a schedule's snapshots, but in Kubernetes a person can delete their objects.
  const isWanted = record.schedule
    ? !record.schedule.isExpired && absence === undefined
    : desired.declaration(record.key) !== undefined
  // A delete that was sent finishes first, even if the snapshot is declared again: then another one is taken.
  const isDeclared = isWanted && record.end === undefined
  const isEnding =
    record.end !== undefined ||
    (!isDeclared && (absence?.state === 'ending' || record.schedule?.isExpired === true))
  if (!isDeclared && !isEnding) {
    return {
      by: { held: absence },
      volume,
      plugin: undefined,
      snapshots: 'unknown',
      secretValues: {},
      dependents: [],
      callsEndedBeforeMs,
    }
  }
  const pluginID = record.pluginID ?? (volume.state === 'ready' ? volume.pluginID : undefined)
  const plugin = pluginID === undefined ? undefined : await observer.plugin(pluginID)
  const { spec, place } = declaration
  const secretValues = isEnding
    ? await secretsForEnd(context, declaration)
    : await context.secrets.resolve(spec.secrets ?? {}, spec.namespace, place.object)
  // Before the create there is nothing to find in the list, and for an end it proves nothing.
  const asksList =
    isDeclared && [record.snapshotID, record.intent, spec.snapshotID].some((each) => each !== undefined)
  const snapshots =
    asksList && pluginID !== undefined && hasCapability(plugin, 'SupportsListSnapshots')
      ? await observer.snapshots(pluginID)
      : 'unknown'
  return {
    by: isDeclared ? 'declared' : 'ending',
    volume,
    plugin,
    snapshots,
    secretValues,
    dependents: isDeclared ? [] : dependentsOf(context, record),
    callsEndedBeforeMs,
    ...(isDeclared && record.snapshotID === undefined && volume.state === 'ready'
      ? lookAtAdoption(context, record, volume)
      : {}),
  }
}

/** Finds the volume by its declared name, even while it is ending. */
async function volumeOf(context: GatherContext, { declaration }: SnapshotRecord): Promise<SnapshotVolume> {
  const { inventory } = context
  const { namespace, volume: name } = declaration.spec
  for (const other of inventory.find('volumeName', `${namespace}/${name}`)) {
    if (other.kind !== 'Volume' || other.externalID === undefined) continue
    // During a restore it is unclear which of the two volumes a snapshot would be of.
    if (other.restore !== undefined) break
    const loss = explainLoss(other)
    if (loss !== undefined) return { state: 'waiting', reason: 'VolumeLost', message: loss }
    const { volumeID, pluginID } = other.declaration.spec
    const shared = await refuseSnapshot(context, other)
    if (shared !== undefined) return shared
    return { state: 'ready', volumeID, externalID: other.externalID, pluginID }
  }
  return (
    explainSeveral(inventory, namespace, name) ?? {
      state: 'waiting',
      reason: 'VolumeNotReady',
      message: `waiting for volume "${name}" in Nomad namespace "${namespace}" to exist and to finish any restore`,
    }
  )
}

/** What decides whether the snapshot that the declaration names may be adopted; nothing if it names none. */
function lookAtAdoption(
  { inventory, allowedIDs = noneAllowed }: GatherContext,
  { key, declaration: { spec, place } }: SnapshotRecord,
  volume: Extract<SnapshotVolume, { readonly state: 'ready' }>,
): Pick<SnapshotSeen, 'adoption'> {
  const { snapshotID: id, namespace } = spec
  if (id === undefined) return {}
  const { pluginID, externalID, volumeID } = volume
  const former = inventory.findReleased('key', volumeKey(namespace, volumeID))
  const volumeIDs = [externalID, ...former.map((each) => each.externalID)]
  const named = { pluginID, id }
  const isOwn = () =>
    ownIDs(namespace, pluginID, inventory.find('plugin', pluginID), inventory.released()).ids.has(id)
  const others = inventory.find('snapshot', externalToken(pluginID, id)).filter((other) => other.key !== key)
  return {
    adoption: {
      volumeIDs,
      takenBy: others[0] && displayName(others[0].declaration),
      unsettled: inventory
        .find('kind', 'Snapshot')
        .filter((other) => other.kind === 'Snapshot' && other.key !== key && other.intent !== undefined)
        .filter((other) => volumeIDs.includes((other as SnapshotRecord).externalSourceVolumeID ?? ''))
        .map(({ declaration }) => displayName(declaration)),
      foreignID:
        mayName(allowedIDs, place, named) || isOwn()
          ? undefined
          : explainForeignID({ field: 'spec.snapshotID', ...named }, allowedIDs, place),
    },
  }
}

/** Volumes that have still to be created or restored from the snapshot. */
function dependentsOf(
  { desired, inventory }: GatherContext,
  { declaration, snapshotID }: SnapshotRecord,
): string[] {
  const restored = inventory
    .find('kind', 'Volume')
    .filter(
      (other) =>
        other.kind === 'Volume' && snapshotID !== undefined && other.restore?.snapshotID === snapshotID,
    )
    .map((other) => displayName(other.declaration))
  const madeFrom = desired.find('madeFrom', `${declaration.spec.namespace}/${declaration.name}`)
  const declared = madeFrom.flatMap((other) => {
    const record = inventory.get(keyOf(other))
    return record?.kind === 'Volume' && record.externalID !== undefined ? [] : [displayName(other)]
  })
  return [...declared, ...restored]
}
