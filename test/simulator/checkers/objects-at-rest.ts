import type { LastingInventory } from '../../../src/operator/inventory/memory-inventory.ts'
import { finalizer } from '../../../src/operator/kubernetes/finalizer.ts'
import { asRecord, asStrings, type StoredObject } from '../../fakes/kubernetes/json.ts'
import { documentOf } from '../objects/documents.ts'
import { isEnding } from '../objects/wishes.ts'
import type { ObjectWorld } from '../objects/world.ts'
import type { Happened } from '../world/history.ts'
import { conditionOf } from './objects.ts'

type Finding = readonly [rule: string, text: string]

/** What was sent before the end of bad weather arrives within this. */
const lateMs = 180_000
/** Of one object, in the quiet at the end: what is known changes a few times more, with the last things that went wrong. */
const mostWrites = 6

/**
 * Judges the objects at the end of a history: none is written without a difference, each says what Mooring knows, and none
 * is held for ever.
 * @param quiet what happened at last, while nobody did anything
 * @param mayGoOn something of the history goes on by itself, such as a schedule
 */
export function judgeObjects(
  objects: ObjectWorld,
  inventory: LastingInventory,
  quiet: readonly Happened[],
  mayGoOn: boolean,
): Finding[] {
  const writes = quiet.flatMap((each, index) => {
    if (each.type !== 'object write arrives' || each.atMs < (quiet[0]?.atMs ?? 0) + lateMs) return []
    return [{ ...each, isChange: quiet[index + 1]?.type === 'object changed' }]
  })
  const rule = '6: no object is written without a difference'
  // A delete is repeated until the watch has shown that the object is gone.
  const idle = writes.filter(({ isChange, what }) => !isChange && what !== 'delete')
  const often = [...Map.groupBy(writes, ({ about }) => about)].filter(
    ([, sent]) => !mayGoOn && sent.length > mostWrites,
  )
  return [
    ...idle.map(
      ({ about, what }) => [rule, `in the quiet at the end: ${what} of ${about} changed nothing`] as const,
    ),
    ...often.map(
      ([about, sent]) => [rule, `${about} was written ${sent.length} times in the quiet at the end`] as const,
    ),
    ...objects.all().flatMap((object): Finding[] => {
      const wrong = judgeObject(object, objects, inventory)
      const rule = 'liveness: an object says what becomes of it, and goes when its end is done'
      return wrong === undefined ? [] : [[rule, wrong]]
    }),
  ]
}

function judgeObject(
  object: StoredObject,
  { wishes }: ObjectWorld,
  inventory: LastingInventory,
): string | undefined {
  const document = documentOf(object)
  // It shows a snapshot that a schedule made.
  if (document === undefined) return undefined
  const { uid, name, namespace, generation } = object.metadata
  const about = `${object.kind} ${namespace}/${name}`
  const isHeld = asStrings(object.metadata.finalizers).includes(finalizer)
  const isOwner = wishes.ownerOf(`${object.kind} ${name}`) === uid
  const record = inventory.get(`${object.kind}/default/${name}`)
  const ready = conditionOf(object, 'Ready')
  if (isEnding(object)) {
    if (!isHeld) return `${about} is being deleted, and nobody's finalizer holds it`
    return record === undefined ? `${about} is held by its finalizer, and nothing of it is left` : undefined
  }
  if (ready === undefined) return `${about} has no status`
  if (!isOwner) {
    return ready.reason === 'OwnedElsewhere'
      ? undefined
      : `${about} is a second object for one identity, and says ${String(ready.reason)}: ${String(ready.message)}`
  }
  const { observedGeneration } = asRecord(object.status)
  if (observedGeneration !== generation)
    return `${about} has generation ${String(generation)}, and its status is of ${String(observedGeneration)}`
  const known = record?.status.conditions.find(({ type }) => type === 'Ready')
  if (known === undefined || known.reason !== ready.reason || known.status !== ready.status)
    return `${about} says ${String(ready.reason)}, and Mooring knows ${known?.reason ?? 'nothing of it'}`
  const isToBeHeld = document.kind !== 'SnapshotSchedule' && document.policy !== 'Retain'
  if (isToBeHeld && !isHeld) return `${about} is not held by a finalizer, though its end has work to do`
  return undefined
}
