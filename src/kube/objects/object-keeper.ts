import type { Declaration } from '../../declare/declaration.ts'
import type { Around } from '../../lib/around.ts'
import type { Clock } from '../../lib/clock.ts'
import { errorMessage } from '../../lib/errors.ts'
import type { Log } from '../../lib/log.ts'
import type { StepName } from '../../plan/decision.ts'
import { type Key, keyOf } from '../../plan/identity.ts'
import type { Refusal } from '../../plan/ownership.ts'
import type { Inventory } from '../../plan/ports.ts'
import type { InventoryRecord } from '../../plan/record.ts'
import type { KubernetesObject } from '../api.ts'
import { isHeldFor, planFinalizer } from './finalizer.ts'
import type { Mirrors } from './mirrors.ts'
import type { ObjectView } from './object-view.ts'
import { hasFinalizer, isEnding, type ObjectWriter } from './object-writer.ts'
import { invalidVerdict, type ObjectStatus, readStatus, statusOfRecord, statusOfVerdict } from './status.ts'

/** What sources say now, as far as objects are told of it. */
export interface DeclaredNow {
  declaration(key: Key): Declaration | undefined
  declarations(): ReadonlyMap<Key, Declaration>
  refusals(): readonly Refusal[]
}

/**
 * Keeps objects in step with what is managed for them: a finalizer before the first effect, the status once
 * after each pass, the finalizer off when nothing is left to do. All of an identity's objects are written
 * within its own passes, so that nothing is taken off that a pass is about to rely on.
 */
export interface ObjectKeeper {
  readonly aroundStep: Around<{ readonly key: Key; readonly step: StepName; readonly why: string }>
  readonly aroundPass: Around<{ readonly key: Key }>
  /** Tells those objects that have no passes, and wakes the identities of those that need one. */
  afterReading(): Promise<void>
}

