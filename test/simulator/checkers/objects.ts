/** Sentences about objects of Kubernetes: who may write them, and what their finalizers hold. */
import { annotations } from '../../../src/operator/desired/object-ends.ts'
import { finalizer } from '../../../src/operator/kubernetes/finalizer.ts'
import { asRecord, asStrings, type StoredObject } from '../../fakes/kubernetes/json.ts'
import { documentOf } from '../objects/documents.ts'
import { isEnding } from '../objects/wishes.ts'
import type { Happened } from '../world/history.ts'
import { type Checker, type View, volumeOf } from './checker.ts'

type Of<Type extends Happened['type']> = Extract<Happened, { readonly type: Type }>

const isMooring = (name: string) => name.startsWith('mooring')

/** What a cache may still show, and what is on its way, after something was changed. */
const staleMs = 300_000

/** No object is written oftener than this in one minute: a few steps, each with a status and a finalizer. */
const mostPerMinute = 24

const onlySeenObjectsAreWritten: Checker = {
  rule: '12: nobody writes to an object of the same name that it has never seen',
  judge: (happened) =>
    happened.type === 'object changed' && !happened.isSeen
      ? `${happened.by} wrote to ${happened.about}, which is another object (${happened.uid}) than it knew`
      : undefined,
}

/** What was made at the provider while the object was there, and is there now. */
function madeDuring({ kind, metadata }: StoredObject, madeAtMs: number, { plugin }: View): string[] {
  if (kind === 'Volume')
    return [...plugin.disks.values()]
      .filter((disk) => disk.madeFor === `default/${metadata.name}` && disk.madeAtMs >= madeAtMs)
      .map(({ externalID }) => externalID)
  if (kind !== 'Snapshot' || documentOf({ kind, metadata } as StoredObject) === undefined) return []
  const isOf = new RegExp(`^${metadata.name}-[0-9a-f]{10}(-r\\d+)?$`)
  return [...plugin.snapshots.values()]
    .filter(({ name, takenAtMs }) => isOf.test(name) && takenAtMs >= madeAtMs)
    .map(({ snapshotID }) => snapshotID)
}

const theFinalizerStaysWhileItIsNeeded: Checker = {
  rule: '3: a finalizer is not taken off while what it guards is still to be deleted',
  judge(happened, view) {
    if (happened.type !== 'object changed' || happened.change !== 'let go by its finalizer') return undefined
    const { before, uid, identity, about, by } = happened
    if (before === undefined || !isMooring(by)) return undefined
    const document = documentOf(before)
    if (document === undefined || document.kind === 'SnapshotSchedule' || document.policy === 'Retain')
      return undefined
    // Another object of the same identity has nothing that it could delete.
    if (view.objects?.wishes.ownerOf(identity) !== uid) return undefined
    const isReleased = asRecord(before.metadata.annotations)[annotations.release] === 'retain'
    const isSuspended = document.kind === 'Volume' && document.isSuspended
    if (isEnding(before) && (isReleased || isSuspended || document.policy !== 'Delete')) return undefined
    // What was replaced by a restore stays for the way back.
    if (view.orders.some(({ order }) => order !== 'snapshot now' && order !== 'keep')) return undefined
    // An error of that weather may say that there is nothing left, and Mooring takes Nomad's word.
    if (view.history.all.some((each) => each.type === 'act' && each.text.includes('meet: errors')))
      return undefined
    const latest = view.wishes.all.get(identity)?.versions.at(-1)
    // Somebody has just changed the policy, and the decision is of before. A silent watch is noticed after 150 s.
    if (latest === undefined || latest.seenMs < 160_000) return undefined
    const made = view.history.all.find(
      (each): each is Of<'object changed'> => each.type === 'object changed' && each.uid === uid,
    )
    const [left] = madeDuring(before, made?.atMs ?? 0, view)
    return left === undefined
      ? undefined
      : `${about} was let go by ${by}, and ${left} is still there under ${document.policy}`
  },
}

const theFinalizerIsThereFirst: Checker = {
  rule: '1: an object is held by a finalizer before anything is made for it',
  judge(happened, view) {
    if (view.objects === undefined || happened.type !== 'effect sent') return undefined
    const { call, about } = happened
    if (call !== 'create volume' && call !== 'create snapshot') return undefined
    const name = call === 'create volume' ? volumeOf(about) : about.replace(/-[0-9a-f]{10}(-r\d+)?$/, '')
    const identity = `${call === 'create volume' ? 'Volume' : 'Snapshot'} ${name}`
    const wish = view.wishes.all.get(identity)
    if (wish === undefined || view.nomad.volumes.has(about)) return undefined
    const present = view.objects
      .all()
      .filter((object) => `${object.kind} ${object.metadata.name}` === identity && documentOf(object))
    if (present.some(({ metadata }) => asStrings(metadata.finalizers).includes(finalizer))) return undefined
    // A person has taken it off, which a cache does not show yet.
    const isByForce = view.history.all.some(
      (each) =>
        each.type === 'object changed' &&
        each.identity === identity &&
        each.change === 'let go by its finalizer' &&
        !isMooring(each.by) &&
        each.atMs > view.nowMs - staleMs,
    )
    // An update looks the same, and makes nothing where somebody has just deregistered the volume.
    const isUpdate = view.history.all.some(
      (each) =>
        each.type === 'volume forgotten' &&
        each.at === about &&
        each.by === 'a person' &&
        each.atMs > view.nowMs - staleMs,
    )
    return isByForce || isUpdate
      ? undefined
      : `${call} ${about} was sent, and no finalizer holds ${wish.file}`
  },
}

const oneObjectForOneVolume: Checker = {
  rule: '1: no two objects count as the same external volume',
  judge(happened, view) {
    if (happened.type !== 'object changed' || happened.change !== 'given a status') return undefined
    const { externalID } = asRecord(happened.after?.status)
    if (externalID === undefined || happened.after === undefined || !isReady(happened.after)) return undefined
    const other = view.objects
      ?.all()
      .find(
        (each) =>
          each.metadata.uid !== happened.uid &&
          asRecord(each.status).externalID === externalID &&
          isReady(each),
      )
    return other === undefined
      ? undefined
      : `${happened.about} and ${other.metadata.namespace}/${other.metadata.name} both count as ready with ${String(externalID)}`
  },
}

const noObjectIsWrittenInASpin: Checker = {
  rule: '8: no object is written again and again',
  judge(happened, view) {
    if (happened.type !== 'object write arrives') return undefined
    const count = view.history.all.filter(
      (each) =>
        each.type === 'object write arrives' &&
        each.about === happened.about &&
        each.atMs > happened.atMs - 60_000,
    ).length
    return count > mostPerMinute
      ? `${happened.about} was written ${count} times within a minute, at last by ${happened.what}`
      : undefined
  },
}

export interface ShownCondition {
  readonly type?: unknown
  readonly status?: unknown
  readonly reason?: unknown
  readonly message?: unknown
}

/** A condition that the object shows. */
export function conditionOf({ status }: StoredObject, type: string): ShownCondition | undefined {
  const { conditions } = asRecord(status)
  return Array.isArray(conditions) ? conditions.map(asRecord).find((each) => each.type === type) : undefined
}

const isReady = (object: StoredObject) => conditionOf(object, 'Ready')?.status === 'True'

export const objectCheckers: readonly Checker[] = [
  onlySeenObjectsAreWritten,
  theFinalizerStaysWhileItIsNeeded,
  theFinalizerIsThereFirst,
  oneObjectForOneVolume,
  noObjectIsWrittenInASpin,
]
