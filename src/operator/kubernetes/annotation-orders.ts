import { errorMessage, toOperationError, UsageError } from '../../lib/errors.ts'
import type { Log } from '../../lib/log.ts'
import { annotations } from '../desired/object-ends.ts'
import { parseOrder } from '../orders/order.ts'
import type { TakeOrder } from '../orders/take-order.ts'
import { lostReasons } from '../plan/orders.ts'
import type { Inventory } from '../plan/ports.ts'
import { type InventoryRecord, storedThing, type VolumeRecord } from '../plan/record.ts'
import { keysOf } from './object-index.ts'
import type { ObjectView } from './object-view.ts'
import type { ObjectWriter } from './object-writer.ts'
import { type HandledOrders, readStatus } from './status.ts'

/** What an annotation is read with. */
interface Reading {
  /** What is managed for the object, of the kind that the annotation is for. */
  readonly records: readonly InventoryRecord[]
  readonly views: readonly ObjectView[]
  readonly inventory: Pick<Inventory, 'orders'>
}

/** An annotation by which a person gives an order. */
interface OrderAnnotation {
  readonly annotation: string
  readonly on: readonly InventoryRecord['kind'][]
  /** The first word of its events: `Restore` stands for RestoreOrdered, RestoreRefused and RestoreDelayed. */
  readonly name: string
  /**
   * The field of status that holds the value that was taken last. Each new value is one order. Without a field, the
   * annotation says how things shall be, and `ordersOf` gives an order only while they are not so.
   */
  readonly field?: keyof HandledOrders
  /** Set where an order must not be taken twice. A crash at the wrong moment may then lose it. */
  readonly isMarkedFirst?: true
  /** The orders that the value stands for, as `parseOrder` reads them. @throws UsageError where it stands for none */
  readonly ordersOf: (given: string, reading: Reading) => readonly unknown[]
}

/** Every annotation that orders something. A new one is one row here. */
const orderAnnotations: readonly OrderAnnotation[] = [
  {
    annotation: annotations.restoreFrom,
    on: ['Volume'],
    name: 'Restore',
    field: 'lastHandledRestoreFrom',
    ordersOf: restoreOrders,
  },
  {
    annotation: annotations.nodeIsDead,
    on: ['Volume'],
    name: 'Detach',
    field: 'lastHandledNodeIsDead',
    // A person's word is about the allocations of that moment.
    isMarkedFirst: true,
    ordersOf(given, { records }) {
      const [node, allocations] = given.split('@')
      const named = allocations?.split(',').filter((each) => each !== '') ?? []
      return records.map(({ key }) => ({ type: 'detach', key, node, allocations: named }))
    },
  },
  {
    annotation: annotations.recreate,
    on: ['Volume', 'HostVolume'],
    name: 'Recreate',
    ordersOf: (lostExternalID, { records, inventory }) =>
      records
        .filter((record) => storedThing(record).externalID === lostExternalID && hasVanished(record))
        .filter(({ key }) => inventory.orders(key).recreate?.externalID !== lostExternalID)
        .map(({ key }) => ({ type: 'recreate', key, lostExternalID })),
  },
  {
    annotation: annotations.snapshotNow,
    on: ['SnapshotSchedule'],
    name: 'Snapshots',
    field: 'lastHandledSnapshotNow',
    ordersOf: (_given, { records }) => records.map(({ key }) => ({ type: 'takeSnapshots', key })),
  },
  {
    annotation: annotations.trustClock,
    on: ['SnapshotSchedule'],
    name: 'TrustClock',
    field: 'lastHandledTrustClock',
    // A person's word is about the date of that moment.
    isMarkedFirst: true,
    ordersOf: (_given, { records }) => records.map(({ key }) => ({ type: 'trustClock', key })),
  },
  {
    annotation: annotations.keep,
    on: ['Snapshot'],
    name: 'Keep',
    ordersOf: (given, { records, inventory }) =>
      records
        .filter((record) => record.kind === 'Snapshot' && record.schedule !== undefined)
        .filter(({ key }) => (inventory.orders(key).keptSinceMs !== undefined) !== (given !== 'false'))
        .map(({ key }) => ({ type: given === 'false' ? 'releaseSnapshot' : 'keepSnapshot', key })),
  },
]

/**
 * Takes orders from annotations. An order that is refused or fails holds up no other. A refusal is told once, by an
 * event that says why. An order that failed is tried again at the next reading.
 */