export function createObjectKeeper(options: {
  /** As of the last reading. */
  readonly objects: () => { readonly views: readonly ObjectView[]; readonly complete: boolean }
  readonly writer: ObjectWriter
  readonly mirrors: Mirrors
  readonly orders: { follow(views: readonly ObjectView[]): Promise<void> }
  readonly inventory: Inventory
  readonly declared: DeclaredNow
  readonly wake: (key: Key) => void
  readonly clock: Clock
  readonly log: Log
}): ObjectKeeper {
  const { objects, writer, mirrors, orders, inventory, declared, wake, clock, log } = options
  let indexed: readonly ObjectView[] | undefined
  let byKey: ReadonlyMap<Key, readonly ObjectView[]> = new Map()

  function viewsOf(key: Key): readonly ObjectView[] {
    const { views } = objects()
    if (views !== indexed) {
      indexed = views
      byKey = Map.groupBy(views, keyOfView)
    }
    return byKey.get(key) ?? []
  }

  /** One that cannot be used belongs to what it declared before. */
  function keyOfView({ declaration, object }: ObjectView): Key {
    return declaration === undefined ? (recordOf(object)?.key ?? '') : keyOf(declaration)
  }

  function recordOf({ metadata }: KubernetesObject): InventoryRecord | undefined {
    return inventory.list().find(({ declaration }) => declaration.place.object?.uid === metadata.uid)
  }

  /** The object that speaks for an identity. */
  function ownerOf(key: Key): ObjectView | undefined {
    const uid = (declared.declaration(key) ?? inventory.get(key)?.declaration)?.place.object?.uid
    return viewsOf(key).find((view) => view.mirrorOf !== undefined || view.object.metadata.uid === uid)
  }

  async function writeObject(
    view: ObjectView,
    record: InventoryRecord | undefined,
    statusFrom: (before: ObjectStatus) => ObjectStatus | undefined,
  ): Promise<void> {
    const object = writer.current(view.object)
    if (object === undefined) return
    const status = statusFrom(readStatus(object))
    if (status !== undefined) await writer.writeStatus(object, status)
    const { declaration } = view
    const change = planFinalizer({
      hasFinalizer: hasFinalizer(object),
      isEnding: isEnding(object),
      declaration,
      record,
    })
    if (change === 'add') await writer.addFinalizer(object)
    if (change === 'remove') await writer.removeFinalizer(object)
  }

  async function writeObjectsOf(key: Key): Promise<void> {
    const record = inventory.get(key)
    for (const view of viewsOf(key)) {
      const { uid } = view.object.metadata
      if (view.declaration === undefined) {
        await tellInvalid(view)
        continue
      }
      if (view.mirrorOf !== undefined) {
        const isShown = record?.kind === 'Snapshot' && record.schedule?.objectUID === uid
        if (isShown)
          await writeObject(view, record, (before) => statusOfRecord(record, view.place.object, before))
        else if (record === undefined) await mirrors.remove(view)
        continue
      }
      const passed = record?.declaration.place.object
      if (record !== undefined && passed?.uid === uid) {
        // Its deletion counts as a change of what it says, and no pass looks at the rest of it any more.
        const observed = isEnding(view.object) ? view.place.object : passed
        await writeObject(view, record, (before) => statusOfRecord(record, observed, before))
        continue
      }
      await writeObject(view, undefined, (before) => refusedStatus(view, before))
    }
    if (record?.kind === 'Snapshot' && record.schedule !== undefined) await mirrors.ensure(record)
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

  async function tellInvalid(view: ObjectView): Promise<void> {
    const { generation } = view.object.metadata
    const record = recordOf(view.object)
    const verdict = invalidVerdict(view.problems)
    await writeObject(view, record, (before) => statusOfVerdict(verdict, generation, before, clock.now()))
  }

  /** Whether no reading wakes it, and something is left to write. */
  function isBehind(
    { object, mirrorOf, declaration }: ObjectView,
    record: InventoryRecord | undefined,
  ): boolean {
    if (mirrorOf === undefined) return record === undefined && isEnding(object) && hasFinalizer(object)
    const change = planFinalizer({
      hasFinalizer: hasFinalizer(object),
      isEnding: isEnding(object),
      declaration,
      record,
    })
    return record === undefined || object.status === undefined || change !== 'leave'
  }

  return {
    async aroundStep({ key, step, why }, run) {
      const view = ownerOf(key)
      const declaration = declared.declaration(key)
      if (declaration?.place.object !== undefined && isHeldFor(step, declaration)) {
        if (view === undefined) throw new Error(`the object of ${key} was not read`)
        await writer.addFinalizer(view.object)
      }
      const reason = step.replace(/(?:^|-)([a-z])/g, (_, letter: string) => letter.toUpperCase())
      try {
        const result = await run()
        if (view !== undefined) writer.event(view.object, 'Normal', reason, why)
        return result
      } catch (error) {
        if (view !== undefined) writer.event(view.object, 'Warning', `${reason}Failed`, errorMessage(error))
        throw error
      }
    },
    async aroundPass({ key }, run) {
      const outcome = await run()
      await writeObjectsOf(key)
      return outcome
    },
    async afterReading() {
      const { views, complete } = objects()
      const refused = new Set(declared.refusals().map(({ declaration }) => declaration))
      for (const view of views) {
        try {
          if (view.declaration === undefined) {
            await tellInvalid(view)
            continue
          }
          const key = keyOf(view.declaration)
          if (refused.has(view.declaration) || isBehind(view, inventory.get(key))) wake(key)
        } catch (error) {
          log.warn({ object: view.place.file, error: errorMessage(error) }, 'an object could not be written')
        }
      }
      try {
        await orders.follow(views)
        if (complete) await mirrors.follow(views.filter(({ mirrorOf }) => mirrorOf !== undefined))
      } catch (error) {
        log.warn({ error: errorMessage(error) }, 'what people did to objects could not be followed')
      }
    },
  }
}
