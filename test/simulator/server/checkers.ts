import type { ServerChecker, ServerView } from './checker.ts'
import { type Exchange, exchangesOf, namesOf, pastOf, volumeOf } from './checker.ts'
import type { ServerHappened } from './history.ts'
import { type ClientRequest, mountRoot, volumeSecret } from './requests.ts'

/** Claims that a client was told of, and that nobody has given back or lost since. */
export function heldClaims(
  view: ServerView,
): { volume: string; target: string; externalID: string | undefined; sinceMs: number }[] {
  const cuts = pastOf(view, 'power cut')
  const unmounts = pastOf(view, 'unmounted').filter(({ by }) => by === 'the machine')
  return pastOf(view, 'request answered').flatMap(({ request, answer, atMs }) => {
    if (request.ask !== 'claim' || answer.status !== 200) return []
    const { volume } = request
    const target = `${mountRoot}/${request.target}`
    const sent = pastOf(view, 'request sent').find((each) => each.request === request)
    const sinceMs = sent?.atMs ?? atMs
    const isGivenBack = pastOf(view, 'request sent').some(
      (each) => each.request.ask === 'release' && each.request.volume === volume && each.atMs >= sinceMs,
    )
    const isLost =
      cuts.some((each) => each.atMs >= sinceMs) ||
      unmounts.some((each) => each.target === target && each.atMs >= sinceMs)
    const mounted = pastOf(view, 'mounted').findLast(
      (each) => each.target === target && each.atMs >= sinceMs && each.atMs <= atMs,
    )
    return isGivenBack || isLost ? [] : [{ volume, target, externalID: mounted?.externalID, sinceMs }]
  })
}

const noDiskInUseIsDeleted: ServerChecker = {
  rule: '4: DeleteVolume never reaches a volume in use',
  judge(happened, view) {
    if (happened.type !== 'disk deleted' || happened.by !== 'Mooring') return undefined
    const { externalID } = happened
    const mounted = [...view.node.mounts].find(([, mount]) => mount.externalID === externalID)
    if (mounted !== undefined) return `${externalID} was deleted while it was mounted at ${mounted[0]}`
    const held = heldClaims(view).find((claim) => claim.externalID === externalID)
    return held && `${externalID} was deleted while a client held a claim on volume ${held.volume}`
  },
}

const noDeleteUnasked: ServerChecker = {
  rule: '3: nothing is deleted that nobody asked to delete; a create is never undone',
  judge(happened, view) {
    if (happened.type !== 'disk deleted' || happened.by !== 'Mooring') return undefined
    const made = pastOf(view, 'disk made').find(({ externalID }) => externalID === happened.externalID)
    const names = namesOf(happened.externalID, view)
    const isAsked = pastOf(view, 'request sent').some(
      ({ request, atMs }) =>
        request.ask === 'delete' && names.has(request.volume) && atMs >= (made?.atMs ?? 0),
    )
    // It may have been sent before the disk was there, and waited for its create.
    const isUnderWay = exchangesOf(view).some(
      ({ request, endMs }) =>
        request.ask === 'delete' && names.has(request.volume) && endMs >= (made?.atMs ?? 0),
    )
    return isAsked || isUnderWay ? undefined : `${happened.externalID} was deleted, and nobody asked for that`
  },
}

const oneDiskForOneVolume: ServerChecker = {
  rule: '1: one external volume for one volume',
  judge(happened, view) {
    if (happened.type !== 'disk made') return undefined
    const volume = happened.at.slice(happened.at.indexOf('/') + 1)
    const before = pastOf(view, 'disk made').find(
      (each) =>
        each.at === happened.at &&
        each.externalID !== happened.externalID &&
        view.plugin.disks.has(each.externalID),
    )
    if (before === undefined) return undefined
    const isLetGo = exchangesOf(view).some(
      ({ request, endMs }) =>
        (request.ask === 'deregister' || request.ask === 'delete') &&
        request.volume === volume &&
        endMs >= before.atMs,
    )
    return isLetGo
      ? undefined
      : `${happened.externalID} was made for volume ${volume}, which has ${before.externalID}`
  },
}

const oneWriter: ServerChecker = {
  rule: '5: no two writers on a volume for one',
  judge(happened, view) {
    if (happened.type !== 'mounted' || happened.isReadOnly) return undefined
    const { externalID } = happened
    const writers = [...view.node.mounts].filter(
      ([, mount]) => mount.externalID === externalID && !mount.isReadOnly,
    )
    const names = namesOf(externalID, view)
    const isShared = exchangesOf(view).some(
      ({ request }) => 'isShared' in request && request.isShared && names.has(request.volume),
    )
    return writers.length < 2 || isShared
      ? undefined
      : `${externalID} is mounted for writing at ${writers.map(([target]) => target).join(' and ')}`
  },
}

const nothingIsTakenFromAClaim: ServerChecker = {
  rule: '5: no detach under a living claim',
  judge(happened, view) {
    if (happened.type === 'taken off') {
      const mounted = [...view.node.mounts].find(([, { externalID }]) => externalID === happened.externalID)
      return mounted && `${happened.externalID} was detached while it was mounted at ${mounted[0]}`
    }
    if (happened.type !== 'unmounted' || happened.by !== 'the server') return undefined
    const held = heldClaims(view).find(({ target }) => target === happened.target)
    return held && `${happened.externalID} was unmounted from ${held.target}, which a client claims`
  },
}

/** Whose index an answer shows. */
function tableOf({ ask }: ClientRequest): 'volumes' | 'claims' | undefined {
  if (ask === 'claim' || ask === 'release' || ask === 'claims') return 'claims'
  return ask === 'snapshot' ? undefined : 'volumes'
}