export function createAnnotationOrders(options: {
  readonly writer: Pick<ObjectWriter, 'current' | 'writeStatus' | 'event'>
  readonly inventory: Pick<Inventory, 'get' | 'orders'>
  readonly takeOrder: TakeOrder
  readonly log: Pick<Log, 'warn'>
}): {
  /** Never rejects. @param views all objects of the last reading */
  follow(views: readonly ObjectView[]): Promise<void>
} {
  const { writer, inventory, takeOrder, log } = options
  /** By object and annotation, what the last event said. Each reading would say it again. */
  let told = new Map<string, string>()

  async function take(view: ObjectView, row: OrderAnnotation, reading: Reading, tell: Tell): Promise<void> {
    const { annotation, name, field, isMarkedFirst } = row
    const given = view.object.metadata.annotations?.[annotation]
    const object = writer.current(view.object)
    if (object === undefined) return
    if (field !== undefined && (readStatus(object) as HandledOrders)[field] === given) return
    const mark = async () => {
      if (field === undefined) return
      await writer.writeStatus(object, (before) => {
        const { [field]: _, ...rest } = before as HandledOrders
        return given === undefined ? rest : { ...rest, [field]: given }
      })
    }
    if (given === undefined || isMarkedFirst) await mark()
    if (given === undefined) return
    try {
      await giveOrders(view, row, given, reading)
    } catch (error) {
      const isAnswer = error instanceof UsageError || toOperationError(error).kind === 'permanent'
      if (!isAnswer && !isMarkedFirst) {
        tell(`${name}Delayed`, `${errorMessage(error)}: the order of ${annotation} is tried again`)
        return
      }
      tell(`${name}Refused`, errorMessage(error))
    }
    if (!isMarkedFirst) await mark()
  }

  /** @throws the failure, or the refusals where every order was refused: of several volumes, some may fit the order */
  async function giveOrders(
    { object }: ObjectView,
    { annotation, name, ordersOf }: OrderAnnotation,
    given: string,
    reading: Reading,
  ): Promise<void> {
    const failures: unknown[] = []
    const orders = ordersOf(given, reading)
    const user = object.metadata.annotationManagers?.[annotation]
    const by = { via: `annotation ${annotation}`, ...(user === undefined ? {} : { user }) }
    for (const order of orders) {
      try {
        writer.event(object, 'Normal', `${name}Ordered`, await takeOrder(parseOrder(order), by))
      } catch (error) {
        failures.push(error)
      }
    }
    const failed = failures.find((each) => !(each instanceof UsageError))
    if (failed !== undefined) throw failed
    if (orders.length > 0 && failures.length === orders.length)
      throw new UsageError(failures.map(errorMessage).join('; '))
  }

  return {
    async follow(views) {
      const before = told
      told = new Map()
      for (const view of views) {
        const own = recordsOf(view)
        for (const row of orderAnnotations) {
          const records = own.filter(({ kind }) => row.on.includes(kind))
          if (records.length === 0) continue
          const place = `${view.object.metadata.uid} ${row.annotation}`
          const tell: Tell = (reason, message) => {
            const said = `${reason}: ${message}`
            if (before.get(place) !== said) writer.event(view.object, 'Warning', reason, message)
            told.set(place, said)
          }
          try {
            await take(view, row, { records, views, inventory }, tell)
          } catch (error) {
            const { file: object } = view.place
            log.warn(
              { object, annotation: row.annotation, error: errorMessage(error) },
              'an order in an annotation failed: it is tried again',
            )
          }
        }
      }
    },
  }

  /** What is managed for the object that declares it, or that shows a schedule's snapshot. */
  function recordsOf(view: ObjectView): InventoryRecord[] {
    const { uid } = view.object.metadata
    return keysOf(view).flatMap((key) => {
      const record = inventory.get(key)
      if (record === undefined) return []
      const shown = record.kind === 'Snapshot' ? record.schedule?.objectUID : undefined
      const owner = view.shownSnapshot === undefined ? record.declaration.place.object?.uid : shown
      return owner === uid ? [record] : []
    })
  }
}

/** Tells the person by an event, unless the same was told at the reading before. */
type Tell = (reason: string, message: string) => void

function volumesOf(records: readonly InventoryRecord[]): VolumeRecord[] {
  return records.filter((record) => record.kind === 'Volume')
}

function hasVanished({ status }: InventoryRecord): boolean {
  return status.conditions.some(
    ({ type, status, reason }) => type === 'Stalled' && status === 'True' && lostReasons.includes(reason),
  )
}

/**
 * The value names the external volume that it is about. So a value whose order was carried out stands for none any
 * more, whatever crashed in between.
 */
function restoreOrders(given: string, { records, views }: Reading): readonly unknown[] {
  const volumes = volumesOf(records)
  if (!/^[^@]+@./s.test(given)) {
    throw new UsageError(
      `${annotations.restoreFrom} is "${given}": write <Snapshot>@<current external ID>, or replaced:<external ID>@<current external ID>`,
    )
  }
  const [found] = volumes.flatMap((record): object[] => {
    const end = `@${record.externalID ?? ''}`
    const from = given.slice(0, -end.length)
    const isAbout = record.externalID !== undefined && given.endsWith(end) && from !== ''
    if (!isAbout) return []
    // No name of an object has a colon.
    const [, externalID] = /^replaced:(.+)$/s.exec(from) ?? []
    const { key } = record
    if (externalID !== undefined) return [{ type: 'restoreBack', key, externalID }]
    return from.includes('@') ? [] : [{ type: 'restore', key, snapshot: nameOfSnapshot(from, record, views) }]
  })
  if (found !== undefined) return [found]
  const known = volumes.map(({ externalID }) => `"${externalID ?? ''}"`).join(', ')
  throw new UsageError(
    `its external volume is ${known}, and the order is about "${given.slice(given.indexOf('@') + 1)}": write the current one after the @`,
  )
}

/** The object of a schedule's snapshot has another name than the snapshot. */
function nameOfSnapshot(name: string, { declaration }: VolumeRecord, views: readonly ObjectView[]): string {
  const found = views.find(
    ({ object, shownSnapshot, declaration: shown }) =>
      shownSnapshot !== undefined &&
      object.metadata.name === name &&
      shown?.spec.namespace === declaration.spec.namespace,
  )
  return found?.declaration?.name ?? name
}
