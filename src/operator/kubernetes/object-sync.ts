import type { KubernetesObject } from '../../kube/api.ts'
import type { Around } from '../../lib/around.ts'
import type { Clock } from '../../lib/clock.ts'
import { errorMessage } from '../../lib/errors.ts'
import { createInTurn } from '../../lib/in-turn.ts'
import type { Log } from '../../lib/log.ts'
import type { Declaration } from '../declare/declaration.ts'
import type { Refusal } from '../desired/ownership.ts'
import type { StepName } from '../plan/decision.ts'
import type { Key } from '../plan/identity.ts'
import type { Inventory } from '../plan/ports.ts'
import type { InventoryRecord } from '../plan/record.ts'
import { isHeldFor, planFinalizer } from './finalizer.ts'
import { instancesOf, statusOfInstances } from './instances.ts'
import { createObjectIndex, hasInstances, keysOf } from './object-index.ts'
import type { ObjectView } from './object-view.ts'
import { hasFinalizer, isEnding, type ObjectWriter } from './object-writer.ts'
import type { ScheduledSnapshots } from './scheduled-snapshots.ts'
import { invalidVerdict, type ObjectStatus, statusOfRecord, statusOfVerdict } from './status.ts'

/** What is declared now, as far as it appears on objects. */
export interface DeclaredNow {
  declaration(key: Key): Declaration | undefined
  declarations(): ReadonlyMap<Key, Declaration>
  refusals(): readonly Refusal[]
}

/**
 * Writes to objects what becomes of them: a finalizer before the first effect, the status once after each pass. The
 * finalizer goes when nothing is left to do. An identity's objects are written within its own passes, so that nobody
 * takes off a finalizer that a pass relies on.
 */
export interface ObjectSync {
  readonly aroundStep: Around<{ readonly key: Key; readonly step: StepName; readonly why: string }>
  readonly aroundPass: Around<{ readonly key: Key }>
  /** Tells those objects that have no passes, and wakes the identities of those that need one. */
  afterReading(): Promise<void>
}

