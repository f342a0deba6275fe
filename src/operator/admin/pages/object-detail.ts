import { dump } from 'js-yaml'
import type { ActivityEntry } from '../../../wire/dashboard/common.ts'
import type { ObjectDetail } from '../../../wire/dashboard/object.ts'
import type { Declaration } from '../../declare/declaration.ts'
import { presentDeclaration } from '../../declare/present-declaration.ts'
import type { Key } from '../../plan/identity.ts'
import { wholeKeyOf, wholeOf } from '../../plan/per-alloc.ts'
import { type InventoryRecord, restoreSource } from '../../plan/record.ts'
import { summariseConditions } from '../../plan/status.ts'
import { actionsFor } from './actions.ts'
import { presentActivity } from './activity.ts'
import type { ClusterView } from './cluster-view.ts'
import { compareFields } from './compare-fields.ts'
import { explain } from './explain.ts'
import { conditionOf, entryOf, rowOf, shownState } from './object-entry.ts'
import type { RecoveryFacts } from './recoverability.ts'
import { given, giverOf, partsOf, referTo, timeOf } from './references.ts'
import { presentSchedule } from './schedules.ts'
import { stripFlags } from './strip-flags.ts'
import { presentSnapshots } from './volume-snapshots.ts'

type Actual = Parameters<typeof compareFields>[2]

/**
 * The page of one object; undefined: nothing is declared or managed under the key.
 * @param actual of a volume, as Nomad shows it
 * @param facts of all volumes: for a schedule
 */
export function presentDetail(
  view: ClusterView,
  key: Key,
  parts: {
    readonly actual: Actual
    readonly unread?: string
    readonly facts: readonly RecoveryFacts[]
    readonly nowMs: number
  },
): ObjectDetail | undefined {
  const record = view.records.get(key)
  const instances = instancesOf(view, key)
  const [first] = instances
  const declaration = view.declaration(key) ?? record?.declaration ?? (first && wholeOf(first))
  if (declaration === undefined) return undefined
  const row = first === undefined ? rowOfKey(view, key) : wholeRow(view, key, declaration, instances)
  if (row === undefined) return undefined
  const { status = { conditions: [] } } = record ?? {}
  const intent = record === undefined || record.kind === 'SnapshotSchedule' ? undefined : record.intent
  const volume = record?.kind === 'Volume' ? record : undefined
  const { inventory } = view.known()
  const whole = wholeKeyOf(declaration)
  const { place } = declaration
  return {
    row,
    sentence: `${row.state === 'Ready' ? 'As declared' : row.state}: ${row.message}`,
    ...given('explanation', explain(row.reason, key, record)),
    conditions: status.conditions.map(({ lastTransitionMs, ...condition }) => ({
      ...condition,
      lastTransitionTime: timeOf(lastTransitionMs),
    })),
    actions: actionsFor(view, key),
    declared: {
      source: place.source,
      file: place.file,
      line: place.line,
      column: place.column,
      ...given('commit', place.commit),
      yaml: declarationYAML(declaration),
    },
    fields:
      volume === undefined || declaration.kind !== 'Volume'
        ? []
        : compareFields(declaration.spec, volume, parts.actual),
    ...given('unread', parts.unread),
    ...given('csiName', record === undefined || record.csiName === '' ? undefined : record.csiName),
    incarnation: record?.incarnation ?? 0,
    claims: (status.claims ?? []).map((allocation) => ({
      allocation,
      ...given('node', status.claimNodes?.[allocation]),
    })),
    nodes: [...(status.attachedNodes ?? [])],
    ...given('unsettledSince', intent && timeOf(intent.sinceMs)),
    ...given('restoring', volume?.restore && restoringOf(volume.restore)),
    ...given('lastRestore', status.lastRestore && lastRestoreOf(status.lastRestore)),
    replaced: inventory
      .released()
      .filter(
        (each) => each.key === key && each.reason === 'Replaced' && each.externalID !== status.externalID,
      )
      .map(({ externalID, atMs }) => ({ externalID, since: timeOf(atMs) })),
    snapshots: volume === undefined ? [] : presentSnapshots(view, volume, parts.nowMs),
    instances: instances.flatMap((each) => rowOfKey(view, instanceKey(each)) ?? []),
    ...given('whole', whole === undefined ? undefined : referTo(whole, view.cluster)),
    ...given(
      'schedule',
      record?.kind === 'SnapshotSchedule'
        ? presentSchedule(view, record, parts.facts, parts.nowMs)
        : undefined,
    ),
    history: historyOf(view, key, record),
    orders: (inventory.orders(key).given ?? []).map(({ type, atMs, message, by }) => ({
      time: timeOf(atMs),
      order: type,
      message,
      ...given('by', by && giverOf(by)),
    })),
  }
}

