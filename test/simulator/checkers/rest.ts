import type { LastingInventory } from '../../../src/operator/inventory/memory-inventory.ts'
import type { InventoryRecord } from '../../../src/operator/plan/record.ts'
import { settings } from '../operator-process.ts'
import { versionsInForce, type Wish } from '../wishes.ts'
import type { Happened } from '../world/history.ts'
import type { View } from './checker.ts'
import { judgeObjects } from './objects-at-rest.ts'

type Finding = readonly [rule: string, text: string]

/** The most events of a quiet hour: timers, answers and notices for a handful of declarations. */
const quietEventsPerHour = 6_000

/** Judges the end of a history: nothing has gone wrong for long, and nothing was asked for. */
export function judgeRest(rest: {
  readonly view: View
  readonly inventory: LastingInventory | undefined
  /** Where the quiet time begins. */
  readonly begun: { readonly happened: number; readonly events: number }
  readonly quietMs: number
  readonly events: number
}): Finding[] {
  const { view, inventory, begun, quietMs, events } = rest
  if (inventory === undefined)
    return [['liveness', 'Mooring does not work, though nothing has gone wrong for long']]
  const isTicking = [...view.wishes.all.values()].some(
    ({ identity, state }) => identity.startsWith('SnapshotSchedule ') && state !== 'removed',
  )
  // A snapshot looks older than its intent then, and is asked for again at each resync.
  const isClockSet = view.history.all.some(isSetting)
  const findings: Finding[] = []
  const quiet = view.history.all.slice(begun.happened)
  for (const effect of quiet) {
    if (
      effect.type !== 'effect carried out' ||
      ((isTicking || isClockSet) && effect.call.endsWith('snapshot'))
    )
      continue
    findings.push([
      '6: no write without a difference',
      `in the quiet at the end: ${effect.call} ${effect.about}`,
    ])
  }
  // What is refused for good is tried again at each resync, and after a change: the end of what went wrong is one.
  const triedAtMost = Math.ceil(quietMs / settings.resyncMs) + 4
  const tries = Map.groupBy(quiet, (each) =>
    each.type === 'effect sent' ? `${each.call} ${each.about}` : '',
  )
  for (const [call, sent] of tries) {
    if (call === '' || sent.length <= triedAtMost) continue
    findings.push([
      '8: no permanent error is retried in a spin',
      `${call} was tried ${sent.length} times in the quiet at the end`,
    ])
  }
  const perHour = ((events - begun.events) * 3_600_000) / quietMs
  if (perHour > quietEventsPerHour)
    findings.push(['8: no hot loop', `${Math.round(perHour)} events in a quiet hour`])
  if (view.objects !== undefined)
    findings.push(...judgeObjects(view.objects, inventory, quiet, isTicking || isClockSet))
  const left = judgeLeft(view, inventory)
  if (left !== undefined) findings.push(['3: nothing that was made is forgotten', left])
  for (const wish of view.wishes.all.values()) {
    const found = judgeWish(wish, view, inventory, quietMs)
    if (found !== undefined)
      findings.push(['liveness: what people want comes to be, or a reason says why not', found])
  }
  return findings
}

/** What people removed under Delete is deleted, or Mooring says that it is left. */
function judgeLeft(view: View, inventory: LastingInventory): string | undefined {
  if (view.orders.length > 0) return undefined
  const released = new Set(inventory.released().map(({ externalID }) => externalID))
  for (const { externalID, name, madeFor } of view.plugin.disks.values()) {
    const volume = madeFor.slice(madeFor.indexOf('/') + 1)
    const wish = view.wishes.all.get(`Volume ${volume}`)
    if (wish?.state !== 'removed' || name.startsWith('by-hand')) continue
    const isToGo = wish.versions.every(
      ({ document }) => document.kind === 'Volume' && document.policy === 'Delete' && !document.isSuspended,
    )
    const isKnown = released.has(externalID) || inventory.get(`Volume/default/${volume}`) !== undefined
    if (isToGo && !isKnown)
      return `${externalID} was made for ${madeFor}, which is removed under Delete, and nobody knows of it`
  }
  return undefined
}

const isSetting = (each: Happened) => each.type === 'act' && each.text.includes('wall clock is set')