export function createObjectSync(options: {
  /** From the last reading. */
  readonly objects: () => { readonly views: readonly ObjectView[]; readonly complete: boolean }
  readonly writer: ObjectWriter
  readonly scheduledSnapshots: ScheduledSnapshots
  /** Takes the orders of annotations. Never rejects. */
  readonly orders: { follow(views: readonly ObjectView[]): Promise<void> }
  readonly inventory: Inventory
  readonly declared: DeclaredNow
  readonly wake: (key: Key) => void
  readonly clock: Clock
  readonly log: Log
}): ObjectSync {
  const { objects, writer, scheduledSnapshots, orders, inventory, declared, wake, clock, log } = options
  const index = createObjectIndex(() => objects().views)
  /** Writes of one object run one after another, by UID: several volumes may have passes about the same object. */
  const inTurn = createInTurn()
  /** Writes that have not begun. Each writes everything that is known when it begins. */
  const queued = new Map<string, Promise<void>>()
  /** For each object, the number of steps that need its finalizer and are about to begin. */
  const held = new Map<string, number>()

  const uidOf = (key: Key) => inventory.get(key)?.declaration.place.object?.uid
  const recordsOf = ({ metadata }: KubernetesObject): InventoryRecord[] =>
    metadata.uid === undefined ? [] : [...inventory.find('object', metadata.uid)]

  /** The object that declares or shows an identity. */
  function ownerOf(key: Key): ObjectView | undefined {
    const uid = declared.declaration(key)?.place.object?.uid ?? uidOf(key)
    return index
      .of(key, uid)
      .find((view) => view.shownSnapshot !== undefined || view.object.metadata.uid === uid)
  }

  async function writeObject(
    view: ObjectView,
    records: readonly InventoryRecord[],
    statusFrom: (before: ObjectStatus) => ObjectStatus | undefined,
  ): Promise<void> {
    await writer.writeStatus(view.object, statusFrom)
    const object = writer.current(view.object)
    if (object === undefined) return
    const { declaration } = view
    const change = planFinalizer({
      hasFinalizer: hasFinalizer(object),
      isEnding: isEnding(object),
      declaration,
      records,
      isHeld: held.has(object.metadata.uid ?? ''),
    })
    if (change === 'add') await writer.addFinalizer(object)
    if (change === 'remove') await writer.removeFinalizer(object)
  }

  /** All volumes of an object with perAlloc together. */
  function writeInstances({ object: { metadata } }: ObjectView): Promise<void> {
    const { uid = '' } = metadata
    const before = queued.get(uid)
    if (before !== undefined) return before
    const turn = inTurn(uid, async () => {
      queued.delete(uid)
      const view = index.byUID(uid)
      if (view?.declaration?.kind !== 'Volume') return
      const { declaration, place } = view
      const parts = instancesOf(declaration, uid, inventory, declared.refusals())
      const records = parts.flatMap(({ record }) => record ?? [])
      // Where all volumes are gone, no status is needed.
      const isDone = records.length === 0 && isEnding(view.object)
      await writeObject(view, records, (status) =>
        isDone ? undefined : statusOfInstances(declaration, parts, place.object, status, clock.now()),
      )
    })
    queued.set(uid, turn)
    return turn
  }

  /** @param uids of the objects that declare or declared the identity */
  async function writeObjectsOf(key: Key, uids: readonly (string | undefined)[]): Promise<void> {
    const record = inventory.get(key)
    for (const view of new Set(uids.flatMap((uid) => index.of(key, uid)))) {
      const { uid } = view.object.metadata
      if (hasInstances(view)) {
        await writeInstances(view)
        continue
      }
      if (view.declaration === undefined) {
        await writeInvalid(view)
        continue
      }
      if (view.shownSnapshot !== undefined) {
        const isShown = record?.kind === 'Snapshot' && record.schedule?.objectUID === uid
        if (isShown)
          await writeObject(view, [record], (before) => statusOfRecord(record, view.place.object, before))
        else if (record === undefined) await scheduledSnapshots.remove(view)
        continue
      }
      const isOwn = record?.declaration.place.object?.uid === uid
      if (record !== undefined && isOwn) {
        const passed = record.observed?.uid === uid ? record.observed : undefined
        // A deletion counts as a change, and later passes look at nothing else of the object.
        const observed = isEnding(view.object) ? view.place.object : passed
        await writeObject(view, [record], (before) => statusOfRecord(record, observed, before))
        continue
      }
      await writeObject(view, [], (before) => refusedStatus(view, before))
    }
    if (record?.kind === 'Snapshot' && record.schedule !== undefined) await scheduledSnapshots.ensure(record)
  }

  function refusedStatus({ declaration, place }: ObjectView, before: ObjectStatus): ObjectStatus | undefined {
    const refusal = declared.refusals().find((each) => each.declaration === declaration)
    if (refusal === undefined) return undefined
    const { reason, message } = refusal
    return statusOfVerdict(
      { state: 'stalled', reason, message },
      place.object?.generation,
      before,
      clock.now(),
    )
  }

  async function writeInvalid(view: ObjectView): Promise<void> {
    const { generation } = view.object.metadata
    const verdict = invalidVerdict(view.problems)
    await writeObject(view, recordsOf(view.object), (before) =>
      statusOfVerdict(verdict, generation, before, clock.now()),
    )
  }

  /** The identity whose pass has to write this object, although nothing was declared anew; undefined where none has. */
  function keyToWake(view: ObjectView): Key | undefined {
    const { object, shownSnapshot, declaration } = view
    const [key] = keysOf(view)
    if (key === undefined) return undefined
    if (shownSnapshot === undefined) {
      const mayGo = isEnding(object) && hasFinalizer(object)
      const records = hasInstances(view) ? recordsOf(object) : [inventory.get(key) ?? []].flat()
      return mayGo && records.length === 0 ? key : undefined
    }
    const record = inventory.get(key)
    const change = planFinalizer({
      hasFinalizer: hasFinalizer(object),
      isEnding: isEnding(object),
      declaration,
      records: record === undefined ? [] : [record],
      isHeld: false,
    })
    return record === undefined || object.status === undefined || change !== 'leave' ? key : undefined
  }

  /** Adds the finalizer before a step, so that the object stays until the result of the step is recorded. */
  async function hold<Result>(view: ObjectView, run: () => Promise<Result>): Promise<Result> {
    const { uid = '' } = view.object.metadata
    held.set(uid, (held.get(uid) ?? 0) + 1)
    try {
      await inTurn(uid, () => writer.addFinalizer(view.object))
      return await run()
    } finally {
      const others = (held.get(uid) ?? 0) - 1
      if (others > 0) held.set(uid, others)
      else held.delete(uid)
    }
  }

  /** The declaration behind a step: the current one, or the recorded one of a volume that the count no longer includes. */
  function orderOf(key: Key, view: ObjectView | undefined): Declaration | undefined {
    const record = inventory.get(key)?.declaration
    const isLeftOut = record?.kind === 'Volume' && record.instance?.isScaledAway === true
    return declared.declaration(key) ?? (isLeftOut && view && !isEnding(view.object) ? record : undefined)
  }

  return {
    async aroundStep({ key, step, why: reasonOfStep }, run) {
      const view = ownerOf(key)
      const order = orderOf(key, view)
      const isHeld = order?.place.object !== undefined && isHeldFor(step, order)
      if (isHeld && view === undefined)
        throw new Error(`the object of ${key} was not read yet, so the step is not taken`)
      const why = view && hasInstances(view) ? `${nameOfKey(key)}: ${reasonOfStep}` : reasonOfStep
      const reason = step.replace(/(?:^|-)([a-z])/g, (_, letter: string) => letter.toUpperCase())
      try {
        const result = isHeld && view !== undefined ? await hold(view, run) : await run()
        if (view !== undefined) writer.event(view.object, 'Normal', reason, why)
        return result
      } catch (error) {
        if (view !== undefined) writer.event(view.object, 'Warning', `${reason}Failed`, errorMessage(error))
        throw error
      }
    },
    async aroundPass({ key }, run) {
      const before = uidOf(key)
      const outcome = await run()
      await writeObjectsOf(key, [before, uidOf(key)])
      return outcome
    },
    async afterReading() {
      const { views, complete } = objects()
      const refused = Map.groupBy(declared.refusals(), ({ declaration }) => declaration.place.object?.uid)
      for (const view of views) {
        try {
          if (view.declaration === undefined) {
            await writeInvalid(view)
            continue
          }
          const keys = new Set(refused.get(view.object.metadata.uid)?.map(({ key }) => key))
          const key = keyToWake(view)
          if (key !== undefined) keys.add(key)
          for (const each of keys) wake(each)
        } catch (error) {
          log.warn(
            { object: view.place.file, error: errorMessage(error) },
            'an object could not be written; it is tried again after the next reading',
          )
        }
      }
      await orders.follow(views)
      if (complete)
        await scheduledSnapshots.follow(views.filter(({ shownSnapshot }) => shownSnapshot !== undefined))
    },
  }
}

/** The name in a key, without kind and namespace. */
function nameOfKey(key: Key): string {
  return key.slice(key.lastIndexOf('/') + 1)
}
