import { errorMessage } from '../../lib/errors.ts'
import { annotations } from '../desired/object-ends.ts'
import type { Key } from '../plan/identity.ts'
import type { Inventory } from '../plan/ports.ts'
import type { InventoryRecord, VolumeRecord } from '../plan/record.ts'
import { keysOf } from './object-index.ts'
import type { ObjectView } from './object-view.ts'
import type { ObjectWriter } from './object-writer.ts'
import { type HandledOrders, readStatus } from './status.ts'

/** What a person may order; each rejects where the order makes no sense, and says why. */
export interface ObjectOrders {
  /** @param snapshot by its name or its ID */
  restore(key: Key, snapshot: string): Promise<string>
  restoreReplaced(key: Key, externalID: string): Promise<string>
  recreate(key: Key, lostExternalID: string): Promise<string>
  /** @param node its ID, or the beginning of it */
  detach(key: Key, node: string): Promise<string>
  /** A run of the schedule. @returns what to tell, and the snapshots that are begun */
  snapshotNow(schedule: Key): Promise<{ readonly message: string; readonly keys: readonly Key[] }>
}

/** An annotation whose every new value is one order, and the field of status that says which was taken last. */
interface Order {
  readonly annotation: string
  readonly field: keyof HandledOrders
  /** Set where the order must not be taken twice, whatever crashes in between: better none than two. */
  readonly isMarkedFirst?: true
}

const restoreFrom: Order = { annotation: annotations.restoreFrom, field: 'lastHandledRestoreFrom' }
const nodeIsDead: Order = {
  annotation: annotations.nodeIsDead,
  field: 'lastHandledNodeIsDead',
  // The word is about the allocations of that moment.
  isMarkedFirst: true,
}
const snapshotNow: Order = { annotation: annotations.snapshotNow, field: 'lastHandledSnapshotNow' }

/**
 * Takes orders from annotations. Those for a restore name the external volume that they are about, so that one
 * which was carried out is one no more, whatever crashes in between.
 */