/** Reasons that a person has to deal with. Each is right only after something that the history has. */
const reasonsAfterLoss = [
  'Vanished',
  'ExternalVolumeMissing',
  'ExternalVolumeNotFound',
  'ExternalIDChanged',
  'WrongSource',
  'SnapshotVanished',
  'DataLost',
  'DiskLost',
]
const reasonsOfSources = ['SnapshotNotReady', 'VolumeNotReady', 'SnapshotNotFound', 'SourceNotFound']

function judgeWish(wish: Wish, view: View, inventory: LastingInventory, quietMs: number): string | undefined {
  const [kind, name = ''] = wish.identity.split(' ')
  const record = inventory.get(`${kind}/default/${name}`)
  const ready = record?.status.conditions.find(({ type }) => type === 'Ready')
  const says = ready === undefined ? 'nothing' : `${ready.reason}: ${ready.message}`
  if (wish.state === 'doubtful') return undefined
  if (wish.state === 'removed') return judgeEnd(wish, record, says, view)
  const [latest] = wish.versions.slice(-1)
  if (latest === undefined) return undefined
  if (record === undefined) return `${wish.identity} is declared, and Mooring knows nothing of it`
  if (ready?.status === 'True') {
    if (latest.document.kind === 'SnapshotSchedule')
      return judgeSchedule(latest.document.everyMinutes, quietMs, view, inventory, ready.message)
    if (latest.document.kind !== 'Volume') return undefined
    const volume = view.nomad.volumes.get(`default/${name}`)
    const disk = view.plugin.disks.get(volume?.ExternalID ?? '')
    if (volume === undefined) return `${wish.identity} counts as ready, and Nomad has no such volume`
    // Where the plugin lists nothing, nobody can know.
    if (disk === undefined && !view.plugin.habits.listsVolumes) return undefined
    if (disk === undefined)
      return `${wish.identity} counts as ready, and its disk ${volume.ExternalID} is gone`
    if (disk.sizeBytes < latest.document.minBytes)
      return `${wish.identity} counts as ready with ${disk.sizeBytes} bytes in the place of ${latest.document.minBytes}`
    return judgeRestore(record, volume.ExternalID, view)
  }
  const isSuspended = ready?.reason === 'Suspended'
  if (isSuspended) {
    const isOrdered = view.orders.some(({ order }) => order === 'suspend')
    const isDeclared = latest.document.kind === 'Volume' && latest.document.isSuspended
    return isOrdered || isDeclared ? undefined : `${wish.identity} is suspended, and nobody suspended it`
  }
  // Where the plugin does not list, only its refusal tells, and a schedule waits for its volume.
  const isLossKnown =
    reasonsAfterLoss.includes(ready?.reason ?? '') ||
    /disk-\d+" could not be found|there is nothing to take a snapshot of/.test(says)
  if (isLossKnown) {
    const isLost = view.history.all.some(
      (each) =>
        ((each.type === 'disk deleted' || each.type === 'snapshot deleted') && each.by === 'a person') ||
        (each.type === 'act' && each.text.includes('orders')),
    )
    return isLost ? undefined : `${wish.identity} is ${says}, and nothing was ever lost`
  }
  if (reasonsOfSources.includes(ready?.reason ?? '')) return undefined
  if (ready?.reason === 'NoVolumes' && view.wishes.all.get('Volume a')?.state !== 'declared') return undefined
  // It says what Mooring would have to know to write, and was never told.
  if (ready?.reason === 'UnreadableFields') {
    const isByHand = view.history.all.some((each) => each.type === 'volume stored' && each.by === 'a person')
    const isUnsaid = latest.document.kind === 'Volume' && latest.document.secrets === undefined
    if (isByHand || isUnsaid) return undefined
  }
  // Where the plugin does not list, only its answer to the create says that a snapshot is ready.
  if (ready?.reason === 'RetentionUnsupported' && !view.plugin.habits.listsSnapshots) return undefined
  if (ready?.reason === 'ClockLeapt' || ready?.reason === 'NameTaken') {
    return view.history.all.some(isSetting)
      ? undefined
      : `${wish.identity} is ${says}, and nobody set a clock`
  }
  // A snapshot that was taken, and nobody could record, before a restore put another disk in the place.
  if (ready?.reason === 'NameConflict' && view.orders.some(({ order }) => order === 'restore'))
    return undefined
  // A run or an expiry is under way at this very moment.
  if (['Starting', 'Expiring'].includes(ready?.reason ?? '')) return undefined
  const isSuspendedOrSet =
    view.orders.some(({ order }) => order === 'suspend') || view.history.all.some(isSetting)
  if (ready?.reason === 'RunWaits' && (isSuspendedOrSet || says.includes('is suspended'))) return undefined
  // What is of volume a waits for it.
  if (['RunWaits', 'VolumeNotFound'].includes(ready?.reason ?? '') && !view.nomad.volumes.has('default/a'))
    return undefined
  // A permanent error is for a person, and only bad weather brings some.
  const wasRefused = view.history.all.some(
    (each) => each.type === 'act' && each.text.includes('meet: errors'),
  )
  return wasRefused ? undefined : `${wish.identity} is declared, and does not become ready: ${says}`
}