type VolumeDeclaration = Extract<Declaration, { kind: 'Volume' }>

const instanceKey = ({ spec }: VolumeDeclaration) => `Volume/${spec.namespace}/${spec.volumeID}`

/** The volumes of a declaration with perAlloc, by index. @param key of the declaration as a whole */
function instancesOf(view: ClusterView, key: Key): VolumeDeclaration[] {
  const { kind } = partsOf(key)
  if (kind !== 'Volume' || view.records.get(key) !== undefined || view.declaration(key) !== undefined)
    return []
  const found = new Map<Key, VolumeDeclaration>()
  const all = [...view.records.list().map(({ declaration }) => declaration), ...view.declarations().values()]
  for (const each of all)
    if (each.kind === 'Volume' && wholeKeyOf(each) === key) found.set(instanceKey(each), each)
  return [...found.values()].sort((one, other) => (one.instance?.index ?? 0) - (other.instance?.index ?? 0))
}

function rowOfKey(view: ClusterView, key: Key) {
  const entry = entryOf(view, key)
  return entry && rowOf(entry)
}

function wholeRow(
  view: ClusterView,
  key: Key,
  declaration: Declaration,
  instances: readonly VolumeDeclaration[],
) {
  const [first] = instances
  const row = first && rowOfKey(view, instanceKey(first))
  if (row === undefined) return undefined
  const conditions = summariseConditions(
    instances.map((each) => ({
      name: each.spec.volumeID,
      conditions: view.records.get(instanceKey(each))?.status.conditions ?? [],
    })),
  )
  const condition = conditionOf({ conditions })
  const { externalID: _, sizeBytes: __, since: ___, ...rest } = row
  return {
    ...rest,
    object: referTo(key, view.cluster),
    state: shownState({ conditions }),
    reason: condition?.reason ?? 'New',
    message: condition?.message ?? 'no pass has looked at it yet',
    externalID: '',
    isSuspended:
      declaration.spec.suspend || view.known().inventory.orders(key).suspendedSinceMs !== undefined,
  }
}

/** The declaration as it could be written again. Secrets are references. */
export function declarationYAML(declaration: Declaration): string {
  const asPlain = (_key: string, item: unknown) => (typeof item === 'bigint' ? item.toString() : item)
  const document = stripFlags(presentDeclaration(declaration))
  return dump(JSON.parse(JSON.stringify(document, asPlain)), { lineWidth: 110, noRefs: true })
}

/** The log's entries, then the older steps that only the record knows. */
function historyOf(view: ClusterView, key: Key, record: InventoryRecord | undefined): ActivityEntry[] {
  const logged = view.activity.of(key).map(presentActivity)
  const oldest = logged.at(-1)?.time
  const recorded = (record?.status.history ?? []).flatMap(
    ({ atMs, step, outcome, why, error, times }, index) => {
      const time = timeOf(atMs)
      // A step is logged just before its pass records it.
      if (oldest !== undefined && time >= oldest) return []
      return [
        {
          id: -1 - index,
          time,
          type: 'step' as const,
          object: referTo(key, view.cluster),
          what: step,
          outcome,
          why,
          ...given('error', error),
          times,
        },
      ]
    },
  )
  return [...logged, ...recorded]
}

function restoringOf(restore: NonNullable<Extract<InventoryRecord, { kind: 'Volume' }>['restore']>) {
  const { snapshotID, backTo } = restoreSource(restore)
  return {
    from: snapshotID === undefined ? `external volume ${backTo}` : `snapshot ${snapshotID}`,
    ...given('calledOff', restore.undoneFor),
  }
}

function lastRestoreOf({
  atMs,
  snapshotID,
  backTo,
  outcome,
  message,
}: NonNullable<InventoryRecord['status']['lastRestore']>) {
  return {
    time: timeOf(atMs),
    from: snapshotID === undefined ? `external volume ${backTo ?? ''}` : `snapshot ${snapshotID}`,
    outcome,
    message,
  }
}