export function createAnnotationOrders(options: {
  readonly writer: ObjectWriter
  readonly inventory: Pick<Inventory, 'get' | 'orders'>
  readonly orders: ObjectOrders
  readonly wake: (key: Key) => void
}): { follow(views: readonly ObjectView[]): Promise<void> } {
  const { writer, inventory, orders, wake } = options

  /** Takes the order where the annotation has another value than the one that was taken last. */
  async function take(
    view: ObjectView,
    { annotation, field, isMarkedFirst }: Order,
    carryOut: (given: string) => Promise<void>,
  ): Promise<void> {
    const given = view.object.metadata.annotations?.[annotation]
    const object = writer.current(view.object)
    if (object === undefined || (readStatus(object) as HandledOrders)[field] === given) return
    const mark = () =>
      writer.writeStatus(object, (before) => {
        const { [field]: _, ...rest } = before as HandledOrders
        return given === undefined ? rest : { ...rest, [field]: given }
      })
    if (given === undefined || isMarkedFirst) await mark()
    if (given === undefined) return
    await carryOut(given)
    if (!isMarkedFirst) await mark()
  }

  async function detach(view: ObjectView, records: readonly VolumeRecord[], node: string) {
    const refusals: string[] = []
    for (const { key } of records) {
      try {
        writer.event(view.object, 'Normal', 'DetachOrdered', await orders.detach(key, node))
        wake(key)
      } catch (error) {
        refusals.push(errorMessage(error))
      }
    }
    // Of several volumes, some may never have been there.
    if (refusals.length === records.length)
      writer.event(view.object, 'Warning', 'DetachRefused', refusals.join('; '))
  }

  async function takeSnapshots(view: ObjectView, schedule: Key) {
    try {
      const { message, keys } = await orders.snapshotNow(schedule)
      writer.event(view.object, 'Normal', 'SnapshotsOrdered', message)
      for (const key of keys) wake(key)
    } catch (error) {
      writer.event(view.object, 'Warning', 'SnapshotsRefused', errorMessage(error))
    }
  }

  async function restore(
    view: ObjectView,
    records: readonly VolumeRecord[],
    given: string,
    views: readonly ObjectView[],
  ) {
    const refuse = (why: string) => writer.event(view.object, 'Warning', 'RestoreRefused', why)
    if (!/^[^@]+@./s.test(given)) {
      return refuse(
        `${annotations.restoreFrom} is "${given}": write <Snapshot>@<current external ID>, or replaced:<external ID>@<current external ID>`,
      )
    }
    const [found] = records.flatMap((record) => {
      const source = parseRestoreFrom(given, record.externalID)
      return source === undefined ? [] : [{ record, source }]
    })
    if (found === undefined) {
      const known = records.map(({ externalID }) => `"${externalID ?? ''}"`).join(', ')
      return refuse(
        `its external volume is ${known}, and the order is about "${given.slice(given.indexOf('@') + 1)}"`,
      )
    }
    const { record, source } = found
    try {
      const said =
        'backTo' in source
          ? await orders.restoreReplaced(record.key, source.backTo)
          : await orders.restore(record.key, nameOfSnapshot(source.snapshot, record, views))
      writer.event(view.object, 'Normal', 'RestoreOrdered', said)
      wake(record.key)
    } catch (error) {
      refuse(errorMessage(error))
    }
  }

  async function recreate(view: ObjectView, records: readonly VolumeRecord[]) {
    const given = view.object.metadata.annotations?.[annotations.recreate]
    const record = records.find(({ externalID }) => externalID !== undefined && externalID === given)
    if (given === undefined || record === undefined || !hasVanished(record)) return
    if (inventory.orders(record.key).recreate?.externalID === given) return
    writer.event(view.object, 'Normal', 'RecreateOrdered', await orders.recreate(record.key, given))
    wake(record.key)
  }

  return {
    async follow(views) {
      for (const view of views) {
        const own = recordsOf(view)
        const volumes = own.filter((record) => record.kind === 'Volume')
        if (volumes.length > 0) {
          await take(view, restoreFrom, (given) => restore(view, volumes, given, views))
          await take(view, nodeIsDead, (node) => detach(view, volumes, node))
          await recreate(view, volumes)
        }
        const schedule = own.find(({ kind }) => kind === 'SnapshotSchedule')
        if (schedule !== undefined) await take(view, snapshotNow, () => takeSnapshots(view, schedule.key))
      }
    },
  }

  /** What is managed for the object that speaks for it. */
  function recordsOf(view: ObjectView): InventoryRecord[] {
    return keysOf(view).flatMap((key) => {
      const record = inventory.get(key)
      const isOwn = record?.declaration.place.object?.uid === view.object.metadata.uid
      return record !== undefined && isOwn ? [record] : []
    })
  }
}

/** What is to be restored in the place of this external volume; undefined where the order is about another. */
function parseRestoreFrom(
  given: string,
  externalID: string | undefined,
): { readonly snapshot: string } | { readonly backTo: string } | undefined {
  const end = `@${externalID ?? ''}`
  if (externalID === undefined || !given.endsWith(end)) return undefined
  const from = given.slice(0, -end.length)
  // No name of an object has a colon.
  const [, backTo] = /^replaced:(.+)$/s.exec(from) ?? []
  if (backTo !== undefined) return { backTo }
  return from === '' || from.includes('@') ? undefined : { snapshot: from }
}

function hasVanished({ status }: VolumeRecord): boolean {
  return status.conditions.some(
    ({ type, status, reason }) => type === 'Stalled' && status === 'True' && reason === 'Vanished',
  )
}

/** What a schedule made has an object of another name than its own. */
function nameOfSnapshot(name: string, { declaration }: VolumeRecord, views: readonly ObjectView[]): string {
  const mirror = views.find(
    ({ object, mirrorOf, declaration: shown }) =>
      mirrorOf !== undefined &&
      object.metadata.name === name &&
      shown?.spec.namespace === declaration.spec.namespace,
  )
  return mirror?.declaration?.name ?? name
}