/** How long a run may take. */
const runMs = 60_000

/** A schedule that counts as ready takes snapshots. */
function judgeSchedule(
  everyMinutes: number,
  quietMs: number,
  view: View,
  inventory: LastingInventory,
  message: string,
): string | undefined {
  const sinceMs = view.nowMs - everyMinutes * 60_000 - runMs
  // The last run found its snapshot there, because the date went back since it was taken. The next one finds none.
  const lastRunMs = Date.parse(/\S+Z/.exec(message)?.[0] ?? '') - everyMinutes * 60_000
  const isRepeated =
    view.history.all.some(isSetting) &&
    inventory
      .list()
      .some(
        (record) =>
          'schedule' in record &&
          record.schedule?.tickMs === lastRunMs &&
          record.status.takenAtMs !== undefined,
      )
  if (isRepeated) return undefined
  if (everyMinutes * 60_000 + runMs > quietMs) return undefined
  const hasRun = view.history.all.some(
    (each) => each.type === 'snapshot taken' && each.name.startsWith('hourly') && each.atMs >= sinceMs,
  )
  return hasRun ? undefined : `the schedule counts as ready, and took no snapshot for ${everyMinutes} minutes`
}

/** A volume that counts as restored holds what its snapshot held. */
function judgeRestore(record: InventoryRecord, externalID: string, view: View): string | undefined {
  const { lastRestore, history = [] } = record.status
  if (lastRestore?.outcome !== 'Restored' || history.some(({ step }) => step === 'recreate-volume'))
    return undefined
  const { snapshotID, backTo } = lastRestore
  if (backTo !== undefined) {
    return backTo === externalID
      ? undefined
      : `${record.key} counts as gone back to ${backTo}, and stands for ${externalID}`
  }
  const taken = view.history.all.find(
    (each) => each.type === 'snapshot taken' && each.snapshotID === snapshotID,
  )
  const made = view.history.all.find((each) => each.type === 'disk made' && each.externalID === externalID)
  const wanted = taken?.type === 'snapshot taken' ? taken.content : undefined
  const found = made?.type === 'disk made' ? made.content : undefined
  return wanted === found
    ? undefined
    : `${record.key} counts as restored from ${snapshotID} (${wanted}), and was made with ${found}`
}

const isAnyDamaged = ({ wishes }: View) =>
  'files' in wishes && [...wishes.files.values()].some(({ damage }) => damage !== undefined)

function judgeEnd(
  wish: Wish,
  record: InventoryRecord | undefined,
  says: string,
  view: View,
): string | undefined {
  if (!wish.identity.startsWith('Volume ') || record === undefined) return undefined
  const reason = record.status.conditions.find(({ type }) => type === 'Ready')?.reason ?? ''
  const versions = versionsInForce(wish)
  const isKept = versions.some((each) => each.kind === 'Volume' && each.isSuspended)
  if (isKept || ['HasDependents', 'HasSnapshots', 'Suspended', 'DeleteRefused', 'Vanished'].includes(reason))
    return undefined
  // A file that is not understood may hold it: it came with the removal, or its text has the name. A person has to mend it.
  const isForPerson =
    /is not understood may hold it|may declare it still/.test(says) ||
    (says.includes('may have moved to a place that cannot be read') && isAnyDamaged(view))
  if (reason === 'SourceUnclear' && isForPerson) return undefined
  const wasRefused = view.history.all.some(
    (each) => each.type === 'act' && each.text.includes('meet: errors'),
  )
  return wasRefused ? undefined : `${wish.identity} was removed, and its end does not come: ${says}`
}
