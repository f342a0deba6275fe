import type { ObjectState } from '../../../wire/dashboard/common.ts'
import type { ObjectRow } from '../../../wire/dashboard/objects.ts'
import { type Declaration, formatPlace } from '../../declare/declaration.ts'
import type { Refusal } from '../../desired/ownership.ts'
import { type Key, volumeKey } from '../../plan/identity.ts'
import { wholeKeyOf } from '../../plan/per-alloc.ts'
import type { InventoryRecord } from '../../plan/record.ts'
import type { Condition, Status } from '../../plan/status.ts'
import { stateOf } from '../row.ts'
import type { ClusterView } from './cluster-view.ts'
import { given, partsOf, referTo, timeOf } from './references.ts'

/** What the table of declarations filters and sorts by. There is one for each object, so it is small. */
export interface ObjectEntry {
  readonly view: ClusterView
  readonly key: Key
  readonly refusal?: Refusal
  readonly kind: string
  readonly namespace: string
  /** `namespace/name`. */
  readonly name: string
  /** How serious it is, from 1; absent: it needs nobody. */
  readonly severity: number | undefined
  readonly state: ObjectState
  readonly pluginID: string
  readonly source: string
  readonly sinceMs: number
  readonly sizeBytes: number
  readonly createdMs: number
  /** What a search finds, in lower case. */
  readonly text: string
}

const noStatus: Status = { conditions: [] }

/** undefined: it is neither declared nor managed any more. */
export function entryOf(view: ClusterView, key: Key): ObjectEntry | undefined {
  const record = view.records.get(key)
  const declaration = view.declaration(key) ?? record?.declaration
  if (declaration === undefined) return undefined
  const { status = noStatus } = record ?? {}
  return makeEntry(view, key, declaration, record, {
    state: shownState(status),
    reason: conditionOf(status)?.reason ?? 'New',
    sinceMs: conditionOf(status)?.lastTransitionMs ?? 0,
  })
}

export function entryOfRefusal(view: ClusterView, refusal: Refusal): ObjectEntry {
  const { key, declaration, reason } = refusal
  return {
    ...makeEntry(view, key, declaration, undefined, { state: 'Refused', reason, sinceMs: 0 }),
    refusal,
  }
}

function makeEntry(
  view: ClusterView,
  key: Key,
  declaration: Declaration,
  record: InventoryRecord | undefined,
  { state, reason, sinceMs }: { state: ObjectState; reason: string; sinceMs: number },
): ObjectEntry {
  const { kind, namespace } = partsOf(key)
  const { status = noStatus } = record ?? {}
  const pluginID = pluginOf(declaration, status)
  const labels = Object.entries(declaration.labels).map(([label, value]) => `${label}=${value}`)
  return {
    view,
    key,
    kind,
    namespace,
    name: key.slice(kind.length + 1),
    severity: severityOf(state, reason),
    state,
    pluginID,
    source: declaration.place.source,
    sinceMs,
    sizeBytes: Number(status.sizeBytes ?? 0),
    createdMs: status.takenAtMs ?? 0,
    text: [
      key,
      declaration.name,
      status.externalID ?? '',
      pluginID,
      reason,
      state,
      view.cluster ?? '',
      ...labels,
    ]
      .join('\n')
      .toLowerCase(),
  }
}

/** The whole row, for the page that shows it. */
export function rowOf({ view, key, refusal, state, pluginID, sinceMs }: ObjectEntry): ObjectRow {
  const record = refusal === undefined ? view.records.get(key) : undefined
  const declaration = refusal?.declaration ?? view.declaration(key) ?? record?.declaration
  const { status = noStatus } = record ?? {}
  const condition = conditionOf(status)
  const { inventory } = view.known()
  const schedule = record?.kind === 'Snapshot' ? record.schedule : undefined
  const volume =
    declaration?.kind === 'Snapshot' ? snapshotVolume(view, declaration, schedule?.volume) : undefined
  const labels = declaration?.labels ?? {}
  const whole = declaration === undefined ? undefined : wholeKeyOf(declaration)
  const isOrdered = [key, ...(whole === undefined ? [] : [whole])].some(
    (each) => inventory.orders(each).suspendedSinceMs !== undefined,
  )
  return {
    object: referTo(key, view.cluster),
    pluginID,
    state,
    reason: refusal?.reason ?? condition?.reason ?? 'New',
    message: refusal?.message ?? condition?.message ?? 'no pass has looked at it yet',
    ...given('since', sinceMs === 0 ? undefined : timeOf(sinceMs)),
    externalID: status.externalID ?? '',
    ...given('sizeBytes', status.sizeBytes === undefined ? undefined : Number(status.sizeBytes)),
    source: declaration?.place.source ?? '',
    place: declaration === undefined ? '' : formatPlace(declaration.place),
    ...given('labels', Object.keys(labels).length === 0 ? undefined : { ...labels }),
    ...given('volume', volume),
    ...given('createTime', status.takenAtMs === undefined ? undefined : timeOf(status.takenAtMs)),
    ...given('schedule', schedule?.schedule),
    claims: status.claims?.length ?? 0,
    isSuspended: isOrdered || declaration?.spec.suspend === true,
    ...given('missingSince', record?.missing === undefined ? undefined : timeOf(record.missing.sinceMs)),
  }
}

/** The key of a snapshot's volume: its declaration names another declaration. */
function snapshotVolume(
  view: ClusterView,
  { spec }: Declaration & { kind: 'Snapshot' },
  ofSchedule: Key | undefined,
): Key {
  const [found] = view.records.find('volumeName', `${spec.namespace}/${spec.volume}`)
  return ofSchedule ?? found?.key ?? volumeKey(spec.namespace, spec.volume)
}

function pluginOf(declaration: Declaration, status: Status): string {
  return status.pluginID ?? (declaration.kind === 'Volume' ? declaration.spec.pluginID : '')
}

/** The condition that says why it is as it is: the one that is true of it. */
export function conditionOf({ conditions }: Status): Condition | undefined {
  const isTrue = (type: Condition['type']) =>
    conditions.find((each) => each.type === type && each.status === 'True')
  return isTrue('Stalled') ?? isTrue('Reconciling') ?? conditions[0]
}

export function shownState(status: Status): ObjectState {
  return stateOf(status) as ObjectState // A record is never refused or invalid.
}

/** Data are in danger, or lost. */
const dangers = new Set([
  'Vanished',
  'ExternalVolumeMissing',
  'ExternalVolumeAbnormal',
  'ExternalIDChanged',
  'SharedExternalID',
  'DetachNeedsWord',
])
/** It waits for a person's word, and stays as it is meanwhile. */
const waitsForWord = new Set([
  'SourceUnclear',
  'SourceNotRead',
  'TooManyEnds',
  'SourceEmpty',
  'PruneDisabled',
  'DeleteUnconfirmed',
])

/** How serious it is, from 1; undefined: it needs nobody. */
export function severityOf(state: ObjectState, reason: string): number | undefined {
  if (state === 'Stalled') return dangers.has(reason) ? 1 : 2
  if (state === 'Refused') return 2
  return state === 'Held' && waitsForWord.has(reason) ? 3 : undefined
}