const indexNeverGoesBack: ServerChecker = {
  rule: 'an index that was shown never goes backwards',
  judge(happened, view) {
    if (happened.type !== 'request answered' || happened.answer.index === undefined) return undefined
    const { id, request, answer } = happened
    const exchanges = exchangesOf(view)
    const own = exchanges.find((each) => each.id === id)
    const table = tableOf(request)
    const shown = pastOf(view, 'request answered').filter(
      (each) =>
        each.id !== id &&
        tableOf(each.request) === table &&
        each.answer.status === 200 &&
        each.atMs <= (own?.sentMs ?? 0),
    )
    // Reads of a server whose disk failed show what only its memory has.
    if (pastOf(view, 'sync failed').length > 0) return undefined
    const highest = Math.max(0, ...shown.map((each) => each.answer.index ?? 0))
    return table === undefined || (happened.answer.index ?? 0) >= highest
      ? undefined
      : `the index of the ${table} is ${answer.index}, and was ${highest} before`
  },
}

const writesPresence = ({ ask }: ClientRequest) =>
  ask === 'create' || ask === 'register' || ask === 'deregister' || ask === 'delete'

/** Whether the volume has to be there for a read; undefined: what was asked for leaves that open. */
export function isToBeThere(volume: string, sentMs: number, untilMs: number, exchanges: readonly Exchange[]) {
  const writes = exchanges.filter(({ request }) => writesPresence(request) && volumeOf(request) === volume)
  const last = writes.findLast(({ answer, endMs }) => answer?.status === 200 && endMs <= sentMs)
  if (last === undefined) return undefined
  const isOpen = writes.some((each) => each !== last && each.sentMs <= untilMs && each.endMs >= last.sentMs)
  if (isOpen) return undefined
  return last.request.ask === 'create' || last.request.ask === 'register'
}

const acknowledgedIsThere: ServerChecker = {
  rule: 'an acknowledged write is there, also after a kill or a power cut',
  judge(happened, view) {
    if (happened.type !== 'request answered') return undefined
    const { id, request, answer, atMs } = happened
    const exchanges = exchangesOf(view)
    const sentMs = exchanges.find((each) => each.id === id)?.sentMs ?? 0
    if (request.ask === 'read') {
      if (answer.status !== 200 && answer.status !== 404) return undefined
      const wanted = isToBeThere(request.volume, sentMs, atMs, exchanges)
      if (wanted === undefined || wanted === (answer.status === 200)) return undefined
      return wanted
        ? `volume ${request.volume} is not there, though its ${'write'} was acknowledged`
        : `volume ${request.volume} is there, though its removal was acknowledged`
    }
    if (request.ask !== 'claims' || answer.status !== 200) return undefined
    const lost = heldClaims(view).find(
      ({ target, sinceMs }) => sinceMs < sentMs && !answer.text.includes(`"${target}"`),
    )
    // It may have been answered while this list was under way.
    const isKnown =
      lost !== undefined &&
      pastOf(view, 'request answered').some(
        (each) =>
          each.request.ask === 'claim' &&
          each.atMs < sentMs &&
          `${mountRoot}/${each.request.target}` === lost.target &&
          each.answer.status === 200,
      )
    return isKnown
      ? `the claim on volume ${lost?.volume} at ${lost?.target} is not there, though it was acknowledged`
      : undefined
  },
}

/** A request and its answer may take half a minute each. */
const noticeMs = 65_000

const changesWake: ServerChecker = {
  rule: 'a blocking query is answered when what it waits for has changed',
  judge(happened, view) {
    if (happened.type !== 'request answered' || happened.request.ask !== 'wait') return undefined
    const sent = pastOf(view, 'request sent').find(({ id }) => id === happened.id)
    if (sent === undefined || sent.index === 0) return undefined
    const missed = pastOf(view, 'request answered').find(
      ({ request, answer, atMs }) =>
        writesPresence(request) &&
        answer.status === 200 &&
        (answer.index ?? 0) > sent.index &&
        atMs >= sent.atMs &&
        happened.atMs - atMs > noticeMs,
    )
    return (
      missed &&
      `a client that waited past index ${sent.index} was told nothing of ${missed.request.ask} of ${volumeOf(missed.request)} at index ${missed.answer.index}`
    )
  },
}

const noSecretIsShown: ServerChecker = {
  rule: '7: no secret in an answer or the log',
  judge: (happened) => {
    const [where, text] = shownBy(happened)
    return text.includes(volumeSecret) ? `a secret stands in ${where}` : undefined
  },
}

function shownBy(happened: ServerHappened): readonly [where: string, text: string] {
  if (happened.type === 'text shown') return [`the ${happened.where}`, happened.text]
  if (happened.type === 'request answered')
    return [`the answer to ${happened.request.ask}`, happened.answer.text]
  return ['', '']
}

const noDefect: ServerChecker = {
  rule: '14: whatever happens, an answer says what it was',
  judge: (happened) =>
    happened.type === 'request answered' && happened.answer.text === 'internal server error'
      ? `${happened.request.ask} was answered: internal server error`
      : undefined,
}

/** One for each sentence that can be judged while a history goes on. */
export const serverCheckers: readonly ServerChecker[] = [
  noDiskInUseIsDeleted,
  noDeleteUnasked,
  oneDiskForOneVolume,
  oneWriter,
  nothingIsTakenFromAClaim,
  indexNeverGoesBack,
  acknowledgedIsThere,
  changesWake,
  noSecretIsShown,
  noDefect,
]
