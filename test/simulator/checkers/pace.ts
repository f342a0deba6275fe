import type { Happened } from '../world/history.ts'
import type { Checker } from './checker.ts'

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

export const onlyTheHolderActs: Checker = {
  rule: '1: a replica starts no effect while another one may lead',
  judge(happened, view) {
    if (happened.type !== 'effect sent' || happened.by === view.holder()) return undefined
    return `${happened.by} sent ${happened.call} ${happened.about}, and ${view.holder() ?? 'nobody'} holds the Lease`
  },
}
