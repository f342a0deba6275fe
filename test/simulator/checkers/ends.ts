import { handMountFlag } from '../perform.ts'
import { settledMs, versionsInForce, type Wish } from '../wishes.ts'
import type { Happened } from '../world/history.ts'
import { contentOf } from '../world/plugin.ts'
import { type Checker, type View, volumeOf } from './checker.ts'

/** How long a request may be under way before it is carried out. */
const lateMs = 300_000

/**
 * The time at which Mooring began to end the volume of the disk rightly: it was removed for the prune delay, and not
 * declared again long before.
 */
export function rightfulEnd(wish: Wish, madeAtMs: number, view: View): number | undefined {
  const name = wish.identity.slice('Volume '.length)
  const sent = view.history.all.filter((each) => {
    if (each.atMs < madeAtMs) return false
    // A record that somebody else took out of Nomad needs no deregister.
    const isTombstone = each.type === 'volume stored' && each.isNew && volumeOf(each.at) === undefined
    const externalID = isTombstone ? each.externalID : ''
    if (isTombstone) return view.madeFor(externalID) === `default/${name}`
    return (
      each.type === 'effect sent' && each.call === 'deregister volume' && each.about === `default/${name}`
    )
  })
  const first = sent.find(({ atMs }) =>
    wish.absences.some(
      ({ sinceMs, untilMs }) =>
        atMs >= sinceMs + view.pruneDelayMs &&
        atMs <= untilMs + settledMs &&
        untilMs - sinceMs >= view.pruneDelayMs,
    ),
  )
  return first?.atMs
}

export const nothingIsDestroyedUnasked: Checker = {
  rule: '3: no data destroyed that nobody asked to destroy',
  judge(happened, view) {
    if (happened.type !== 'disk deleted' || happened.by !== 'Mooring') return undefined
    const made = view.history.all.find(
      (each): each is Extract<Happened, { type: 'disk made' }> =>
        each.type === 'disk made' && each.externalID === happened.externalID,
    )
    const name = volumeOf(made?.at ?? '')
    const wish = view.wishes.all.get(`Volume ${name}`)
    if (made === undefined || wish === undefined)
      return `${happened.externalID} was deleted, and nobody ever declared a volume of it`
    if (rightfulEnd(wish, made.atMs, view) === undefined) {
      return `${happened.externalID} of volume ${name} was deleted, which people ${sayState(wish)}`
    }
    const allowed = versionsInForce(wish).some((each) => each.kind === 'Volume' && each.policy === 'Delete')
    return allowed
      ? undefined
      : `${happened.externalID} of volume ${name} was deleted, whose last declarations say ${policiesOf(wish)}`
  },
}

function sayState({ state, absences }: Wish): string {
  if (state === 'declared') return 'declare'
  if (state === 'doubtful') return 'never removed: its file cannot be read'
  const { sinceMs = 0, untilMs = 0 } = absences.at(-1) ?? {}
  return `removed for no longer than ${Math.round((untilMs - sinceMs) / 1000)} s before`
}

const policiesOf = (wish: Wish) =>
  versionsInForce(wish)
    .map((each) => (each.kind === 'Volume' ? each.policy : ''))
    .join(', then ')

export const aCancelledEndDeletesNothing: Checker = {
  rule: '3: no delete is sent for an end that a person cancelled',
  judge(happened, view) {
    if (happened.type !== 'effect sent' || happened.call !== 'delete volume') return undefined
    const tombstone = view.history.all.findLast(
      (each) => each.type === 'volume stored' && each.at === happened.about,
    )
    const externalID = tombstone?.type === 'volume stored' ? tombstone.externalID : ''
    const name = volumeOf(view.madeFor(externalID) ?? '')
    const cancelled = view.orders.findLast(
      ({ order, volume, takenAtMs }) =>
        order === 'cancel end' && volume === name && takenAtMs !== undefined && takenAtMs < happened.atMs,
    )
    if (cancelled === undefined) return undefined
    const isAnother = view.wishes.all
      .get(`Volume ${name}`)
      ?.absences.some(({ sinceMs }) => sinceMs > cancelled.atMs)
    return isAnother
      ? undefined
      : `the delete of ${externalID} was sent after a person cancelled the end of volume ${name}`
  },
}

export const theFinalSnapshotIsOfThisLife: Checker = {
  rule: '12: a final snapshot is of this life, and there before the delete',
  judge(happened, view) {
    if (happened.type !== 'disk deleted' || happened.by !== 'Mooring') return undefined
    const made = view.history.all.find(
      (each): each is Extract<Happened, { type: 'disk made' }> =>
        each.type === 'disk made' && each.externalID === happened.externalID,
    )
    const wish = view.wishes.all.get(`Volume ${volumeOf(made?.at ?? '')}`)
    const inForce = wish === undefined ? [] : versionsInForce(wish)
    const isWanted =
      inForce.length > 0 && inForce.every((each) => each.kind === 'Volume' && each.finalSnapshot)
    if (!isWanted) return undefined
    const disk = view.plugin.deleted.get(happened.externalID)
    const taken = [...view.plugin.snapshots.values()].filter(
      ({ externalID }) => externalID === happened.externalID,
    )
    if (disk === undefined || taken.some(({ content }) => content === contentOf(disk))) return undefined
    return `${happened.externalID} was deleted, and no snapshot holds what was on it (${contentOf(disk)})`
  },
}

export const noDiskInUseIsDeleted: Checker = {
  rule: '4: DeleteVolume never reaches a volume in use',
  judge: (happened) =>
    happened.type === 'disk deleted' && happened.by === 'Mooring' && happened.isWritten
      ? `${happened.externalID} was deleted while an allocation wrote to it`
      : undefined,
}

