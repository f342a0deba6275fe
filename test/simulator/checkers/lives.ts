import { longestCallMs } from '../../../src/operator/plan/intent.ts'
import { settings } from '../operator-process.ts'
import type { Wish } from '../wishes.ts'
import type { Happened } from '../world/history.ts'
import type { Disk } from '../world/plugin.ts'
import { type Checker, type View, volumeOf } from './checker.ts'
import { rightfulEnd } from './ends.ts'

type Of<Type extends Happened['type']> = Extract<Happened, { readonly type: Type }>

const isOf =
  <Type extends Happened['type']>(type: Type) =>
  (happened: Happened): happened is Of<Type> =>
    happened.type === type

const pastOf = <Type extends Happened['type']>(view: View, type: Type) =>
  view.history.all.filter(isOf<Type>(type))

/** A disk that was lost before anybody can have recorded it may be made once more. */
const recordedAfterMs = 300_000

/**
 * Why a second disk of a volume may be made beside an earlier one; undefined: it may not.
 */
function excuse(earlier: Of<'disk made'>, at: string, view: View): string | undefined {
  const name = volumeOf(at)
  const orderedSince = (orders: readonly string[], sinceMs: number) =>
    view.orders.some(
      ({ order, volume, atMs }) => orders.includes(order) && volume === name && atMs >= sinceMs,
    )
  const end = pastOf(view, 'disk deleted').find(({ externalID }) => externalID === earlier.externalID)
  if (end?.by === 'Mooring') return 'it was deleted'
  const wish = view.wishes.all.get(`Volume ${name}`)
  // What a person had registered and took out again before Mooring can have recorded it was never Mooring's.
  const [firstVersion] = wish?.versions ?? []
  const wasOthers = pastOf(view, 'volume forgotten').some(
    ({ externalID, by, atMs }) =>
      externalID === earlier.externalID &&
      earlier.name.startsWith('by-hand') &&
      by === 'a person' &&
      atMs < (firstVersion?.sinceMs ?? 0) + recordedAfterMs,
  )
  if (wasOthers) return 'it was nobody of ours'
  const mayBeDeleted = wish?.versions.some(
    ({ document }) => document.kind === 'Volume' && document.policy === 'Delete',
  )
  if (
    end !== undefined &&
    wish !== undefined &&
    mayBeDeleted &&
    (rightfulEnd(wish, earlier.atMs, view) !== undefined || endedUnseen(earlier, at, wish, view))
  )
    return 'its life ended, and there was nothing left to delete'
  const isNews = !pastOf(view, 'volume stored').some(({ externalID }) => externalID === earlier.externalID)
  const hasEnded = wish?.absences.some(
    ({ sinceMs, untilMs }) =>
      untilMs > earlier.atMs && Math.min(untilMs, view.nowMs) - sinceMs >= view.pruneDelayMs,
  )
  // Nobody could write to it, and no delete may undo a create whose answer was lost.
  if (isNews && hasEnded) return 'Nomad never knew it, and its life ended'
  if (orderedSince(['restore', 'go back', 'undo restore'], 0)) return 'a person ordered a restore'
  if (end !== undefined) {
    if (orderedSince(['recreate'], end.atMs)) return 'a person ordered a new one'
    if (end.atMs - earlier.atMs < recordedAfterMs) return 'nobody can have recorded it'
  }
  return undefined
}

/** A volume that others took out of Nomad, and whose disk is lost, ends without a single call: by its removal alone. */
const endedUnseen = (disk: Of<'disk made'>, at: string, wish: Wish, view: View) =>
  pastOf(view, 'volume forgotten').some(
    (forgotten) => forgotten.at === at && forgotten.by === 'a person' && forgotten.atMs > disk.atMs,
  ) &&
  wish.absences.some(
    ({ sinceMs, untilMs }) =>
      sinceMs > disk.atMs && Math.min(untilMs, view.nowMs) - sinceMs >= view.pruneDelayMs,
  )

