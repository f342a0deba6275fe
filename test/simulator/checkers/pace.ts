import { settledMs } from '../wishes.ts'
import type { Happened } from '../world/history.ts'
import { type Checker, volumeOf } from './checker.ts'

/** With delays that double from one second, no call is sent oftener than this in one minute. */
const mostPerMinute = 12

export const nothingSpins: Checker = {
  rule: '8: nothing is repeated in a spin, whatever is wrong',
  judge(happened, view) {
    if (happened.type !== 'effect sent') return undefined
    const { call, about } = happened
    const isSame = (each: Happened) =>
      each.type === 'effect sent' &&
      each.call === call &&
      each.about === about &&
      each.atMs > happened.atMs - 60_000
    const count = view.history.all.filter(isSame).length
    return count > mostPerMinute ? `${call} ${about} was sent ${count} times within a minute` : undefined
  },
}

export const nothingRunsTwice: Checker = {
  rule: '1: a create is not repeated while it may still be running',
  judge(happened, view) {
    if (happened.type !== 'effect sent' || happened.call !== 'create volume') return undefined
    // An update has the same call, and may be repeated.
    if (view.nomad.volumes.has(happened.about)) return undefined
    const last = view.history.all.findLast(
      (each) =>
        (each.type === 'effect under way' ||
          each.type === 'effect carried out' ||
          each.type === 'effect refused') &&
        each.call === happened.call &&
        each.about === happened.about,
    )
    return last?.type === 'effect under way'
      ? `${happened.call} ${happened.about} was sent again, while the first one was still running`
      : undefined
  },
}

export const onlyTheHolderActs: Checker = {
  rule: '1: a replica starts no effect while another one may lead',
  judge(happened, view) {
    if (happened.type !== 'effect sent' || happened.by === view.holder()) return undefined
    return `${happened.by} sent ${happened.call} ${happened.about}, and ${view.holder() ?? 'nobody'} holds the Lease`
  },
}

/** What was sent before the suspension was known may be repeated to learn its outcome. */
const suspendedForMs = 600_000

export const suspendedMeansNothing: Checker = {
  rule: '3: nothing is done for what a person has suspended',
  judge(happened, view) {
    if (happened.type !== 'effect sent' || !happened.call.endsWith('volume')) return undefined
    const name = volumeOf(happened.about)
    const latest = view.wishes.all.get(`Volume ${name}`)?.versions.at(-1)
    const isDeclaredSo =
      latest?.document.kind === 'Volume' && latest.document.isSuspended && latest.seenMs >= settledMs
    const last = view.orders.findLast(
      ({ order, volume, takenAtMs }) =>
        volume === name && takenAtMs !== undefined && (order === 'suspend' || order === 'resume'),
    )
    // One whose answer was lost may have been taken.
    const mayBeResumed = view.orders.some(
      ({ order, volume, atMs }) => volume === name && order === 'resume' && atMs > (last?.atMs ?? 0),
    )
    const isOrderedSo =
      last?.order === 'suspend' && !mayBeResumed && view.nowMs - (last.takenAtMs ?? 0) > suspendedForMs
    const begun = view.wishes.all.get(`Volume ${name}`)?.absences.at(-1)?.sinceMs ?? 0
    // A new life begins without the orders of the former one.
    if (!isDeclaredSo && !(isOrderedSo && begun < (last?.takenAtMs ?? 0))) return undefined
    return `${happened.call} ${happened.about} was sent, though the volume is suspended`
  },
}