export const noVolumeInUseIsForgotten: Checker = {
  rule: '4: no volume in use is taken out of Nomad',
  judge(happened, view) {
    if (happened.type !== 'volume forgotten' || happened.by !== 'Mooring') return undefined
    const claims = view.nomad.workloads.claimsOn(happened.at)
    return claims.length === 0
      ? undefined
      : `${happened.at} was deregistered while ${claims.join(', ')} claims it`
  },
}

export const noDetachUnderAWriter: Checker = {
  rule: '5: no detach under a living writer',
  judge: (happened) =>
    happened.type === 'detached' && happened.isWritten
      ? `${happened.externalID} was detached from ${happened.nodeID} under a living writer`
      : undefined,
}

export const nothingIsWiped: Checker = {
  rule: '6: no write wipes what Nomad never shows',
  judge(happened, view) {
    if (happened.type !== 'volume stored' || happened.by !== 'Mooring' || happened.lost.length === 0)
      return undefined
    const wish = view.wishes.all.get(`Volume ${volumeOf(happened.at)}`)
    // Beside a file that cannot be read, another one may say it.
    const written = [...(view.wishes.files?.values() ?? [])].flatMap(({ documents, damage }) =>
      damage === undefined ? documents : [],
    )
    const said = [...(wish?.versions ?? []).map(({ document }) => document), ...written]
    const isAsked = said.some(
      (document) =>
        document.kind === 'Volume' && document.secrets === 'none' && document.name === volumeOf(happened.at),
    )
    // No declaration speaks of mount flags.
    const wiped = isAsked ? happened.lost.filter((name) => name === handMountFlag) : happened.lost
    return wiped.length === 0 ? undefined : `a write of ${happened.at} wiped ${wiped.join(', ')}`
  },
}

/** How the plugin's name for a snapshot begins: in small letters, with a hyphen for what a name may not hold. */
const csiStem = (key: string) => key.split('/')[2]?.replaceAll(':', '-').toLowerCase()

/** By so much people set a clock in small steps, which count as corrections. */
const clockStepsMs = 600_000

/** The scheduled time in a snapshot's name, which sorts as text; '' in other names. */
const tickOf = (name: string) => (name.startsWith('hourly') ? (/\d{8}t\d{6}z/.exec(name)?.[0] ?? '') : '')

export const snapshotsEndByOrder: Checker = {
  rule: '3: retention and ends delete only what they may',
  judge(happened, view) {
    if (happened.type !== 'snapshot deleted' || happened.by !== 'Mooring') return undefined
    const taken = view.history.all.find(
      (each): each is Extract<Happened, { type: 'snapshot taken' }> =>
        each.type === 'snapshot taken' && each.snapshotID === happened.snapshotID,
    )
    if (taken === undefined) return undefined
    const declared = view.wishes.all.get(`Snapshot ${taken.name.replace(/-[0-9a-f]{10}(-r\d+)?$/, '')}`)
    if (declared !== undefined) {
      const allowed = versionsInForce(declared).some(
        (each) => each.kind === 'Snapshot' && each.policy === 'Delete',
      )
      const isRemoved = declared.absences.some(
        ({ sinceMs, untilMs }) =>
          happened.atMs >= sinceMs + view.pruneDelayMs &&
          untilMs - sinceMs >= view.pruneDelayMs &&
          untilMs > taken.atMs &&
          happened.atMs <= untilMs + lateMs + settledMs,
      )
      if (!allowed) return `${taken.name} was deleted, whose declaration says Retain`
      return isRemoved ? undefined : `${taken.name} was deleted, which people ${sayState(declared)}`
    }
    if (!taken.name.startsWith('hourly')) return `${taken.name} was deleted, which is nobody's to delete`
    const kept = view.orders.find(
      ({ order, key, takenAtMs }) =>
        order === 'keep' && takenAtMs !== undefined && taken.name.startsWith(`${csiStem(key)}-`),
    )
    if (kept !== undefined) return `${taken.name} was deleted, which a person keeps`
    const rest = [...view.plugin.snapshots.values()].filter(
      ({ name, readyAtMs }) => name.startsWith('hourly') && readyAtMs <= view.nowMs,
    )
    if (rest.length === 0) return `${taken.name} was deleted, the last ready snapshot of its volume`
    const schedule = view.wishes.all.get('SnapshotSchedule hourly')
    if (schedule === undefined) return undefined
    // A clock that is up to a day ahead after another start of the machine is believed.
    const setMs = view.history.all.find((each) => each.type === 'act' && each.text.includes('clock is set'))
    const isBelieved = view.history.all.some(
      (each) => each.type === 'process killed' && setMs !== undefined && each.atMs > setMs.atMs,
    )
    if (isBelieved) return undefined
    const ageMs = happened.atMs - taken.atMs
    // Of the time that each is for: one whose request was late may have been taken after a newer one.
    // What is not ready to use yet replaces nothing.
    const newer = view.history.all.filter(
      (each) =>
        each.type === 'snapshot taken' &&
        tickOf(each.name) > tickOf(taken.name) &&
        each.atMs + view.plugin.habits.snapshotReadyMs <= view.nowMs,
    ).length
    const isAllowed = versionsInForce(schedule).some(
      (each) =>
        each.kind === 'SnapshotSchedule' &&
        (newer >= each.keepLast ||
          (each.maxAgeMinutes !== undefined && ageMs > each.maxAgeMinutes * 60_000 - clockStepsMs)),
    )
    return isAllowed
      ? undefined
      : `${taken.name} was deleted after ${Math.round(ageMs / 60_000)} minutes with ${newer} newer ones, which the retention keeps`
  },
}