export const oneDiskForOneVolume: Checker = {
  rule: '1 and 2: never two external volumes for one declaration, and no blank disk in the place of a lost one',
  judge(happened, view) {
    if (happened.type !== 'disk made' || volumeOf(happened.at) === undefined) return undefined
    const earlier = pastOf(view, 'disk made').filter(
      ({ at, externalID }) => at === happened.at && externalID !== happened.externalID,
    )
    const unexcused = earlier.filter((each) => excuse(each, happened.at, view) === undefined)
    if (unexcused.length === 0) return undefined
    const [first] = unexcused
    const fate = view.plugin.disks.has(first?.externalID ?? '')
      ? 'is still there'
      : 'was lost at the provider'
    return `${happened.externalID} was made for ${happened.at}, whose disk ${first?.externalID} ${fate}, and nobody ordered a new one`
  },
}

export const oneVolumeForOneDisk: Checker = {
  rule: '1: never one external volume for two declarations',
  judge(happened, view) {
    if (happened.type !== 'volume stored' || happened.by !== 'Mooring' || !happened.isNew) return undefined
    const others = [...view.nomad.volumes].filter(
      ([at, { ExternalID }]) => at !== happened.at && ExternalID === happened.externalID,
    )
    return others.length === 0
      ? undefined
      : `${happened.externalID} was registered as ${happened.at} while ${others.map(([at]) => at).join(', ')} names it`
  },
}

export const newLifeIsBlank: Checker = {
  rule: '12: a second life never gets the data of the first',
  judge(happened, view) {
    if (happened.type !== 'disk given again') return undefined
    const disk = view.plugin.disks.get(happened.externalID)
    if (disk === undefined) return undefined
    if (disk.madeFor !== happened.at)
      return `${happened.at} was created under the name of ${disk.madeFor}, and got its disk ${disk.externalID}`
    if (!happened.blank || isOfSameLife(disk, happened.at, view)) return undefined
    return disk.writes > 0
      ? `${happened.at} was created anew, and got ${disk.externalID} with the data of its life before`
      : undefined
  },
}

/** The create of this life was sent again, and people used the volume before anybody can have recorded it. */
function isOfSameLife(disk: Disk, at: string, view: View): boolean {
  const hasEnded = view.wishes.all
    .get(`Volume ${volumeOf(at)}`)
    ?.absences.some(({ untilMs }) => untilMs > disk.madeAtMs)
  const forgotten = pastOf(view, 'volume forgotten').findLast(
    ({ externalID }) => externalID === disk.externalID,
  )
  return (
    hasEnded === false && forgotten?.by === 'a person' && forgotten.atMs - disk.madeAtMs < recordedAfterMs
  )
}

export const snapshotsAreNew: Checker = {
  rule: '12: a snapshot of an earlier life is never taken for a new one',
  judge(happened, view) {
    if (happened.type !== 'snapshot given again') return undefined
    const taken = pastOf(view, 'snapshot taken').find(({ snapshotID }) => snapshotID === happened.snapshotID)
    const declared = view.wishes.all.get(`Snapshot ${nameOfSnapshot(happened.name)}`)
    if (taken === undefined || declared?.state !== 'declared') return undefined
    // With a wrong clock Mooring asks for the same again and again, and takes no answer for a new one.
    const isClockWrong = pastOf(view, 'act').some(({ text }) => text.includes('wall clock is set'))
    if (isClockWrong) return undefined
    // A request that is repeated after a lost answer is answered like this within the same life, which does not end
    // before the call can no longer be running.
    const isOfFormer = declared.absences.some(
      ({ sinceMs, seenMs }) =>
        sinceMs > taken.atMs && seenMs > view.pruneDelayMs + settings.rescanMs + longestCallMs,
    )
    return isOfFormer
      ? `the request for ${happened.name} was answered with ${happened.snapshotID}, which is of a former declaration`
      : undefined
  },
}

const nameOfSnapshot = (csiName: string) => csiName.replace(/-[0-9a-f]{10}(-r\d+)?$/, '')
