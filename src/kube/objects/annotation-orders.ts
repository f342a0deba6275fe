import { errorMessage } from '../../lib/errors.ts'
import { annotations } from '../../plan/object-ends.ts'
import type { Inventory } from '../../plan/ports.ts'
import type { VolumeRecord } from '../../plan/record.ts'
import { keysOf } from './object-index.ts'
import type { ObjectView } from './object-view.ts'
import type { ObjectWriter } from './object-writer.ts'
import { readStatus } from './status.ts'

/** What a person may order; each rejects where the order makes no sense, and says why. */
export interface VolumeOrders {
  /** @param snapshot by its name or its ID */
  restore(key: string, snapshot: string): Promise<string>
  restoreReplaced(key: string, externalID: string): Promise<string>
  recreate(key: string, lostExternalID: string): Promise<string>
}

/**
 * Takes orders from the annotations of Volumes. Each names the external volume that it is about, so that one
 * which was carried out is one no more, whatever crashes in between.
 */
export function createAnnotationOrders(options: {
  readonly writer: ObjectWriter
  readonly inventory: Pick<Inventory, 'get' | 'orders'>
  readonly orders: VolumeOrders
  readonly wake: (key: string) => void
}): { follow(views: readonly ObjectView[]): Promise<void> } {
  const { writer, inventory, orders, wake } = options

  async function restore(view: ObjectView, records: readonly VolumeRecord[], views: readonly ObjectView[]) {
    const given = view.object.metadata.annotations?.[annotations.restoreFrom]
    const object = writer.current(view.object)
    if (object === undefined) return
    const before = readStatus(object)
    const handled = 'lastHandledRestoreFrom' in before ? before.lastHandledRestoreFrom : undefined
    if (given === handled) return
    if (given !== undefined) await order(view, records, given, views)
    const { lastHandledRestoreFrom: _, ...rest } = { lastHandledRestoreFrom: undefined, ...before }
    await writer.writeStatus(object, given === undefined ? rest : { ...rest, lastHandledRestoreFrom: given })
  }

  async function order(
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
        const records = recordsOf(view)
        if (records.length === 0) continue
        await restore(view, records, views)
        await recreate(view, records)
      }
    },
  }

  /** The volumes that the object speaks for. */
  function recordsOf(view: ObjectView): VolumeRecord[] {
    return keysOf(view).flatMap((key) => {
      const record = inventory.get(key)
      const isOwn = record?.declaration.place.object?.uid === view.object.metadata.uid
      return record?.kind === 'Volume' && isOwn ? [record] : []
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
