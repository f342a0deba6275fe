import { errorMessage } from '../../lib/errors.ts'
import { keyOf } from '../../plan/identity.ts'
import { annotations } from '../../plan/object-ends.ts'
import type { Inventory } from '../../plan/ports.ts'
import type { VolumeRecord } from '../../plan/record.ts'
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

  async function restore(view: ObjectView, record: VolumeRecord, views: readonly ObjectView[]) {
    const given = view.object.metadata.annotations?.[annotations.restoreFrom]
    const object = writer.current(view.object)
    if (object === undefined) return
    const before = readStatus(object)
    const handled = 'lastHandledRestoreFrom' in before ? before.lastHandledRestoreFrom : undefined
    if (given === handled) return
    if (given !== undefined) await order(view, record, given, views)
    const { lastHandledRestoreFrom: _, ...rest } = { lastHandledRestoreFrom: undefined, ...before }
    await writer.writeStatus(object, given === undefined ? rest : { ...rest, lastHandledRestoreFrom: given })
  }

  async function order(view: ObjectView, record: VolumeRecord, given: string, views: readonly ObjectView[]) {
    const refuse = (why: string) => writer.event(view.object, 'Warning', 'RestoreRefused', why)
    const current = `@${record.externalID ?? ''}`
    // No name of an object has a colon, and no end of the text but this one is of the volume that there is.
    const backTo = /^replaced:(.+)$/s.exec(
      given.endsWith(current) ? given.slice(0, -current.length) : '',
    )?.[1]
    const at = given.indexOf('@')
    const [snapshot, externalID] = [given.slice(0, at), given.slice(at + 1)]
    if (at < 1 || externalID === '') {
      return refuse(
        `${annotations.restoreFrom} is "${given}": write <Snapshot>@<current external ID>, or replaced:<external ID>@<current external ID>`,
      )
    }
    if (backTo === undefined && externalID !== record.externalID) {
      return refuse(
        `its external volume is "${record.externalID ?? ''}", and the order is about "${externalID}"`,
      )
    }
    try {
      const said =
        backTo === undefined
          ? await orders.restore(record.key, nameOfSnapshot(snapshot, record, views))
          : await orders.restoreReplaced(record.key, backTo)
      writer.event(view.object, 'Normal', 'RestoreOrdered', said)
      wake(record.key)
    } catch (error) {
      refuse(errorMessage(error))
    }
  }

  async function recreate(view: ObjectView, record: VolumeRecord) {
    const given = view.object.metadata.annotations?.[annotations.recreate]
    const hasVanished = record.status.conditions.some(
      ({ type, status, reason }) => type === 'Stalled' && status === 'True' && reason === 'Vanished',
    )
    if (given === undefined || given !== record.externalID || !hasVanished) return
    if (inventory.orders(record.key).recreate?.externalID === given) return
    writer.event(view.object, 'Normal', 'RecreateOrdered', await orders.recreate(record.key, given))
    wake(record.key)
  }

  return {
    async follow(views) {
      for (const view of views) {
        if (view.declaration?.kind !== 'Volume') continue
        const record = inventory.get(keyOf(view.declaration))
        if (record?.kind !== 'Volume') continue
        if (record.declaration.place.object?.uid !== view.object.metadata.uid) continue
        await restore(view, record, views)
        await recreate(view, record)
      }
    },
  }
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
